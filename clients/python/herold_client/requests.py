"""A request of the API as a value, and what becomes of its answer."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

from herold_client.errors import HeroldError, NotJsonError, ProblemError, UnreachableError, build_problem_error
from herold_client.retries import Failure

Value = str | int | float | bool | None
QueryValue = Value | Sequence[Value]
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class Request(Struct, frozen=True):
    """A request: `path` has its parameters as `{name}`, None among query and headers stands for what is left out, `body` is JSON."""

    method: str
    path: str
    path_values: Mapping[str, Value] = {}
    query: Mapping[str, QueryValue] = {}
    headers: Mapping[str, str | bytes | None] = {}
    body: bytes | None = None

    @property
    def url(self) -> str:
        """The path with its values and query, percent-encoded."""
        path = self.path
        for name, value in self.path_values.items():
            path = path.replace(f"{{{name}}}", quote(format_value(value), safe=""))
        query = [(name, format_value(one)) for name, value in self.query.items() for one in list_values(value)]
        return f"{path}?{urlencode(query)}" if query else path

    @property
    def sent_headers(self) -> dict[bytes, bytes]:
        """The headers that have a value, in UTF-8, and the type of the body."""
        values = {name.lower(): value for name, value in self.headers.items() if value is not None}
        headers = {name.encode(): value.encode() if isinstance(value, str) else value for name, value in values.items()}
        return {b"content-type": b"application/json", **headers} if self.body is not None else headers

    @property
    def has_idempotency_key(self) -> bool:
        """Whether a repetition is recognised."""
        return b"idempotency-key" in self.sent_headers


def list_values(value: QueryValue) -> list[Value]:
    """The values of a query parameter: none for None, and each of a list, for which the name is repeated."""
    if value is None:
        return []
    return [value] if isinstance(value, str | int | float) else [*value]


def format_value(value: Value) -> str:
    """A parameter as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def format_version(version: int | str | None) -> str | None:
    """If-Match for a version that was read; a text is an ETag, or `*` for any version."""
    return f'"{version}"' if isinstance(version, int) else version


def encode_body(body: Any) -> bytes:
    """The JSON of a body; what is UNSET is left out."""
    return msgspec.json.encode(body)


def decode_json(url: str, response: httpx.Response) -> Any:
    """The value of an answer's body, an empty object without one. Raises NotJsonError."""
    if not response.content:
        return {}
    try:
        return msgspec.json.decode(response.content)
    except msgspec.DecodeError:
        raise NotJsonError(url, response.status_code) from None


def decode_result(url: str, response: httpx.Response, results: Mapping[int, Any]) -> Any:
    """The result of an answer by its status; None for a type that is None. Raises NotJsonError."""
    wanted = results.get(response.status_code, UNSET)
    if isinstance(wanted, UnsetType):
        wanted = next(iter(results.values()))
    if wanted is None:
        return None
    if wanted is str:
        return response.text
    for alternative in wanted if isinstance(wanted, tuple) else (wanted,):
        try:
            return msgspec.json.decode(response.content, type=alternative)
        except msgspec.DecodeError:
            continue
    raise NotJsonError(url, response.status_code)


def build_error(url: str, response: httpx.Response) -> HeroldError:
    """The exception for an answer that is no success."""
    try:
        return build_problem_error(response.status_code, decode_json(url, response))
    except NotJsonError as error:
        return error


def build_unreachable_error(url: str, cause: httpx.HTTPError) -> UnreachableError:
    """The exception for a request without an answer."""
    return UnreachableError(url, cause, not isinstance(cause, NOT_SENT))


def describe_failure(error: HeroldError) -> Failure:
    """What a retry is decided on."""
    if isinstance(error, UnreachableError):
        return Failure(0, error.is_sent)
    if isinstance(error, ProblemError):
        return Failure(error.status, retry_after=error.retry_after)
    return Failure(error.status if isinstance(error, NotJsonError) else 0)
