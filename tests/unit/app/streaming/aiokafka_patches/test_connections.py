"""A request on a connection that uvloop has closed raises KafkaConnectionError; a cancelled first request closes its connection."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from app.streaming.aiokafka_patches import _original_send, patch_aiokafka


class NoHandshakeConnection(AIOKafkaConnection):  # type: ignore[misc]
    """A connection to a server that does not speak Kafka."""

    async def _do_version_lookup(self) -> None:
        self._versions = {3: (0, 9)}


@pytest.fixture
def unpatched() -> None:
    AIOKafkaConnection.send = _original_send


@pytest.fixture
def patched(unpatched: None) -> None:
    patch_aiokafka()


async def use_connection(test: Callable[[Any], Awaitable[None]]) -> None:
    """Run `test` with a connection to a server that resets the connection at the first request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = NoHandshakeConnection("127.0.0.1", server.sockets[0].getsockname()[1])
    await connection.connect()
    try:
        await test(connection)
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


def run(test: Callable[[Any], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(use_connection(test), 10))


async def send_when_lost(connection: Any) -> None:
    """Send a request when the connection is lost and aiokafka has not noticed yet; raises what `send` raises."""
    second: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    connection_lost = connection._protocol.connection_lost

    def send_request() -> None:
        assert connection.connected()
        try:
            connection.send(MetadataRequest([]))
        except RuntimeError as error:
            second.set_exception(error)

    def schedule_request(error: Exception | None) -> None:
        asyncio.get_running_loop().call_soon(send_request)
        connection_lost(error)

    connection._protocol.connection_lost = schedule_request
    first = asyncio.ensure_future(connection.send(MetadataRequest([])))
    try:
        await second
    finally:
        with pytest.raises(KafkaConnectionError):
            await first


def test_unpatched_aiokafka_raises_an_error_that_it_does_not_handle(unpatched: None) -> None:
    async def use(connection: Any) -> None:
        with pytest.raises(RuntimeError, match="the handler is closed"):
            await send_when_lost(connection)

    run(use)


def test_a_request_on_a_closed_connection_raises_and_closes_the_connection(patched: None) -> None:
    async def use(connection: Any) -> None:
        reasons = []
        connection._on_close_cb = lambda closed, reason: reasons.append(reason.name)
        with pytest.raises(KafkaConnectionError, match=r"127\.0\.0\.1:\d+ is closed"):
            await send_when_lost(connection)
        assert not connection.connected()
        assert reasons == ["CONNECTION_BROKEN"]  # the client then updates its metadata

    run(use)


@pytest.mark.parametrize(("on_close", "is_connected"), [(None, False), (lambda connection, reason: None, True)])
def test_a_cancelled_request_closes_a_connection_without_close_callback(patched: None, on_close: Any, is_connected: bool) -> None:
    async def use(connection: Any) -> None:
        connection._on_close_cb = on_close
        response = asyncio.ensure_future(connection.send(MetadataRequest([])))
        await asyncio.sleep(0)
        response.cancel()
        with pytest.raises(asyncio.CancelledError):
            await response
        assert connection.connected() is is_connected

    run(use)


def test_a_request_on_an_open_connection_is_sent(patched: None) -> None:
    async def use(connection: Any) -> None:
        response = asyncio.ensure_future(connection.send(MetadataRequest([])))
        assert len(connection._requests) == 1
        connection.close()
        with pytest.raises(KafkaConnectionError):
            await response

    run(use)
