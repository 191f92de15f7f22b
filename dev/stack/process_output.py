"""The output of the supervised processes: one stream, in which each line begins with the name of its process."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

LogSink = Callable[[str, str], None]
"""Takes the name of a process and a line without its line break."""

ANSI_COLOURS = (36, 33, 35, 32, 34, 31)  # SGR parameters
MAX_LINE_BYTES = 1 << 20


def build_prefixed_sink(stream: TextIO | None = None, width: int = 10) -> LogSink:
    """Writes `name       | line`, with a colour for each name if the stream is a terminal; a closed stream is no error.

    Without `stream`, each line is written to the current sys.stdout, which a progress bar may replace to stay below the lines.
    """
    indexes: dict[str, int] = {}
    coloured = (stream or sys.stdout).isatty()

    def write_line(name: str, line: str) -> None:
        colour = ANSI_COLOURS[indexes.setdefault(name, len(indexes)) % len(ANSI_COLOURS)]
        prefix = f"{name:<{width}} | "
        with suppress(OSError, ValueError):  # the reader has exited (`| head`): the servers must still be stopped in order
            out = stream or sys.stdout
            out.write((f"\x1b[{colour}m{prefix}\x1b[0m" if coloured else prefix) + line + "\n")
            out.flush()

    return write_line


class OutputPipe:
    """The output pipe of one process, logged line by line under its name.

    Not asyncio's own pipe: with that, a child counts as running after its exit, until all processes that it has started close the pipe.
    """

    def __init__(self, name: str, log: LogSink) -> None:
        self._read_fd, self.write_fd = os.pipe()
        self._name = name
        self._log = log
        self._task: asyncio.Task[None] | None = None

    async def start_reading(self) -> None:
        """Start to read. Call it when the process has been started with `write_fd`."""
        os.close(self.write_fd)
        stream = asyncio.StreamReader(MAX_LINE_BYTES)
        pipe = os.fdopen(self._read_fd, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        self._task = asyncio.create_task(forward_lines(self._name, stream, self._log))

    def close(self) -> None:
        """Close both ends; for a process that could not be started."""
        os.close(self.write_fd)
        os.close(self._read_fd)

    async def drain(self, timeout: float = 1.0) -> None:
        """Log the rest of the output and close the pipe; waits at most `timeout` seconds for processes that keep it open."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=timeout)
        self._task.cancel()
        self._transport.close()
        self._task = None


async def forward_lines(name: str, stream: asyncio.StreamReader, log: LogSink) -> None:
    """Log every line until the end of the stream; lines longer than the stream's limit (1 MiB) are omitted."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        log(name, line.decode(errors="replace").rstrip())
