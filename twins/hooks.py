"""The webhook sink: any path under `/hooks/`; takes a POST as a customer's endpoint does and says 204."""

from twins.scripts import Act, Script, script_of
from twins.values import Asked, Moment, Refused, Reply, Request, Target

PREFIX = b"/hooks/"


class Hooks:
    """The delivery id is the header webhook-id; the address is the whole URL."""

    name = "webhook"

    def read(self, request: Request) -> Asked | Refused:
        path = request.path.decode("latin-1")
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        host = request.headers.get(b"host", b"").decode("latin-1")
        target = Target(request.headers.get(b"webhook-id", b"").decode("latin-1"), f"http://{host}{path}{query}")
        if request.oversize:
            return Refused(Reply(413), [target])
        if request.method != b"POST":
            return Refused(Reply(405, headers=b"Allow: POST\r\n"), [target])
        return Asked((target,), script_of(path[len(PREFIX) :]))

    def reply(self, details: None, script: Script, moment: Moment) -> Reply:
        act = script.act
        if act is Act.THROTTLE:
            return Reply(429, headers=b"Retry-After: 1\r\n")
        return Reply({Act.BOUNCE: 410, Act.UNSUBSCRIBED: 410, Act.REJECT: 400, Act.FAIL: 500}.get(act, 204))
