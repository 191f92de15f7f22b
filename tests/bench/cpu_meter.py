"""Measures the CPU seconds and memory of processes, and the calibration: the CPU time of a fixed workload, the speed of the host."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def read_cpu_seconds(pid: int) -> float:
    """Read the user and system CPU seconds of a process and of all its children, running or reaped."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS_PER_SECOND + sum(read_own_cpu_seconds(int(child)) for child in children)


def read_resident_mb(pid: int) -> int:
    """Read the resident memory of a process, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4 // 1024


def read_own_cpu_seconds(pid: int) -> float:
    """Read the user and system CPU seconds of one process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:13])) / TICKS_PER_SECOND


def read_wakeups(pid: int) -> int:
    """Read how often the threads of a process and of its children have waited and run again (proc(5), voluntary_ctxt_switches).

    What ended threads and processes had is not included.
    """
    wakeups = 0
    for task in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(OSError):
            wakeups += int((task / "status").read_text().rsplit("\nvoluntary_ctxt_switches:", 1)[1].split("\n", 1)[0])
            wakeups += sum(read_wakeups(int(child)) for child in (task / "children").read_text().split())
    return wakeups


def read_busy_seconds() -> float:
    """Read the seconds that all processors have worked for any process (proc(5), stat); 0.0 on a kernel without it."""
    fields = _read_stat()
    return sum(fields[:3] + fields[5:7]) / TICKS_PER_SECOND


def _read_stat() -> list[int]:
    """The ticks user, nice, system, idle, iowait, irq, softirq and steal of all processors."""
    try:
        return [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return [0] * 8


class CpuMeter:
    """Measures the CPU and the wake-ups of named processes since its creation."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._start_wakeups = {name: read_wakeups(pid) for name, pid in self._pids.items()}
        self._start_seconds = {name: read_cpu_seconds(pid) for name, pid in self._pids.items()}
        self._start_busy_seconds = read_busy_seconds()
        self._started_at = time.monotonic()

    @property
    def wall_seconds(self) -> float:
        """Seconds since the creation."""
        return time.monotonic() - self._started_at

    def compute_seconds(self) -> dict[str, float]:
        """Compute the CPU seconds by name."""
        return {name: read_cpu_seconds(pid) - self._start_seconds[name] for name, pid in self._pids.items()}

    def compute_other_seconds(self) -> float:
        """Compute the CPU seconds of all other processes of the machine."""
        return max(0.0, read_busy_seconds() - self._start_busy_seconds - sum(self.compute_seconds().values()))

    def compute_wakeups_per_s(self) -> dict[str, int]:
        """Compute the wake-ups per second by name."""
        wall_seconds = self.wall_seconds
        return {name: round((read_wakeups(pid) - self._start_wakeups[name]) / wall_seconds) for name, pid in self._pids.items()}

    def compute_cores(self) -> dict[str, float]:
        """Compute the share of a core by name."""
        wall_seconds = self.wall_seconds
        return {name: round(seconds / wall_seconds, 3) for name, seconds in self.compute_seconds().items()}

    def compute_us_per_item(self, count: int) -> dict[str, float]:
        """Compute the CPU microseconds per item, by name and as `total`."""
        us_by_name = {name: round(seconds / count * 1e6, 1) for name, seconds in self.compute_seconds().items()}
        return {**us_by_name, "total": round(sum(us_by_name.values()), 1)}


def measure_calibration() -> float:
    """Measure the CPU seconds of the fixed workload that all benchmarks share; 4.3 to 5.3 ms on a fast host."""
    started_at, numbers = time.thread_time(), {}
    for number in range(4000):
        numbers[str(number)] = (number, [number])
    json.loads(json.dumps(numbers))
    return time.thread_time() - started_at


class StealMeter:
    """Measures the steal time since its creation, as a share of all processors (proc(5), stat); 0.0 on a kernel without it."""

    def __init__(self) -> None:
        self._start_ticks = self._read_ticks()

    @property
    def share(self) -> float:
        """0.0 to 1.0."""
        steal, total = (now - start for now, start in zip(self._read_ticks(), self._start_ticks, strict=True))
        return round(steal / total, 3) if total else 0.0

    @staticmethod
    def _read_ticks() -> tuple[int, int]:
        fields = _read_stat()
        return fields[7], sum(fields)


class CalibrationSampler:
    """Samples the calibration during a measurement, in another process, so that it does not delay the load generator in this one."""

    def __init__(self) -> None:
        self._samples: list[float] = []

    @contextmanager
    def sample(self) -> Iterator[None]:
        """Sample every 0.3 s while the context is open; costs about 2 % of a core."""
        sampler = subprocess.Popen([sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            yield
        finally:
            output, _ = sampler.communicate()  # closes its input, which ends it
            self._samples += map(float, output.split())

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
