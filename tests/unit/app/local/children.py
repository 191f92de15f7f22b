"""Small real processes to supervise, and an ear for what is said about them."""

import asyncio
import sys
from typing import Any

from app.local.service import Service

LIVE = "import signal; print('up'); signal.pause()"
POLITE = """
import signal, sys
def bye(*_): print('bye'); sys.exit(0)
signal.signal(signal.SIGTERM, bye)
print('up')
while True: signal.pause()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up')\nwhile True: signal.pause()"


def child(name: str, code: str = LIVE, *words: str, **fields: Any) -> Service:
    """A service that runs a piece of Python."""
    return Service(name, (sys.executable, "-S", "-c", code, *words), **fields)


def told(name: str, code: str = LIVE, *words: str, **fields: Any) -> Service:
    """The same for a nursery: `python -m` of a module that runs the code."""
    return Service(name, (sys.executable, "-m", "tests.unit.app.local.told", code, *words), forked=True, **fields)


class Ear:
    """Collects (name, line); `until` waits for one."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self._more = asyncio.Event()

    def say(self, name: str, line: str) -> None:
        self.heard.append((name, line))
        self._more.set()

    def lines(self, name: str) -> list[str]:
        """What was said in this name."""
        return [line for who, line in self.heard if who == name]

    async def until(self, name: str, part: str, times: int = 1) -> None:
        """Wait until lines with this part have been said in this name so many times."""
        while sum(part in line for line in self.lines(name)) < times:
            self._more.clear()
            await self._more.wait()
