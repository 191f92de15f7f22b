"""Responses that no client should have to bear, as they arrive at a socket."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dev.simulators.connection_faults import BOMB_BYTES, ENDLESS_CHUNK
from tests.integration.simulators.simulator_process import SimulatorProcess, build_mail_request


@asynccontextmanager
async def send_mail(simulators: SimulatorProcess, word: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send a mail to an address with this word over a connection of its own."""
    reader, writer = await asyncio.open_connection(*simulators.origin.removeprefix("http://").split(":"))
    request = build_mail_request(simulators.origin, f"{word}@example.org", "dlv_1")
    writer.write(request.head + request.body)
    yield reader
    writer.close()


async def test_a_trickling_response_comes_a_byte_at_a_time(simulators: SimulatorProcess) -> None:
    async with send_mail(simulators, "trickle") as reader:
        assert [await reader.read(1000) for _ in range(3)] == [b"H", b"T", b"T"]


async def test_an_endless_response_goes_on(simulators: SimulatorProcess) -> None:
    async with send_mail(simulators, "endless") as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 202 Accepted\r\n")
        assert b"Transfer-Encoding: chunked" in head
        assert await reader.readexactly(20 * len(ENDLESS_CHUNK)) == 20 * ENDLESS_CHUNK


async def test_a_bomb_is_a_thousand_times_larger_than_it_looks(simulators: SimulatorProcess) -> None:
    async with send_mail(simulators, "bomb") as reader:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Content-Encoding: gzip" in head
        (length,) = (int(line.split()[1]) for line in head.splitlines() if line.startswith(b"Content-Length"))
        body = await reader.readexactly(length)
    assert length * 500 < BOMB_BYTES == len(zlib.decompress(body, wbits=31))


@pytest.mark.parametrize(("word", "status"), [("interim", b"202 Accepted"), ("interim.slow-1", b"202 Accepted")])
async def test_interim_responses_come_before_the_response(simulators: SimulatorProcess, word: str, status: bytes) -> None:
    async with send_mail(simulators, word) as reader:
        heads = [await reader.readuntil(b"\r\n\r\n") for _ in range(5)]
    assert [head.split(b"\r\n")[0].removeprefix(b"HTTP/1.1 ") for head in heads] == [
        b"102 Processing",
        b"103 Early Hints",
        b"103 Early Hints",
        b"103 Early Hints",
        status,
    ]


async def test_all_are_in_the_request_log_with_their_fault(simulators: SimulatorProcess) -> None:
    for word in ("trickle", "endless", "bomb", "interim"):
        async with send_mail(simulators, word) as reader:
            await reader.readexactly(1)
    entries = simulators.fetch("/requests/search?delivery_id=dlv_1")
    assert [(entry["fault"], entry["status"]) for entry in entries] == [(word, 202) for word in ("trickle", "endless", "bomb", "interim")]
