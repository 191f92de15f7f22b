"""Where the lines of the supervised processes go: one stream, each line behind the name of its process."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

LogSink = Callable[[str, str], None]
"""Takes a process name and a line without its end."""

ANSI_COLOURS = (36, 33, 35, 32, 34, 31)  # ANSI
MAX_LINE_BYTES = 1 << 20


def build_prefixed_sink(stream: TextIO | None = None, width: int = 10) -> LogSink:
    """Lines as `name       | line`, each name in its colour if the stream is a terminal; a closed stream is no error.

    Without a stream they go to what standard output is at the time: a progress bar puts itself in its place, to stay below them.
    """
    seen: dict[str, int] = {}
    coloured = (stream or sys.stdout).isatty()

    def say(name: str, line: str) -> None:
        colour = ANSI_COLOURS[seen.setdefault(name, len(seen)) % len(ANSI_COLOURS)]
        prefix = f"{name:<{width}} | "
        with suppress(OSError, ValueError):  # the reader has gone (`| head`): the servers must still be stopped in order
            out = stream or sys.stdout
            out.write((f"\x1b[{colour}m{prefix}\x1b[0m" if coloured else prefix) + line + "\n")
            out.flush()

    return say


class OutputPipe:
    """The pipe into which one process writes, said line by line in its name.

    It is not asyncio's own pipe of a child: with that, a child that has ended counts as running for as long as any process that
    it has started keeps the pipe open.
    """

    def __init__(self, name: str, log: LogSink) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._name = name
        self._log = log
        self._task: asyncio.Task[None] | None = None

    async def start_reading(self) -> None:
        """Begin to read; to be called when the process has its end of the pipe."""
        os.close(self.write_fd)
        stream = asyncio.StreamReader(MAX_LINE_BYTES)
        pipe = os.fdopen(self._read_fd, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        self._task = asyncio.create_task(forward_lines(self._name, stream, self._log))

    def close(self) -> None:
        """Close both ends: there is no process."""
        os.close(self.write_fd)
        os.close(self._read_fd)

    async def drain(self, timeout: float = 1.0) -> None:
        """Say what is still in the pipe, waiting so many seconds for those who keep it open, and close it."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=timeout)
        self._task.cancel()
        self._transport.close()
        self._task = None


async def forward_lines(name: str, stream: asyncio.StreamReader, log: LogSink) -> None:
    """Say every line until the stream ends; a line over 1 MiB is left out."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        log(name, line.decode(errors="replace").rstrip())
