"""Tests of the client over sockets on loopback, and of its limits."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.providers.http import PooledHttpClient
from schemas.http import HttpRequest, HttpResponse, HttpResult, NotAllowed, NotSent
from tests.contracts.http.fault_server import FaultServer
from tests.settings_builders import build_http_limits

LIMITS = build_http_limits()
SHORT_TIMEOUTS = build_http_limits(tick_seconds=0.01, idle_timeout=0.01)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    server = await FaultServer().listen()
    yield server
    await server.close()


@pytest.fixture
def origin(server: FaultServer) -> str:
    return f"http://127.0.0.1:{server.port}"


async def send_request(client: PooledHttpClient, origin: str) -> HttpResult:
    """Send a POST and return its result."""
    future: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
    client.send(HttpRequest(origin, b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", b"body"), future.set_result)
    assert not future.done(), "called back within send"
    return await future


async def test_a_request_to_an_invalid_origin_is_not_sent() -> None:
    client = PooledHttpClient(LIMITS)
    assert isinstance(await send_request(client, "http://host/path"), NotSent)
    await client.close()


async def test_a_request_after_close_is_not_sent(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(LIMITS)
    await client.close()
    assert await send_request(client, origin) == NotSent("the client is closed")
    with pytest.raises(ValueError, match="closed"):
        await client.preconnect(origin, 1)
    assert not server.connections


async def test_preconnected_connections_are_used(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(LIMITS)
    assert await client.preconnect(origin, 3) == 3
    assert isinstance(await send_request(client, origin), HttpResponse)
    assert len(server.connections) == 3
    await client.close()


async def test_no_connection_is_opened_to_an_address_that_is_not_allowed(server: FaultServer, origin: str) -> None:
    checked: list[tuple[str, str]] = []
    client = PooledHttpClient(LIMITS, allow_address=lambda host, address: bool(checked.append((host, address))))
    result = await send_request(client, f"http://localhost:{server.port}")
    assert result == NotAllowed("localhost is not allowed: it has no public address")
    assert ("localhost", "127.0.0.1") in checked
    assert not server.connections
    await client.close()


async def test_idle_connections_are_closed(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(SHORT_TIMEOUTS)
    await send_request(client, origin)
    await server.connections[0].disconnected
    assert isinstance(await send_request(client, origin), HttpResponse)
    assert len(server.connections) == 2
    await client.close()


async def test_the_connection_that_is_idle_for_the_longest_time_makes_room_for_one_to_another_origin(server: FaultServer) -> None:
    client = PooledHttpClient(build_http_limits(max_total_connections=3, tick_seconds=0.01))
    busy, first, second, third = (f"http://{host}:{server.port}" for host in ("127.0.0.1", "127.1", "2130706433", "localhost"))
    client.send(HttpRequest(busy, b"POST /hang HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b""), lambda result: None)
    assert await server.request_paths.get() == b"/hang"
    for origin in (first, second, first, third):
        assert isinstance(await send_request(client, origin), HttpResponse)
        await asyncio.sleep(0.03)  # at least one tick, so that the idle times differ
    await server.connections[2].disconnected
    assert [connection.disconnected.done() for connection in server.connections] == [False, False, True, False]
    await client.close()


async def test_each_origin_has_its_own_pool(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(build_http_limits(max_connections=1))
    client.send(HttpRequest(origin, b"POST /hang HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b""), lambda result: None)
    assert isinstance(await send_request(client, f"http://localhost:{server.port}"), HttpResponse)
    await client.close()


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (1.0, 5),  # 4 ticks of 0.25 s, and one because the first can come at once
        (1.1, 6),
        (0.1, 2),
        (0.0, 2),
    ],
)
def test_ticks_are_never_shorter_than_the_seconds(seconds: float, ticks: int) -> None:
    assert build_http_limits(tick_seconds=0.25).to_ticks(seconds) == ticks
