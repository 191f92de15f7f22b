"""Paths and queries as text."""

from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar, Request, get

from app.api.middleware import Message, Scope
from app.api.request_text import PathParameterDecoder, RequestTextDecoder
from tests.unit.app.api.harness import GatewayHarness
from tests.unit.app.api.resources.test_notifications import assert_problem

ID = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@get("/{first:str}/rows/{second:str}")
async def echo(request: Request[Any, Any, Any]) -> list[str]:
    return [*request.path_params.values()]


async def call(app: Any, path: str) -> bytes:
    """The body of the response to a GET."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "headers": []}
    await app(scope | {"scheme": "http", "root_path": "", "server": ("t", 80), "client": ("t", 1), "http_version": "1.1"}, receive, send)
    return b"".join(message.get("body", b"") for message in sent)


APP = RequestTextDecoder(Litestar([echo], middleware=[PathParameterDecoder], openapi_config=None))


@given(ID, ID)
async def test_every_text_is_an_id_in_a_path(first: str, second: str) -> None:
    assert await call(APP, f"/{quote(first, safe='')}/rows/{quote(second, safe='')}") == msgspec.json.encode([first, second])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/users/%FF"),
        ("PUT", "/v1/users/%00"),
        ("GET", "/v1/rules/%00"),
        ("GET", "/v1/templates/%00"),
        ("DELETE", "/v1/users/%00/rate-windows"),
        ("GET", "/v1/users/u-1/devices/%C3"),
        ("GET", "/v1/suppressions/%00"),
    ],
)
def test_a_path_that_is_no_text_is_not_found(method: str, path: str) -> None:
    with GatewayHarness().build_client() as client:
        problem = assert_problem(client.request(method, path), 404)
        assert "the path" in problem["detail"]
        assert ("NUL" in problem["detail"]) == ("%00" in path)


@pytest.mark.parametrize("path", ["/v1/users?search=", "/v1/notifications?user_id=", "/v1/rules?search=", "/v1/templates?search="])
def test_a_query_that_is_no_text_is_an_error_of_the_parameter(path: str) -> None:
    with GatewayHarness().build_client() as client:
        for value in ("%FF", "a%00"):
            problem = assert_problem(client.get(path + value), 422)
            assert [error["path"] for error in problem["errors"]] == [f"$.{path.partition('?')[2][:-1]}"]
