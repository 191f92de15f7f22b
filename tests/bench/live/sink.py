"""The sink: an HTTP server that accepts every webhook and e-mail at once and notes when it arrived.

Run: python -m tests.bench.live.sink. It prints its port, then one line for each line of its input: the count of arrivals for `count`, and
the arrivals, which it forgets, for `take`. It ends at the end of its input.
"""

import asyncio
import gc
import sys
import time
from typing import cast

import uvloop

from dev.stack.stack_state import LOOPBACK
from tests.bench.live.http_messages import RESPONSE, find_message_end, parse_number
from tests.bench.live.messages import ArrivalCount, Arrivals, write_message

LISTEN_BACKLOG = 1024  # connections


class ArrivalLog:
    """The arrivals since the last report."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._times: list[float] = []
        self._distinct: set[int] = set()
        self.error = ""

    def add(self, number: int, at: float) -> None:
        """Add an arrival."""
        self._numbers.append(number)
        self._times.append(at)
        self._distinct.add(number)

    def count(self) -> ArrivalCount:
        """Count the notifications that have arrived."""
        return ArrivalCount(len(self._distinct), self.error)

    def take(self) -> Arrivals:
        """Return the arrivals and forget them."""
        arrivals = Arrivals(self._numbers, self._times, self.error)
        self._numbers, self._times, self._distinct = [], [], set()
        return arrivals


class SinkProtocol(asyncio.Protocol):
    """A connection of a delivery worker."""

    def __init__(self, log: ArrivalLog) -> None:
        self._log, self._buffer = log, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        at = time.monotonic()
        self._buffer += data
        try:
            while end := find_message_end(self._buffer):
                self._log.add(parse_number(self._buffer[:end]), at)
                self._buffer = self._buffer[end:]
                self._transport.write(RESPONSE)
        except ValueError as error:
            self._log.error = self._log.error or str(error)
            self._transport.close()


class CommandProtocol(asyncio.Protocol):
    """The input: one command per line."""

    def __init__(self, log: ArrivalLog) -> None:
        self._log, self._buffer = log, b""
        self.end = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            write_message(self._log.count() if line == b"count" else self._log.take())

    def connection_lost(self, exc: Exception | None) -> None:
        self.end.set_result(None)


async def serve() -> None:
    """Serve until the input ends."""
    loop, log = asyncio.get_running_loop(), ArrivalLog()
    server = await loop.create_server(lambda: SinkProtocol(log), LOOPBACK, 0, backlog=LISTEN_BACKLOG)
    write_message(server.sockets[0].getsockname()[1])
    gc.freeze()
    gc.disable()  # nothing here has cycles
    _, commands = await loop.connect_read_pipe(lambda: CommandProtocol(log), sys.stdin.buffer)
    await commands.end
    server.close()


if __name__ == "__main__":
    uvloop.run(serve())
