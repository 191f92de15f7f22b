"""A request on a connection that uvloop has closed fails with aiokafka's own error, and a first connection that is given up is closed."""

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

from app.streaming.patches.connections import _original_send, patch_connection_send


class NoHandshakeConnection(AIOKafkaConnection):  # type: ignore[misc]
    """A connection to a server that does not speak Kafka."""

    async def _do_version_lookup(self) -> None:
        self._versions = {3: (0, 9)}


@pytest.fixture
def unpatched() -> None:
    AIOKafkaConnection.send = _original_send


@pytest.fixture
def patched(unpatched: None) -> None:
    patch_connection_send()


async def use_connection(use: Callable[[Any], Awaitable[None]]) -> None:
    """Let `use` have a connection to a server that keeps silent, and resets the connection once it has been asked anything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    connection = NoHandshakeConnection("127.0.0.1", server.sockets[0].getsockname()[1])
    await connection.connect()
    try:
        await use(connection)
    finally:
        await connection.close()
        server.close()
        await server.wait_closed()


def run(use: Callable[[Any], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(use_connection(use), 10))


async def send_when_lost(connection: Any) -> None:
    """Ask once more in the moment in which the connection is lost and aiokafka has not noticed; raises what that raises."""
    asked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    lost = connection._protocol.connection_lost

    def send_request() -> None:
        assert connection.connected()
        try:
            connection.send(MetadataRequest([]))
        except RuntimeError as error:
            asked.set_exception(error)

    def schedule_request(error: Exception | None) -> None:
        asyncio.get_running_loop().call_soon(send_request)
        lost(error)

    connection._protocol.connection_lost = schedule_request
    before = asyncio.ensure_future(connection.send(MetadataRequest([])))
    try:
        await asked
    finally:
        with pytest.raises(KafkaConnectionError):
            await before


def test_stock_aiokafka_fails_with_an_error_that_it_does_not_expect(unpatched: None) -> None:
    async def use(connection: Any) -> None:
        with pytest.raises(RuntimeError, match="the handler is closed"):
            await send_when_lost(connection)

    run(use)


def test_a_request_on_a_closed_connection_is_refused_and_the_connection_given_up(patched: None) -> None:
    async def use(connection: Any) -> None:
        lost = []
        connection._on_close_cb = lambda closed, reason: lost.append(reason.name)
        with pytest.raises(KafkaConnectionError, match=r"127\.0\.0\.1:\d+ is closed"):
            await send_when_lost(connection)
        assert not connection.connected()
        assert lost == ["CONNECTION_BROKEN"]  # the client asks for new metadata

    run(use)


@pytest.mark.parametrize(("told", "kept"), [(None, False), (lambda connection, reason: None, True)])
def test_a_first_connection_of_which_nobody_asked_to_be_told_is_closed_when_it_is_given_up(patched: None, told: Any, kept: bool) -> None:
    async def use(connection: Any) -> None:
        connection._on_close_cb = told
        asking = asyncio.ensure_future(connection.send(MetadataRequest([])))
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert connection.connected() is kept

    run(use)


def test_a_request_on_an_open_connection_is_sent(patched: None) -> None:
    async def use(connection: Any) -> None:
        asked = asyncio.ensure_future(connection.send(MetadataRequest([])))
        assert len(connection._requests) == 1
        connection.close()
        with pytest.raises(KafkaConnectionError):
            await asked

    run(use)
