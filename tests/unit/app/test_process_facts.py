import asyncio
from pathlib import Path

import pytest

from app.process_facts import SAMPLE_INTERVAL, SAMPLES, LoopLag, read_memory_bytes, read_version


def test_the_version_is_that_of_the_package() -> None:
    assert read_version().count(".") == 2


def test_the_memory_is_that_of_a_process() -> None:
    assert 10_000_000 < read_memory_bytes() < 100_000_000_000


def test_without_proc_the_memory_is_the_peak(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("app.process_facts._STATM", tmp_path / "none")
    assert 10_000_000 < read_memory_bytes() < 100_000_000_000


async def test_the_lag_is_the_worst_of_the_last_samples() -> None:
    now, delays, count = 0.0, [0.3, *[0.1] * SAMPLES], 0
    worst: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now, count
        if count == len(delays):
            raise asyncio.CancelledError
        now += seconds + delays[count]
        count += 1

    lag = LoopLag(lambda: now, sleep)
    assert lag.worst == 0.0
    with pytest.raises(asyncio.CancelledError):
        await lag.sample_forever(lambda: worst.append(round(lag.worst, 3)))
    assert worst == [0.3] * SAMPLES + [0.1]
    assert SAMPLE_INTERVAL * SAMPLES == 10
