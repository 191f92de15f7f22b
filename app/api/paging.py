"""Keyset paging: a page ends with an opaque cursor, the key of its last item, and the next page begins after it.

A list goes on where it was, whatever is added or deleted meanwhile, and its last page costs as much as its first. A cursor is of one list
with its search and filters. Which list a request is for is a context variable, so that no route can forget to say it.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from hashlib import blake2b
from typing import Annotated, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.params import QueryParameter

from app.api.middleware import AsgiApp, Receive, Scope, Send
from app.api.problems import ProblemError, build_field_error, build_validation_problem
from schemas.errors import DECODE_ERRORS

T = TypeVar("T")

MAX_PAGE_SIZE: Final = 200  # items
DEFAULT_PAGE_SIZE: Final = 50
MAX_CURSOR_CHARACTERS: Final = 4096

LimitParameter = Annotated[int, QueryParameter(description="items on a page", ge=1, le=MAX_PAGE_SIZE)]
CursorParameter = Annotated[
    str | None, QueryParameter(description="next_cursor of the page before; none: the first page", max_length=MAX_CURSOR_CHARACTERS)
]

OTHER_LIST = "is not a cursor of this list: give next_cursor of the page before as it is, with the same search and filters, or none"

_PAGE_PARAMETERS = ("cursor", "limit")
_list_of_request: ContextVar[str] = ContextVar("list_of_request", default="")
_decode_key = msgspec.json.Decoder(list[str]).decode


class ListOfRequest:
    """Middleware of the framework: names the list that a request is for."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _list_of_request.set(name_list(scope["path"], scope["query_string"].decode("latin-1")))
        await self._app(scope, receive, send)


def name_list(path: str, query: str) -> str:
    """A short hash of a path with its search and filters."""
    filters = sorted(item for item in parse_qsl(query) if item[0] not in _PAGE_PARAMETERS)
    return blake2b(msgspec.json.encode([path, filters]), digest_size=6).hexdigest()


def encode_cursor(*key: str) -> str:
    """The cursor of the item with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode([_list_of_request.get(), *key])).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, is_key: Callable[[list[str]], bool] = lambda key: len(key) == 1) -> list[str] | None:
    """The key in a cursor, None without one. Raises ProblemError for a text that is no cursor of this list, as `is_key` finds."""
    if cursor is None:
        return None
    try:
        list_name, *key = _decode_key(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, *DECODE_ERRORS):
        list_name, key = "", []
    if list_name != _list_of_request.get() or not is_key(key) or any("\0" in part for part in key):
        raise ProblemError(build_validation_problem([build_field_error("$.cursor", OTHER_LIST)]))
    return key


def decode_version_cursor(cursor: str | None) -> int | None:
    """The version in the cursor of a list of versions, None without one. Raises ProblemError as `decode_cursor` does."""
    key = decode_cursor(cursor, lambda parts: len(parts) == 1 and is_number(parts[0]))
    return int(key[0]) if key else None


def is_number(text: str) -> bool:
    """Whether a part of a key is a number that a column of PostgreSQL can have."""
    return text.isascii() and text.isdigit() and len(text) < 10


def cut_page(items: Sequence[T], limit: int, get_key: Callable[[T], Sequence[str]]) -> tuple[list[T], str | None]:
    """The items of a page and the cursor of the next one, None on the last; `items` has one more than `limit` if there is a next one."""
    page = [*items[:limit]]
    return page, encode_cursor(*get_key(page[-1])) if len(items) > limit else None
