"""Small real processes to supervise, and a recorder of their log lines."""

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


def build_service(name: str, code: str = WAIT_FOR_SIGNAL, *arguments: str, **fields: Any) -> Service:
    """A service that runs Python code."""
    return Service(name, (sys.executable, "-S", "-c", code, *arguments), **fields)


def build_forkable_service(name: str, code: str = WAIT_FOR_SIGNAL, *arguments: str, **fields: Any) -> Service:
    """A service that the fork server can fork: `python -m` of a module that runs the code."""
    return Service(name, (sys.executable, "-m", "tests.unit.dev.stack.code_runner", code, *arguments), forkable=True, **fields)


class LogRecorder:
    """Collects (name, line); `wait_for` waits for one."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str]] = []
        self._entry_added = asyncio.Event()

    def log(self, name: str, line: str) -> None:
        self.entries.append((name, line))
        self._entry_added.set()

    def get_lines(self, name: str) -> list[str]:
        """The lines logged under this name."""
        return [line for entry_name, line in self.entries if entry_name == name]

    async def wait_for(self, name: str, substring: str, times: int = 1) -> None:
        """Wait until so many lines that contain the substring have been logged under this name."""
        while sum(substring in line for line in self.get_lines(name)) < times:
            self._entry_added.clear()
            await self._entry_added.wait()
