"""The YAML file that describes an HTTP API of a provider: its request, and what its responses mean."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.enums import Outcome
from schemas.json_errors import describe_decode_error

# no text with a pattern: in the union of a value and a list of values it makes msgspec 0.22 end the process with a signal
StatusPattern = Annotated[int, Meta(ge=100, le=599)] | Literal["1xx", "2xx", "3xx", "4xx", "5xx"]
OutcomeReason = Literal["", "opted_out", "unregistered_token", "invalid_token", "misconfigured"]
JsonPath = Annotated[str, Meta(pattern=r"^$|^[^.]+(\.[^.]+)*$", max_length=200)]


class BasicAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """Basic authentication (RFC 7617)."""

    username: str
    password: str


class RequestEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request of a call: exactly one of `json` and `form`. Texts of headers and bodies may have `{variables}` and `${secrets}`."""

    url: str
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    basic_auth: BasicAuth | None = None
    json: dict[str, Any] | UnsetType = UNSET
    form: dict[str, str] | UnsetType = UNSET


class OutcomeEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a response means that has one of these statuses and, if any are given, one of these codes of the provider."""

    status: StatusPattern | list[StatusPattern]
    code: str | int | list[str | int] = []
    outcome: Outcome
    reason: OutcomeReason = ""
    account_fault: bool = False
    detail: Annotated[str, Meta(max_length=200)] = ""


class ResponseEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a response has what, as dotted paths into its JSON, and what it means: the first of `outcomes` that fits decides."""

    accepted: StatusPattern | list[StatusPattern] = "2xx"
    message_id: JsonPath = ""
    error_code: JsonPath = ""
    retry_after: Annotated[str, Meta(min_length=1, max_length=100)] = "retry-after"
    outcomes: list[OutcomeEntry] = []


class ApiFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `name` is the provider's in the history of a delivery."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9_-]{0,31}$")] = "http_api"
    channel: Literal["sms", "push"]
    request: RequestEntry
    response: ResponseEntry = ResponseEntry()


class InvalidFile(ValueError):
    """The file cannot be used; the text names the file and the place in it."""

    def __init__(self, path: str, place: str, problem: str) -> None:
        super().__init__(f"{path}: {place}: {problem}" if place else f"{path}: {problem}")


def read_file(path: str) -> ApiFile:
    """The description in a file. Raises InvalidFile."""
    if not path:
        raise InvalidFile("the path of the file that describes the API", "", "is empty (docs/guide/sms.md)")
    try:
        content = yaml.safe_load(Path(path).read_bytes())
    except OSError as error:
        raise InvalidFile(path, "", f"cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidFile(path, f"line {mark.line + 1}" if mark else "", "is not YAML") from error
    try:
        return msgspec.convert(content, ApiFile)
    except msgspec.ValidationError as error:
        problem = describe_decode_error(error, b"")
        raise InvalidFile(path, problem.path.removeprefix("$").removeprefix("."), problem.text) from error
