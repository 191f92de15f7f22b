"""CPU seconds of processes, and the fixed piece of work that tells how fast the host is right now."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def read_cpu_seconds(pid: int) -> float:
    """User and system CPU seconds of a process and all of its children, living or waited for."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND + sum(read_own_cpu_seconds(int(child)) for child in children)


def read_own_cpu_seconds(pid: int) -> float:
    """User and system CPU seconds of one process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / TICKS_PER_SECOND


class CpuMeter:
    """The CPU of named processes since this was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: read_cpu_seconds(pid) for name, pid in self._pids.items()}
        self._began = time.monotonic()

    @property
    def wall_seconds(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._began

    def compute_seconds(self) -> dict[str, float]:
        """CPU seconds by name."""
        return {name: read_cpu_seconds(pid) - self._before[name] for name, pid in self._pids.items()}

    def compute_cores(self) -> dict[str, float]:
        """The share of a core by name."""
        wall = self.wall_seconds
        return {name: round(seconds / wall, 3) for name, seconds in self.compute_seconds().items()}

    def compute_us_per_item(self, number: int) -> dict[str, float]:
        """CPU microseconds by name and `total`, for each of so many."""
        each = {name: round(seconds / number * 1e6, 1) for name, seconds in self.compute_seconds().items()}
        return {**each, "total": round(sum(each.values()), 1)}


def measure_calibration() -> float:
    """CPU seconds of the fixed piece of work of all our benches."""
    began, found = time.thread_time(), {}
    for number in range(4000):
        found[str(number)] = (number, [number])
    json.loads(json.dumps(found))
    return time.thread_time() - began


class StealMeter:
    """The share of all processors that the host gave to others, since this was made; 0.0 where the kernel does not tell (proc(5), stat)."""

    def __init__(self) -> None:
        self._before = self._read_ticks()

    @property
    def share(self) -> float:
        """0.0 to 1.0."""
        stolen, every = (now - before for now, before in zip(self._read_ticks(), self._before, strict=True))
        return round(stolen / every, 3) if every else 0.0

    @staticmethod
    def _read_ticks() -> tuple[int, int]:
        try:
            fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except OSError:
            return 0, 0
        return fields[7], sum(fields)


class CalibrationSampler:
    """Samples the fixed piece of work while something else is measured, in a process of its own: in ours it would hold up what we send."""

    def __init__(self) -> None:
        self._samples: list[float] = []

    @contextmanager
    def sample(self) -> Iterator[None]:
        """Sample every 0.3 s inside this block; costs about 2 % of a core."""
        sampler = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield
        finally:
            said, _ = sampler.communicate()  # closes its input, which ends it
            self._samples += map(float, said.split())

    @property
    def median_ms(self) -> float:
        """The median of the samples so far."""
        return round(median(self._samples or [measure_calibration()]) * 1000, 2)


def main() -> None:
    """Print a sample every 0.3 s until the input ends."""
    while not select.select([sys.stdin], [], [], 0.3)[0]:
        print(measure_calibration(), flush=True)


if __name__ == "__main__":
    main()
