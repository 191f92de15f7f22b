"""A customer's webhook endpoint: any path under `/hooks/`; it responds to a POST with 204."""

from dev.simulators.protocol import DeliveryTarget, InvalidRequest, ResponseContext, ServerRequest, ServerResponse, ValidRequest
from dev.simulators.stubs import Stub, StubResponse, match_stub

_STUB_STATUSES = {StubResponse.BOUNCE: 410, StubResponse.UNSUBSCRIBED: 410, StubResponse.REJECT: 400, StubResponse.FAIL: 500}


class WebhookSimulator:
    """Simulates webhook endpoints. The delivery id is the header `webhook-id`; the address is the complete URL."""

    name = "webhook"
    path_prefix = b"/hooks/"

    def find_stub(self, address: str) -> Stub:
        return match_stub(address.partition(self.path_prefix.decode())[2])

    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        path = request.path.decode("latin-1")
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        host = request.headers.get(b"host", b"").decode("latin-1")
        target = DeliveryTarget(request.headers.get(b"webhook-id", b"").decode("latin-1"), f"http://{host}{path}{query}")
        if request.oversize:
            return InvalidRequest(ServerResponse(413), [target])
        if request.method != b"POST":
            return InvalidRequest(ServerResponse(405, headers=b"Allow: POST\r\n"), [target])
        return ValidRequest((target,), self.find_stub(path))

    def build_unauthorized_response(self) -> ServerResponse:
        return ServerResponse(401)

    def build_response(self, details: None, stub: Stub, context: ResponseContext) -> ServerResponse:
        if stub.response is StubResponse.THROTTLE:
            return ServerResponse(429, headers=b"Retry-After: 1\r\n")
        return ServerResponse(_STUB_STATUSES.get(stub.response, 204))
