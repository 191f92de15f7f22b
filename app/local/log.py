"""Where the lines of the supervised processes go: one stream, each line behind the name of its process."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

Say = Callable[[str, str], None]
"""Takes a process name and a line without its end."""

COLOURS = (36, 33, 35, 32, 34, 31)  # ANSI
LONGEST_LINE = 1 << 20


def prefixed(stream: TextIO, width: int = 10) -> Say:
    """Lines as `name       | line`, each name in its colour if the stream is a terminal; a closed stream is no error."""
    seen: dict[str, int] = {}
    coloured = stream.isatty()

    def say(name: str, line: str) -> None:
        colour = COLOURS[seen.setdefault(name, len(seen)) % len(COLOURS)]
        prefix = f"{name:<{width}} | "
        with suppress(OSError, ValueError):  # the reader has gone (`| head`): the servers must still be stopped in order
            stream.write((f"\x1b[{colour}m{prefix}\x1b[0m" if coloured else prefix) + line + "\n")
            stream.flush()

    return say


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
