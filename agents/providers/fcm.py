"""Firebase Cloud Messaging: a push message as one HTTP v1 call.

Source of the request: Google's discovery document fcm.v1 (projects.messages.send). A message that is sent again replaces the first one on
the device. The codes are in fcm_codes.py.
"""

import re
from typing import Protocol

import msgspec
from msgspec import UNSET, Struct

from agents.providers.fcm_codes import ERROR_CODES, FOREIGN_PAGE, HTTP_STATUSES, INVALID_TOKEN, QUOTA_RETRY_AFTER, is_token_error
from agents.providers.fcm_message import Message, SendMessageRequest, build_message
from agents.providers.request import encode_head, encode_head_prefix, parse_base_url
from agents.providers.response import (
    build_account_fault,
    build_invalid_content,
    build_unknown,
    clean_provider_id,
    describe_rejected_fields,
    parse_no_response,
    parse_retry_after,
)
from agents.providers.service_account import ServiceAccountToken, TokenError, load_credentials
from agents.providers.setting_checks import check_base_url, check_settings, expect_match
from schemas.channels import ChannelName
from schemas.content import PushContent
from schemas.content_limits import FID_PREFIX, MAX_FCM_BYTES, TOPIC_PREFIX, compute_fcm_bytes
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.errors import DECODE_ERRORS
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.link_tokens import LinkTokens
from schemas.outcome import AttemptResult
from schemas.ports import Clock
from schemas.push_receipts import RECEIPT_BYTES, RECEIPT_KEY, sign_push_receipt

INVALID_ADDRESS = AttemptResult(
    Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not a registration token, installation id or topic"
)
INVALID_CONTENT = build_invalid_content("push")

_TOKEN = re.compile(r"[!-~]{1,4096}").fullmatch
_PREFIXES = (TOPIC_PREFIX, FID_PREFIX)
_TOPIC = re.compile(r"topic:([A-Za-z0-9_.~%-]{1,900})").fullmatch
_FID = re.compile(r"fid:([A-Za-z0-9_-]{1,200})").fullmatch


class _FieldViolation(Struct):
    field: str = ""


class _ErrorDetail(Struct, rename={"error_code": "errorCode", "violations": "fieldViolations"}):
    error_code: str = ""
    violations: list[_FieldViolation] = []


class _RpcError(Struct, frozen=True):
    message: str = ""
    details: list[_ErrorDetail] = []


class _SendMessageResponse(Struct):
    name: str = ""
    error: _RpcError = _RpcError()


