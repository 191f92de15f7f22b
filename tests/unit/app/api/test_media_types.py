"""Bodies that are not JSON are 415; HEAD is GET without the body; OPTIONS names the methods."""

from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
from litestar import Litestar, get
from litestar.datastructures import State
from litestar.response import Stream
from litestar.testing import AsyncTestClient, TestClient

from app.api.media_types import HeadAndOptions
from app.api.middleware import Receive, Scope, Send
from app.api.principal import PRINCIPAL
from app.api.resources import live
from tests.unit.app.api.harness import GatewayHarness, make_notification_id
from tests.unit.app.api.live.sockets import VIEWER, LiveGateway

MISSING = f"/v1/notifications/{make_notification_id()}"
CHANGES = [("PUT", "/v1/users/u-1"), ("PATCH", "/v1/users/u-1"), ("POST", "/v1/broadcasts"), ("POST", "/v1/notifications/bulk")]


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_body_that_is_not_json_is_a_problem(method: str, path: str) -> None:
    with GatewayHarness().build_client() as client:
        response = client.request(method, path, content=b"<user/>", headers={"content-type": "application/xml"})
        as_json = client.request(method, path, content=b"<user/>", headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["code"]) == (415, "unsupported-media-type")
    assert "application/json" in response.json()["detail"]
    assert as_json.status_code == 422


def test_callbacks_take_what_providers_send() -> None:
    with GatewayHarness().build_client() as client:
        response = client.post("/v1/callbacks/twilio", content=b"a=b", headers={"content-type": "text/plain"})
    assert response.status_code != 415


@pytest.mark.parametrize("path", ["/healthz", "/docs", MISSING, "/no/such/path"])
def test_head_is_get_without_the_body(path: str) -> None:
    with GatewayHarness().build_client() as client:
        got, head = client.get(path), client.head(path)
    assert head.status_code == got.status_code
    assert head.content == b""
    assert head.headers["content-type"] == got.headers["content-type"]


def test_head_ends_a_stream_with_its_headers() -> None:
    made = []

    async def iterate_parts() -> AsyncIterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield b"part"

    @get("/stream", media_type="text/csv")
    async def stream() -> Stream:
        return Stream(iterate_parts(), headers={"x-parts": "1000"})

    with TestClient(HeadAndOptions(Litestar([stream], openapi_config=None))) as client:  # type: ignore[arg-type]
        head = client.head("/stream")
        assert (head.status_code, head.headers["x-parts"], head.content) == (200, "1000", b"")
        assert made == [0]
        assert client.get("/stream").content == b"part" * 1000


async def test_head_leaves_no_client_of_the_live_view() -> None:
    gateway = LiveGateway()

    async def authenticate(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PRINCIPAL] = VIEWER
        await framework(scope, receive, send)

    state = State({"dependencies": SimpleNamespace(live=gateway.service)})
    framework = HeadAndOptions(Litestar([live.router], state=state, openapi_config=None))
    async with AsyncTestClient(authenticate) as client:  # type: ignore[arg-type]
        head = await client.head("/v1/live/events", headers={"authorization": "Bearer k"})
    assert head.headers["content-type"].startswith("text/event-stream")
    assert not gateway.connections.connections


def test_head_needs_a_key_too() -> None:
    with GatewayHarness().build_client() as client:
        assert client.head(MISSING, headers={"authorization": "Bearer wrong"}).status_code == 401


def test_options_names_the_methods() -> None:
    with GatewayHarness().build_client() as client:
        response = client.options("/v1/users/u-1")
    assert response.status_code == 204
    assert response.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert response.content == b""


def test_options_of_no_path_is_404() -> None:
    with GatewayHarness().build_client() as client:
        assert client.options("/no/such/path").status_code == 404
