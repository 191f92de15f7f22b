"""Keyset paging: a page ends with an opaque cursor, the key of its last item, and the next page begins after it.

A list goes on where it was, whatever is added or deleted meanwhile, and its last page costs as much as its first.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Final, TypeVar

import msgspec
from litestar.params import QueryParameter

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

_decode_key = msgspec.json.Decoder(list[str]).decode


def encode_cursor(*key: str) -> str:
    """The cursor of the item with this key."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, is_key: Callable[[list[str]], bool] = lambda key: len(key) == 1) -> list[str] | None:
    """The key in a cursor, None without one. Raises ProblemError for a text that is no cursor of this list, as `is_key` finds."""
    if cursor is None:
        return None
    try:
        key = _decode_key(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, *DECODE_ERRORS):
        key = []
    if not is_key(key) or any("\0" in part for part in key):
        problem = "is not a cursor of this list: give next_cursor of the page before as it is, or none for the first page"
        raise ProblemError(build_validation_problem([build_field_error("$.cursor", problem)]))
    return key


def cut_page(items: Sequence[T], limit: int, get_key: Callable[[T], Sequence[str]]) -> tuple[list[T], str | None]:
    """The items of a page and the cursor of the next one, None on the last; `items` has one more than `limit` if there is a next one."""
    page = [*items[:limit]]
    return page, encode_cursor(*get_key(page[-1])) if len(items) > limit else None
