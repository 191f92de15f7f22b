"""Where the lines of the supervised processes go: one stream, each line behind the name of its process."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

Say = Callable[[str, str], None]
"""Takes a process name and a line without its end."""

COLOURS = (36, 33, 35, 32, 34, 31)  # ANSI
LONGEST_LINE = 1 << 20


def prefixed(stream: TextIO | None = None, width: int = 10) -> Say:
    """Lines as `name       | line`, each name in its colour if the stream is a terminal; a closed stream is no error.

    Without a stream they go to what standard output is at the time: a progress bar puts itself in its place, to stay below them.
    """
    seen: dict[str, int] = {}
    coloured = (stream or sys.stdout).isatty()

    def say(name: str, line: str) -> None:
        colour = COLOURS[seen.setdefault(name, len(seen)) % len(COLOURS)]
        prefix = f"{name:<{width}} | "
        with suppress(OSError, ValueError):  # the reader has gone (`| head`): the servers must still be stopped in order
            out = stream or sys.stdout
            out.write((f"\x1b[{colour}m{prefix}\x1b[0m" if coloured else prefix) + line + "\n")
            out.flush()

    return say


class Output:
    """The pipe into which one process writes, said line by line in its name.

    It is not asyncio's own pipe of a child: with that, a child that has ended counts as running for as long as any process that
    it has started keeps the pipe open.
    """

    def __init__(self, name: str, say: Say) -> None:
        self._read_end, self.write_end = os.pipe()
        self._name = name
        self._say = say
        self._task: asyncio.Task[None] | None = None

    async def follow(self) -> None:
        """Begin to read; to be called when the process has its end of the pipe."""
        os.close(self.write_end)
        stream = asyncio.StreamReader(LONGEST_LINE)
        pipe = os.fdopen(self._read_end, "rb", buffering=0)
        self._transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        self._task = asyncio.create_task(relay(self._name, stream, self._say))

    def discard(self) -> None:
        """Close both ends: there is no process."""
        os.close(self.write_end)
        os.close(self._read_end)

    async def finish(self, patience: float = 1.0) -> None:
        """Say what is still in the pipe, waiting so many seconds for those who keep it open, and close it."""
        if self._task is None:
            return
        await asyncio.wait({self._task}, timeout=patience)
        self._task.cancel()
        self._transport.close()
        self._task = None


async def relay(name: str, stream: asyncio.StreamReader, say: Say) -> None:
    """Say every line until the stream ends; a line over 1 MiB is left out."""
    while True:
        try:
            line = await stream.readline()
        except ValueError:
            continue
        if not line:
            return
        say(name, line.decode(errors="replace").rstrip())
