"""FCM's HTTP v1 messages:send (firebase.google.com/docs/reference/fcm/rest/v1): 200 with a name, or a Google API error with FcmError.

proto3 JSON accepts lowerCamelCase and the original names of fields.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from dev.simulators.callbacks.fcm import TOKEN_KEY
from dev.simulators.contracts.fcm_rules import find_problem
from dev.simulators.contracts.loader import build_request_type, load_contract
from dev.simulators.fcm_topics import match_subscription
from dev.simulators.invalid_field import parse_validation_error
from dev.simulators.protocol import (
    DeliveryTarget,
    InvalidRequest,
    ResponseContext,
    ServerRequest,
    ServerResponse,
    ValidRequest,
    build_retry_after_header,
    has_content_type,
    is_bearer_valid,
    is_not_revoked,
)
from dev.simulators.stubs import Stub, StubResponse, match_stub

_match_path = re.compile(rb"/v1/projects/([^/]+)/messages:send").fullmatch
_FCM_ERROR_TYPE = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST_TYPE = "type.googleapis.com/google.rpc.BadRequest"
# google.rpc.Code by its HTTP status (https://cloud.google.com/apis/design/errors)
_STATUS_NAMES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 500: "INTERNAL", 503: "UNAVAILABLE"}
_UNAUTHENTICATED_MESSAGE = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication"
    " credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_AUTHENTICATE_HEADER = b'WWW-Authenticate: Bearer realm="https://accounts.google.com/", error="invalid_token"\r\n'


_decode = msgspec.json.Decoder(build_request_type(load_contract("fcm_send"))).decode


class FcmRequestDetails(NamedTuple):
    """The values of a request that its response repeats."""

    project: str
    validate_only: bool
    receipt_token: str


class FcmSimulator:
    """Simulates FCM. It requires a bearer token that `is_token_valid` accepts.

    The delivery id is `message.data.delivery_id`.
    """

    name = "fcm"
    path_prefix = b"/v1/projects/"

    def __init__(self, is_token_valid: Callable[[bytes], bool] = is_not_revoked) -> None:
        self._is_token_valid = is_token_valid

    def find_stub(self, address: str) -> Stub:
        return match_stub(address)

    def list_accounts(self, request: ServerRequest) -> tuple[str, ...]:
        path = _match_path(request.path)
        return (path[1].decode("latin-1") if path else "",)

    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        path = _match_path(request.path)
        if path is None and (subscription := match_subscription(request)) is not None:
            return self._subscribe(request, *subscription)
        if path is None or request.method != b"POST":
            return InvalidRequest(_build_error(404, "NOT_FOUND", "Requested entity was not found."))
        if request.oversize:
            return InvalidRequest(_build_error(413, "INVALID_ARGUMENT", "Request payload size exceeds the limit."))
        if not is_bearer_valid(request, self._is_token_valid):
            return InvalidRequest(self.build_unauthorized_response())
        if not has_content_type(request, b"application/json"):
            return InvalidRequest(_build_error(400, "INVALID_ARGUMENT", "Invalid value of the header Content-Type."))
        try:
            body = _decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return InvalidRequest(_build_bad_request_error(str(error)))
        message = body.message
        if message is None:
            return InvalidRequest(_build_bad_request_error("Object missing required field `message`"))
        target = _build_delivery_target(message)
        problem = find_problem(message)
        if problem:
            return InvalidRequest(_build_fcm_error(400, "INVALID_ARGUMENT", problem, "INVALID_ARGUMENT"), [target])
        is_dry_run = bool(body.validate_only or body.validateOnly)
        token = "" if is_dry_run or not message.data else message.data.get(TOKEN_KEY, "")
        details = FcmRequestDetails(path[1].decode("utf-8", "replace"), is_dry_run, token)
        return ValidRequest((target,), self.find_stub(message.token or message.fid or ""), details)

    def _subscribe(self, request: ServerRequest, registration: str, topic: str) -> InvalidRequest:
        """The response to a request that is no message; a registration whose app was removed is not found."""
        if not is_bearer_valid(request, self._is_token_valid):
            response = self.build_unauthorized_response()
        elif not topic:
            response = _build_error(400, "INVALID_ARGUMENT", "Invalid topic name")
        elif match_stub(registration).response is StubResponse.UNSUBSCRIBED:
            response = _build_error(404, "NOT_FOUND", "Requested entity was not found.")
        else:
            response = ServerResponse(200, b"{}")
        return InvalidRequest(response, [DeliveryTarget("", registration)])

    def build_unauthorized_response(self) -> ServerResponse:
        return _build_error(401, "UNAUTHENTICATED", _UNAUTHENTICATED_MESSAGE)._replace(headers=_AUTHENTICATE_HEADER)

    def build_response(self, details: FcmRequestDetails, stub: Stub, context: ResponseContext) -> ServerResponse:
        stub_response = stub.response
        if stub_response is StubResponse.ACCEPT:
            message_id = "fake_message_id" if details.validate_only else f"0:{context.message_number:x}"
            return ServerResponse(200, msgspec.json.encode({"name": f"projects/{details.project}/messages/{message_id}"}))
        if stub_response is StubResponse.UNSUBSCRIBED:
            return _build_fcm_error(404, "NOT_FOUND", "Requested entity was not found.", "UNREGISTERED")
        if stub_response is StubResponse.BOUNCE:
            message = "The registration token is not a valid FCM registration token"
            return _build_fcm_error(400, "INVALID_ARGUMENT", message, "INVALID_ARGUMENT")
        if stub_response is StubResponse.REJECT:
            return _build_bad_request_error("Invalid value (TYPE_STRING) - at `$.message.notification.title`")
        if stub_response is StubResponse.THROTTLE:
            response = _build_fcm_error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", "QUOTA_EXCEEDED")
            return response._replace(headers=build_retry_after_header(stub, "1"))
        if stub.status in (401, 403, 404):
            response = _build_error(stub.status, _STATUS_NAMES[stub.status], "The request was refused.")
        else:
            name = _STATUS_NAMES.get(stub.status, "INTERNAL")
            response = _build_fcm_error(stub.status, name, "The service cannot serve the request.", name)
        return response._replace(headers=build_retry_after_header(stub))


def _build_delivery_target(message: Any) -> DeliveryTarget:
    address = message.token or message.fid or (f"topic:{message.topic}" if message.topic else message.condition or "")
    return DeliveryTarget((message.data or {}).get("delivery_id", ""), address)


def _build_error(code: int, status: str, message: str, details: Sequence[dict[str, Any]] = ()) -> ServerResponse:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = details
    return ServerResponse(code, msgspec.json.encode({"error": error}))


def _build_fcm_error(code: int, status: str, message: str, error_code: str) -> ServerResponse:
    return _build_error(code, status, message, [{"@type": _FCM_ERROR_TYPE, "errorCode": error_code}])


def _build_bad_request_error(problem: str) -> ServerResponse:
    invalid_field = parse_validation_error(problem)
    if not invalid_field.field_path:
        return _build_error(400, "INVALID_ARGUMENT", f"Invalid JSON payload received. {problem}")
    message = f"Invalid value at '{invalid_field.field_path}': {invalid_field.problem}"
    violations = [{"field": invalid_field.field_path, "description": message}]
    return _build_error(400, "INVALID_ARGUMENT", message, [{"@type": _BAD_REQUEST_TYPE, "fieldViolations": violations}])
