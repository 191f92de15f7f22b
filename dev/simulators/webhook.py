"""A customer's webhook endpoint: any path under `/hooks/`; it responds to a POST with 204.

A customer who is named in the query (`?user=u-1`) checks the signature (Standard Webhooks 1.0) with the secret that `herold webhook secret`
prints for this user and the host of the request.
"""

import hmac
from base64 import b64decode, b64encode
from urllib.parse import parse_qs

from dev.simulators.protocol import (
    DeliveryTarget,
    InvalidRequest,
    ResponseContext,
    ServerRequest,
    ServerResponse,
    ValidRequest,
    build_retry_after_header,
    has_content_type,
)
from dev.simulators.stubs import Stub, StubResponse, match_stub

_STUB_STATUSES = {StubResponse.BOUNCE: 410, StubResponse.UNSUBSCRIBED: 410, StubResponse.REJECT: 400}


class WebhookSimulator:
    """Simulates webhook endpoints. The delivery id is the header `webhook-id`; the address is the complete URL.

    Without a master secret no signature is checked.
    """

    name = "webhook"
    path_prefix = b"/hooks/"

    def __init__(self, master_secret: str = "") -> None:
        self._master_secret = b64decode(master_secret)

    def find_stub(self, address: str) -> Stub:
        return match_stub(address.partition(self.path_prefix.decode())[2])

    def list_accounts(self, request: ServerRequest) -> tuple[str, ...]:
        return (request.headers.get(b"host", b"").decode("latin-1"), request.path.decode("latin-1"))

    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        path = request.path.decode("latin-1")
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        host = request.headers.get(b"host", b"").decode("latin-1")
        target = DeliveryTarget(request.headers.get(b"webhook-id", b"").decode("latin-1"), f"http://{host}{path}{query}")
        if request.oversize:
            return InvalidRequest(ServerResponse(413), [target])
        if request.method != b"POST":
            return InvalidRequest(ServerResponse(405, headers=b"Allow: POST\r\n"), [target])
        if not has_content_type(request, b"application/json"):  # Standard Webhooks 1.0, "Payload structure"
            return InvalidRequest(ServerResponse(415), [target])
        if not self._is_signature_valid(request, host):
            return InvalidRequest(self.build_unauthorized_response(), [target])
        return ValidRequest((target,), self.find_stub(path))

    def _is_signature_valid(self, request: ServerRequest, host: str) -> bool:
        """Whether the signature is that of the user in the query; true without one."""
        users = parse_qs(request.query.decode("latin-1")).get("user", [])
        if not users or not self._master_secret:
            return True
        host_name = host.lower() if host.endswith("]") else host.rpartition(":")[0].lower() or host.lower()
        secret = hmac.digest(self._master_secret, f"herold webhook secret v1\n{host_name}\n{users[0]}".encode(), "sha256")
        signed = b".".join((request.headers.get(b"webhook-id", b""), request.headers.get(b"webhook-timestamp", b""), request.body))
        expected = b"v1," + b64encode(hmac.digest(secret, signed, "sha256"))
        return any(hmac.compare_digest(expected, each) for each in request.headers.get(b"webhook-signature", b"").split(b" "))

    def build_unauthorized_response(self) -> ServerResponse:
        return ServerResponse(401)

    def build_response(self, details: None, stub: Stub, context: ResponseContext) -> ServerResponse:
        if stub.response is StubResponse.THROTTLE:
            return ServerResponse(429, headers=build_retry_after_header(stub, "1"))
        if stub.response is StubResponse.FAIL:
            return ServerResponse(stub.status, headers=build_retry_after_header(stub))
        return ServerResponse(_STUB_STATUSES.get(stub.response, 204))
