"""A provider of SMS or push messages with an HTTP API that a YAML file describes: one request per delivery, JSON or a form.

The file is compiled at the start (docs/guide/sms.md); a call fills in values and runs nothing of it.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct

from agents.providers.form_encoding import quote_form_value
from agents.providers.http_api_file import ApiFile, InvalidFile, RequestEntry, read_file
from agents.providers.http_api_outcomes import InvalidOutcome, ResponseMap
from agents.providers.http_api_values import CONTENTS, HEADER_VARIABLES, VARIABLES, Call, InvalidText, Text, compile_at, compile_value
from agents.providers.request import HEADER_VALUE_PATTERN, ParsedUrl, encode_head_prefix, parse_url
from agents.providers.response import build_invalid_content, parse_no_response
from agents.providers.setting_checks import check_header_value, check_settings
from schemas.channels import ChannelName
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason
from schemas.errors import SettingError
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult

INVALID_ADDRESS: Final = AttemptResult(Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT, detail="not an address of the channel")
RESERVED_HEADERS: Final = frozenset(["host", "content-length", "content-type", "transfer-encoding", "connection", "user-agent"])

_ADDRESSES: Final = {"sms": re.compile(r"\+[1-9][0-9]{1,14}").fullmatch, "push": re.compile(r"[!-~]{1,4096}").fullmatch}
_is_header_name = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
_is_header_value = re.compile(HEADER_VALUE_PATTERN).fullmatch
_encode = msgspec.json.Encoder().encode


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The section providers.http_api of faust.yml."""

    file: str
    secret: str


SETTING_CHECKS = {"secret": check_header_value}


class HttpApi:
    """An API that a file describes, with the secret that it may refer to.

    Raises InvalidText, InvalidOutcome or ValueError for a file that cannot be used.
    """

    def __init__(self, api: ApiFile, secret: str = "") -> None:
        request = api.request
        self.name = api.name
        self.channel: ChannelName = api.channel
        parsed = _parse_url(request.url)
        self._origin = parsed.origin
        fixed, self._varying = _compile_headers(request, secret)
        content_type = "application/json" if request.form is UNSET else "application/x-www-form-urlencoded"
        self._head_prefix = encode_head_prefix(parsed.host_header, parsed.target, {"Content-Type": content_type, **fixed}, request.method)
        self._build_body = _compile_body(request, api.channel, secret)
        self._responses = ResponseMap(api.response)
        self._content: type[object] = CONTENTS[api.channel]
        self._is_address = _ADDRESSES[api.channel]
        self._invalid_content = build_invalid_content(api.channel)

    def get_account(self, delivery: Delivery) -> str:
        """The origin: all calls count towards one account."""
        return self._origin

    def build_request(self, delivery: Delivery, attempt: int, now: float) -> HttpRequest | AttemptResult:
        """Fill in the values of the delivery."""
        if not isinstance(delivery.content, self._content):
            return self._invalid_content
        if not self._is_address(delivery.address):
            return INVALID_ADDRESS
        call = Call(delivery, delivery.content, attempt, now)
        body = self._build_body(call)
        varying = "".join([f"{name}: {text.build(call)}\r\n" for name, text in self._varying]).encode() if self._varying else b""
        return HttpRequest(self._origin, b"%b%d\r\n%b\r\n" % (self._head_prefix, len(body), varying), body)

    def allow_address(self, host: str, address: str) -> bool:
        """All: the host is that of the file."""
        return True

    def parse_result(self, result: HttpResult, now: float) -> AttemptResult:
        """What the file says of the response, else what HTTP says."""
        return self._responses.parse(result, now) if isinstance(result, HttpResponse) else parse_no_response(result)


def build_provider(settings: Settings) -> HttpApi:
    """The provider with these settings. Raises SettingError, which names the file and the place in it."""
    check_settings(settings, SETTING_CHECKS)
    try:
        api = read_file(settings.file)
    except InvalidFile as error:
        raise SettingError("file", str(error)) from None
    try:
        return HttpApi(api, settings.secret)
    except (InvalidText, InvalidOutcome) as error:
        raise SettingError("file", f"{settings.file}: {error}") from None


def _parse_url(url: str) -> ParsedUrl:
    try:
        return parse_url(url)
    except ValueError as error:
        raise InvalidText(f"request.url: {error}") from None


def _compile_headers(request: RequestEntry, secret: str) -> tuple[dict[str, str], list[tuple[str, Text]]]:
    """The headers that are the same in each call, and those that vary."""
    fixed: dict[str, str] = {}
    varying: list[tuple[str, Text]] = []
    for name, value in request.headers.items():
        place = f"request.headers.{name}"
        if not _is_header_name(name) or name.lower() in RESERVED_HEADERS:
            raise InvalidText(f"{place}: is no name of a header, or of one that Herold sets")
        text = compile_at(value, HEADER_VARIABLES, secret, place)
        if not all(_is_header_value(piece) for piece in text.pieces if isinstance(piece, str)):
            raise InvalidText(f"{place}: the value must be printable ASCII without line breaks")
        if text.is_constant:
            fixed[name] = "".join(map(str, text.pieces))
        else:
            varying.append((name, text))
    if request.basic_auth is not None:
        parts = [
            _compile_constant(getattr(request.basic_auth, name), secret, f"request.basic_auth.{name}") for name in ("username", "password")
        ]
        if any(name.lower() == "authorization" for name in request.headers):
            raise InvalidText("request.basic_auth: request.headers has Authorization, too")
        fixed["Authorization"] = f"Basic {b64encode(':'.join(parts).encode()).decode()}"
    return fixed, varying


def _compile_constant(text: str, secret: str, place: str) -> str:
    return "".join(map(str, compile_at(text, {}, secret, place).pieces))


def _compile_body(request: RequestEntry, channel: Literal["sms", "push"], secret: str) -> Callable[[Call], bytes]:
    if (request.json is UNSET) is (request.form is UNSET):
        raise InvalidText("request: has either json or form")
    if request.form is UNSET:
        build = compile_value(request.json, VARIABLES[channel], secret, "request.json")
        constant = _encode(request.json)
        return (lambda call: constant) if build is None else (lambda call: _encode(build(call)))
    variables = {name: build for name, build in VARIABLES[channel].items() if name != "data"}
    fields = [(quote_form_value(name), compile_at(text, variables, secret, f"request.form.{name}")) for name, text in request.form.items()]

    def build_form(call: Call) -> bytes:
        values = [(name, str(text.build(call)), text.is_optional) for name, text in fields]
        return b"&".join([b"%b=%b" % (name, quote_form_value(value)) for name, value, is_optional in values if value or not is_optional])

    return build_form
