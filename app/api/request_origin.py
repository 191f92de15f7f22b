"""Middleware of the framework: notes from where a request comes, for the entries of the logs that it may write."""

from functools import partial
from hashlib import sha256

from app.api.middleware import AsgiApp, Receive, Scope, Send
from app.api.principal import PRINCIPAL, Principal
from app.api.request_ids import get_request_id
from schemas.request_origin import RequestOrigin, set_request_origin


class OriginOfRequest:
    """Says where the request at hand comes from, if somebody asks."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        set_request_origin(partial(read_request_origin, scope))
        await self._app(scope, receive, send)


def read_request_origin(scope: Scope) -> RequestOrigin:
    """The origin of a request: its principal, the peer of its connection, the hash of its User-Agent, and its id."""
    headers = dict(scope["headers"])
    principal: Principal | None = scope.get(PRINCIPAL)
    user_agent, client = headers.get(b"user-agent", b""), scope.get("client")
    return RequestOrigin(
        principal=principal.actor if principal else "",
        client_address=client[0] if client else "",
        user_agent_hash=sha256(user_agent).hexdigest()[:16] if user_agent else "",
        request_id=get_request_id(scope),
    )
