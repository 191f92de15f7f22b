"""Cursors and pages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.middleware import Receive, Scope
from app.api.paging import ListOfRequest, cut_page, decode_cursor, decode_version_cursor, encode_cursor
from app.api.problems import ProblemError

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(TEXT, min_size=1, max_size=3))
def test_a_cursor_is_the_key_of_an_item(key: list[str]) -> None:
    assert decode_cursor(encode_cursor(*key), lambda found: len(found) == len(key)) == key


@pytest.mark.parametrize("cursor", ["", "?", "u-42", "W10", "WzFd", encode_cursor("a", "b"), encode_cursor("\0"), encode_cursor("a") + "x"])
def test_another_text_is_an_error_of_the_parameter(cursor: str) -> None:
    with pytest.raises(ProblemError) as raised:
        decode_cursor(cursor)
    assert (raised.value.problem.status, raised.value.problem.errors[0].path) == (422, "$.cursor")


@pytest.mark.parametrize(
    ("path", "query", "is_same"),
    [
        ("/v1/users", "limit=7&search=a", True),
        ("/v1/users", "cursor=x&search=a", True),
        ("/v1/users", "search=b", False),
        ("/v1/users", "", False),
        ("/v1/rules", "search=a", False),
        ("/v1/users/u-1/devices", "search=a", False),
    ],
)
async def test_a_cursor_is_of_one_list_with_its_filters(path: str, query: str, is_same: bool) -> None:
    results: list[bool] = []

    async def encode(scope: Scope, receive: Receive, send: Any) -> None:
        cursors.append(encode_cursor("key"))

    async def decode(scope: Scope, receive: Receive, send: Any) -> None:
        try:
            results.append(decode_cursor(cursors[0]) == ["key"])
        except ProblemError:
            results.append(False)

    cursors: list[str] = []
    for app, at, search in ((encode, "/v1/users", "search=a"), (decode, path, query)):
        await ListOfRequest(app)({"path": at, "query_string": search.encode()}, None, None)
    assert results == [is_same]


@given(st.lists(TEXT, unique=True), st.integers(1, 5))
def test_pages_have_each_item_once(items: list[str], limit: int) -> None:
    items, pages, cursor = sorted(items), list[str](), None
    while True:
        after = decode_cursor(cursor)
        rest = [item for item in items if after is None or item > after[0]]
        page, cursor = cut_page(rest[: limit + 1], limit, lambda item: [item])
        pages += page
        if cursor is None:
            break
    assert pages == items


@pytest.mark.parametrize(("key", "version"), [("7", 7), ("999999999", 999_999_999)])
def test_the_cursor_of_a_list_of_versions_is_a_version(key: str, version: int) -> None:
    assert decode_version_cursor(encode_cursor(key)) == version
    assert decode_version_cursor(None) is None


@pytest.mark.parametrize("key", ["", "x", "-1", "1000000000", "\u0661"])
def test_another_key_is_no_cursor_of_a_list_of_versions(key: str) -> None:
    with pytest.raises(ProblemError):
        decode_version_cursor(encode_cursor(key))
