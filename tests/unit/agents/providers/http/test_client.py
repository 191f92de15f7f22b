"""The client over real sockets on loopback: what is its own beside its pools."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from agents.providers.http import HttpLimits, PooledHttpClient
from schemas.ports import HttpRequest, HttpResponse, HttpResult, NotSent
from tests.contracts.http.fault_server import FaultServer

SHORT_TIMES = HttpLimits(tick_seconds=0.01, idle_timeout=0.01)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    listening = await FaultServer().listen()
    yield listening
    await listening.close()


@pytest.fixture
def origin(server: FaultServer) -> str:
    return f"http://127.0.0.1:{server.port}"


async def send_request(client: PooledHttpClient, origin: str) -> HttpResult:
    """The answer to a POST."""
    answered: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
    client.send(HttpRequest(origin, b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n", b"body"), answered.set_result)
    assert not answered.done(), "called back from within send"
    return await answered


async def test_what_is_no_origin_is_not_sent() -> None:
    client = PooledHttpClient()
    assert isinstance(await send_request(client, "http://host/path"), NotSent)
    await client.close()


async def test_after_close_nothing_is_sent(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient()
    await client.close()
    assert await send_request(client, origin) == NotSent("the client was closed")
    with pytest.raises(ValueError, match="closed"):
        await client.preconnect(origin, 1)
    assert not server.connections


async def test_warm_connections_are_used(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient()
    assert await client.preconnect(origin, 3) == 3
    assert isinstance(await send_request(client, origin), HttpResponse)
    assert len(server.connections) == 3
    await client.close()


async def test_an_address_that_is_not_admitted_is_not_connected_to(server: FaultServer, origin: str) -> None:
    asked: list[str] = []
    client = PooledHttpClient(allow_address=lambda address: bool(asked.append(address)))
    answer = await send_request(client, f"http://localhost:{server.port}")
    assert isinstance(answer, NotSent)
    assert "not admitted" in answer.cause
    assert "127.0.0.1" in asked
    assert not server.connections
    await client.close()


async def test_one_timer_closes_what_is_unused(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(SHORT_TIMES)
    await send_request(client, origin)
    await server.connections[0].disconnected
    assert isinstance(await send_request(client, origin), HttpResponse)
    assert len(server.connections) == 2
    await client.close()


async def test_origins_have_pools_of_their_own(server: FaultServer, origin: str) -> None:
    client = PooledHttpClient(HttpLimits(max_connections=1))
    hanging = client.send(HttpRequest(origin, b"POST /hang HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b""), lambda answer: None)
    assert hanging is None
    assert isinstance(await send_request(client, f"http://localhost:{server.port}"), HttpResponse)
    await client.close()