_encode = msgspec.json.Encoder().encode
_response_decoder = msgspec.json.Decoder(_SendMessageResponse)


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.fcm of faust.yml."""

    url: str
    project_id: str
    service_account_file: str


class AccessTokenSource(Protocol):
    """The current access token; empty while there is none, and then `problem` says why."""

    @property
    def value(self) -> str: ...
    @property
    def problem(self) -> str: ...
    async def start(self, clock: Clock) -> None: ...
    def reject(self, now: float) -> None:
        """The token was rejected at `now` (epoch seconds): get another one."""
        ...


def _check_service_account_file(path: str) -> str:
    try:
        load_credentials(path)
    except TokenError as error:
        return str(error)
    return ""


SETTING_CHECKS = {
    "url": check_base_url,
    "project_id": expect_match("[a-z0-9.:-]+", "the id of a project: lower-case letters, digits and hyphens"),  # a part of the path
    "service_account_file": _check_service_account_file,
}


class Fcm:
    """A Firebase project, called with the current token of the source.

    Raises ValueError for a URL or project that is not valid in a request, and at an attempt for such a token.
    """

    name = "fcm"
    channel: ChannelName = "push"

    def __init__(self, url: str, project: str, token: AccessTokenSource) -> None:
        self._url = parse_base_url(url)
        self._path = self._url.join_path(f"/v1/projects/{project}/messages:send")
        self._token = token
        self._encoded_token = ""
        self._receipts: LinkTokens | None = None
        self._head_prefix = encode_head_prefix(self._url.host_header, self._path, {})

    async def start(self, clock: Clock) -> None:
        """Fetch the first access token."""
        await self._token.start(clock)

    def sign_receipts(self, tokens: LinkTokens) -> None:
        """Let the app confirm messages to a device: each has a token in its data, if there is room for one."""
        self._receipts = tokens

    def get_account(self, delivery: Delivery) -> str:
        """The origin: all calls count towards one project."""
        return self._url.origin

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Build the message to one token, to an installation (`fid:<id>`) or to a topic (`topic:<name>`)."""
        content = delivery.content
        if not isinstance(content, PushContent):
            return INVALID_CONTENT
        if not self._token.value:
            return build_account_fault(0, self._token.problem)
        message = build_message(delivery, content, now)
        if not _set_target(message, delivery.address):
            return INVALID_ADDRESS
        if self._receipts is not None and message.topic is UNSET and compute_fcm_bytes(content) + RECEIPT_BYTES <= MAX_FCM_BYTES:
            message.data[RECEIPT_KEY] = sign_push_receipt(self._receipts, delivery.id, attempt, delivery.redrive_count)
        body = _encode(SendMessageRequest(message))
        return HttpRequest(self._url.origin, encode_head(self._get_head_prefix(), body), body)

    def allow_address(self, host: str, address: str) -> bool:
        """All: the host is that of the settings."""
        return True

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """200 is ACCEPTED; otherwise FCM's error code is looked up, then the HTTP status; after 5xx the message may have been sent."""
        if not isinstance(result, HttpResponse):
            return parse_no_response(result)
        status, response = result.status_code, _decode_response(result.body)
        if status == 200:
            return AttemptResult(Outcome.ACCEPTED, "", 200, clean_provider_id(response.name))
        if status == 429:
            return AttemptResult(Outcome.THROTTLED, "", 429, retry_after=parse_retry_after(result.headers, now) or QUOTA_RETRY_AFTER)
        if 300 <= status < 500 and status != 408:
            rejection = _map_error(status, response.error)
            if status == 401 and rejection.is_account_fault:
                self._token.reject(now)
            return msgspec.structs.replace(rejection, provider_code=status)
        return build_unknown(status, parse_retry_after(result.headers, now))

    def _get_head_prefix(self) -> bytes:
        token = self._token.value
        if token != self._encoded_token:
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._head_prefix, self._encoded_token = encode_head_prefix(self._url.host_header, self._path, headers), token
        return self._head_prefix


def build_provider(settings: Settings) -> Fcm:
    """The provider with these settings. Raises SettingError."""
    check_settings(settings, SETTING_CHECKS)
    return Fcm(settings.url, settings.project_id, ServiceAccountToken(settings.service_account_file))


def _set_target(message: Message, address: str) -> bool:
    """Set the field of the message for the kind of address; returns whether it is a valid one."""
    if address.startswith(_PREFIXES):
        if topic := _TOPIC(address):
            message.topic = topic[1]
        elif fid := _FID(address):
            message.fid = fid[1]
        return bool(topic or fid)
    message.token = address
    return _TOKEN(address) is not None


def _map_error(status: int, error: _RpcError) -> AttemptResult:
    code = next((detail.error_code for detail in error.details if detail.error_code), "")
    if code in ERROR_CODES:
        return ERROR_CODES[code]
    if status == 400:
        return INVALID_TOKEN if is_token_error(_list_rejected_fields(error), error.message) else _build_rejection(error)
    if status == 404 and error == _RpcError():  # a page of another server
        return FOREIGN_PAGE
    return HTTP_STATUSES.get(status) or _build_rejection(error)


def _build_rejection(error: _RpcError) -> AttemptResult:
    detail = describe_rejected_fields("FCM", _list_rejected_fields(error))
    return AttemptResult(Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT, detail=detail)


def _list_rejected_fields(error: _RpcError) -> list[str]:
    return [violation.field for detail in error.details for violation in detail.violations]


def _decode_response(body: bytes) -> _SendMessageResponse:
    try:
        return _response_decoder.decode(body)
    except DECODE_ERRORS:
        return _SendMessageResponse()
