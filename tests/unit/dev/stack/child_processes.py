"""Small real processes to supervise, and an ear for what is said about them."""

import asyncio
import sys
from typing import Any

from dev.stack.service import Service

WAIT_FOR_SIGNAL = "import signal; print('up'); signal.pause()"
EXIT_ON_SIGTERM = """
import signal, sys
def bye(*_): print('bye'); sys.exit(0)
signal.signal(signal.SIGTERM, bye)
print('up')
while True: signal.pause()
"""
IGNORE_SIGTERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up')\nwhile True: signal.pause()"


def build_service(name: str, code: str = WAIT_FOR_SIGNAL, *words: str, **fields: Any) -> Service:
    """A service that runs a piece of Python."""
    return Service(name, (sys.executable, "-S", "-c", code, *words), **fields)


def build_forkable_service(name: str, code: str = WAIT_FOR_SIGNAL, *words: str, **fields: Any) -> Service:
    """The same for a nursery: `python -m` of a module that runs the code."""
    return Service(name, (sys.executable, "-m", "tests.unit.dev.stack.code_runner", code, *words), forkable=True, **fields)


class LogRecorder:
    """Collects (name, line); `until` waits for one."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self._entry_added = asyncio.Event()

    def log(self, name: str, line: str) -> None:
        self.entries.append((name, line))
        self._entry_added.set()

    def get_lines(self, name: str) -> list[str]:
        """What was said in this name."""
        return [line for who, line in self.entries if who == name]

    async def wait_for(self, name: str, substring: str, times: int = 1) -> None:
        """Wait until lines with this part have been said in this name so many times."""
        while sum(substring in line for line in self.get_lines(name)) < times:
            self._entry_added.clear()
            await self._entry_added.wait()
