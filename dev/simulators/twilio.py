"""Twilio's Messages resource (twilio.com/docs/messaging/api/message-resource): 201 with the message, or code, message and more_info."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import msgspec

from dev.simulators.contracts.twilio_parameters import find_error_code, match_account_sid
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
from dev.simulators.stubs import DEFAULT_STUB, UNPROCESSED_FAULTS, Stub, StubResponse, match_number_stub
from dev.simulators.twilio_messages import MessageList, MessageQuery, parse_query
from schemas.sms_segments import measure_sms

MAX_CHARACTERS = 1600  # UTF-16 code units: an emoji counts more than once (https://www.twilio.com/docs/api/errors/21617)
_match_path = re.compile(rb"/2010-04-01/Accounts/([^/]+)/Messages\.json").fullmatch
_MORE_INFO_URL = "https://www.twilio.com/docs/errors/"
_STUB_ERRORS = {
    StubResponse.BOUNCE: (400, 21211),
    StubResponse.REJECT: (400, 21617),
    StubResponse.UNSUBSCRIBED: (400, 21610),
    StubResponse.THROTTLE: (429, 20429),
}
# https://www.twilio.com/docs/api/errors: the codes that do not concern one message
_STATUS_CODES = {401: 20003, 403: 20403, 404: 20404, 429: 20429, 500: 20500, 503: 20503}
_ERROR_MESSAGES = {
    20001: "Unknown parameters",
    20003: "Authenticate",
    20403: "Forbidden",
    20404: "The requested resource was not found",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    20503: "Service Unavailable",
    21211: "Invalid 'To' Phone Number: {to}",
    21408: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21610: "Attempt to send to unsubscribed recipient",
    21612: "Message cannot be sent with the current combination of 'To' ({to}) and 'From' parameters",
    21614: "'To' number is not a valid mobile number: {to}",
    20422: "Invalid Parameter",
    21212: "Invalid 'From' Number",
    21609: "The StatusCallback URL is not a valid URL.",
    21620: "Invalid media URL(s)",
    21705: "The Messaging Service Sid is invalid.",
    35111: "SendAt timestamp is missing",
    35112: "ScheduleType value provided is unsupported",
    35114: "SendAt time is not in a valid format",
    35118: "MessagingServiceSid is required to schedule a message",
    90007: "Invalid validity period value",
    21617: f"The concatenated message body exceeds the {MAX_CHARACTERS} character limit",
}


class TwilioRequestDetails(NamedTuple):
    """The values of a request that its response repeats."""

    account_sid: str
    to: str
    from_: str
    messaging_service_sid: str
    body: str
    smart_encoded: bool
    status_callback: str


class TwilioSimulator:
    """Simulates Twilio. It requires basic authentication; a password that ends with `revoked` gets 401.

    The delivery id is the query parameter `delivery` of the StatusCallback.
    """

    name = "twilio"
    path_prefix = b"/2010-04-01/"

    def __init__(self) -> None:
        self._messages = MessageList()

    def find_stub(self, address: str) -> Stub:
        return match_number_stub(address)

    def list_accounts(self, request: ServerRequest) -> tuple[str, ...]:
        path, credentials = _match_path(request.path), _decode_credentials(request.headers.get(b"authorization", b""))
        return (path[1].decode("latin-1") if path else "", credentials[0].decode("latin-1"))

    def parse_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        path = _match_path(request.path)
        if path is not None and request.method == b"GET":
            return self._parse_list_request(request)
        if path is None or request.method != b"POST":
            return InvalidRequest(_build_error(404, 20404))
        if request.oversize:
            return InvalidRequest(_build_error(413, 21617))
        if not _is_authenticated(request.headers.get(b"authorization", b"")):
            return InvalidRequest(self.build_unauthorized_response())
        if not match_account_sid(path[1]):
            return InvalidRequest(_build_error(404, 20404))
        # of another media type Twilio reads no parameters
        pairs = _parse_form(request.body) if has_content_type(request, b"application/x-www-form-urlencoded") else []
        form = dict(pairs)
        sms = TwilioRequestDetails(
            path[1].decode("latin-1"),
            form.get("To", ""),
            form.get("From", ""),
            form.get("MessagingServiceSid", ""),
            form.get("Body", ""),
            form.get("SmartEncoded", "").lower() == "true",
            form.get("StatusCallback", ""),
        )
        target = DeliveryTarget(_parse_delivery_id(sms.status_callback), sms.to)
        code = _find_missing_parameter(form) or find_error_code(pairs) or _find_broken_rule(form)
        if code:
            return InvalidRequest(_build_error(400, code, sms.to), [target])
        return ValidRequest((target,), self.find_stub(sms.to), sms)

    def _parse_list_request(self, request: ServerRequest) -> ValidRequest | InvalidRequest:
        """A request for the list of messages, which is no delivery."""
        if not _is_authenticated(request.headers.get(b"authorization", b"")):
            return InvalidRequest(self.build_unauthorized_response(), ())
        query = parse_query(_decode_text(request.path), request.query)
        return InvalidRequest(_build_error(400, 20001), ()) if query is None else ValidRequest((), DEFAULT_STUB, query)

    def build_unauthorized_response(self) -> ServerResponse:
        return _build_error(401, 20003)._replace(headers=b'WWW-Authenticate: Basic realm="Twilio API"\r\n')

    def build_response(self, details: TwilioRequestDetails | MessageQuery, stub: Stub, context: ResponseContext) -> ServerResponse:
        if isinstance(details, MessageQuery):
            return self._messages.build_page(details, context.now)
        if stub.response is StubResponse.ACCEPT:
            message = _encode_message(details, context)
            if stub.fault not in UNPROCESSED_FAULTS:
                self._messages.add(context.now, details.to, message)
            return ServerResponse(201, message)
        if stub.response is StubResponse.FAIL:
            status, code = stub.status, _STATUS_CODES.get(stub.status, 20500)
        else:
            status, code = _STUB_ERRORS[stub.response]
        return _build_error(status, stub.twilio_code or code, details.to)._replace(headers=build_retry_after_header(stub))


def _is_authenticated(authorization: bytes) -> bool:
    user, password = _decode_credentials(authorization)
    return bool(user and password) and not password.endswith(b"revoked")


def _decode_credentials(authorization: bytes) -> tuple[bytes, bytes]:
    """User and password; empty if there are none."""
    if not authorization.startswith(b"Basic "):
        return b"", b""
    try:
        user, _, password = base64.b64decode(authorization[6:], validate=True).partition(b":")
    except binascii.Error:
        return b"", b""
    return user, password


def _parse_form(form: bytes) -> list[tuple[str, str]]:
    parts = (pair.partition(b"=") for pair in form.split(b"&"))
    return [(_decode_text(name), _decode_text(value)) for name, _, value in parts]


def _decode_text(value: bytes) -> str:
    return unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")


def _parse_delivery_id(callback: str) -> str:
    query = callback.partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == "delivery":
            return value
    return ""


def _find_missing_parameter(form: Mapping[str, str]) -> int:
    """The code of the first parameter that every message needs; 0 if all are there."""
    if not form.get("To"):
        return 21604
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return 21603
    return 0 if form.get("Body") or form.get("MediaUrl") or form.get("ContentSid") else 21602


def _find_broken_rule(form: Mapping[str, str]) -> int:
    """The code of the first rule about valid parameters that is broken: a scheduled message needs a time and a service."""
    if form.get("ScheduleType") and not form.get("SendAt"):
        return 35111
    if form.get("ScheduleType") and not form.get("MessagingServiceSid"):
        return 35118
    return 21617 if len(form.get("Body", "").encode("utf-16-le", "surrogatepass")) > 2 * MAX_CHARACTERS else 0


def _build_error(status: int, code: int, to: str = "") -> ServerResponse:
    message = _ERROR_MESSAGES[code].format(to=to)
    return ServerResponse(
        status, msgspec.json.encode({"code": code, "message": message, "more_info": f"{_MORE_INFO_URL}{code}", "status": status})
    )


def _encode_message(sms: TwilioRequestDetails, context: ResponseContext) -> bytes:
    sid = f"SM{context.message_number:032x}"
    date = context.date.decode().replace("GMT", "+0000")
    uri = f"/2010-04-01/Accounts/{sms.account_sid}/Messages/{sid}"
    message: dict[str, Any] = {
        "account_sid": sms.account_sid,
        "api_version": "2010-04-01",
        "body": sms.body,
        "date_created": date,
        "date_sent": None,
        "date_updated": date,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": sms.from_ or None,
        "messaging_service_sid": sms.messaging_service_sid or None,
        "num_media": "0",
        # a messaging service selects the sender later and counts the segments then
        "num_segments": "0" if sms.messaging_service_sid else str(measure_sms(sms.body, sms.smart_encoded).segments),
        "price": None,
        "price_unit": None,
        "sid": sid,
        "status": "accepted" if sms.messaging_service_sid else "queued",
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": sms.to,
        "uri": f"{uri}.json",
    }
    return msgspec.json.encode(message)
