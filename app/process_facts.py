"""What a process knows of itself: its version, its memory, and how late its event loop is."""

import asyncio
import os
import resource
import sys
from collections import deque
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

from schemas.ports import Clock

SAMPLE_INTERVAL: Final = 0.5  # seconds between two samples of the event loop
SAMPLES: Final = 20  # of the last 10 s
_STATM: Final = Path("/proc/self/statm")


@cache
def read_version() -> str:
    """The version of Herold that runs."""
    return version("herold")


def read_memory_bytes() -> int:
    """The resident memory of this process; where /proc is missing, its peak."""
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


class LoopLag:
    """How late the event loop wakes a task that sleeps, at worst over the last samples; `clock` is monotonic."""

    def __init__(self, clock: Clock, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._samples: deque[float] = deque(maxlen=SAMPLES)

    @property
    def worst(self) -> float:
        """Seconds; 0 before the first sample."""
        return max(self._samples, default=0.0)

    async def sample_forever(self, on_sample: Callable[[], None] = lambda: None) -> None:
        """Sample until cancelled; `on_sample` is called after each sample."""
        while True:
            start = self._clock()
            await self._sleep(SAMPLE_INTERVAL)
            self._samples.append(max(0.0, self._clock() - start - SAMPLE_INTERVAL))
            on_sample()
