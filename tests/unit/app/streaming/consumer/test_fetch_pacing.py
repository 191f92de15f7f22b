"""A fetch waits long at the broker only if it includes all partitions; it is delayed only after a small fetch with an empty buffer."""

import pytest

from app.streaming.consumer.fetch_pacing import FetchPacer, FetchPacingSettings

SETTINGS = FetchPacingSettings(max_wait=0.5, max_wait_partial=0.01, small_fetch_delay=0.005, small_fetch_records=16)


@pytest.mark.parametrize(("partial", "max_wait_ms"), [(False, 500), (True, 10)])
def test_a_partial_fetch_returns_soon(partial: bool, max_wait_ms: int) -> None:
    assert FetchPacer(SETTINGS).compute_max_wait_ms(partial=partial) == max_wait_ms


def test_the_first_fetch_is_not_delayed() -> None:
    assert FetchPacer(SETTINGS).compute_delay(0.0) == 0.0


@pytest.mark.parametrize(
    ("records", "more_buffered", "delay"),
    [
        (1, False, 0.005),
        (15, False, 0.005),
        (16, False, 0.0),  # enough for a batch
        (1, True, 0.0),  # one high record before a backlog: no delay
        (0, False, 0.0),  # no records: the next fetch waits at the broker
    ],
)
def test_a_small_fetch_delays_the_next_one(records: int, more_buffered: bool, delay: float) -> None:
    pacer = FetchPacer(SETTINGS)
    pacer.record_fetch(records, more_buffered=more_buffered, now=100.0)
    assert pacer.compute_delay(100.0) == pytest.approx(delay)


def test_the_delay_ends_with_time() -> None:
    pacer = FetchPacer(SETTINGS)
    pacer.record_fetch(1, more_buffered=False, now=100.0)
    assert pacer.compute_delay(100.004) == pytest.approx(0.001)
    assert pacer.compute_delay(100.006) == 0.0


def test_a_large_fetch_ends_the_delay() -> None:
    pacer = FetchPacer(SETTINGS)
    pacer.record_fetch(1, more_buffered=False, now=100.0)
    pacer.record_fetch(500, more_buffered=True, now=100.001)
    assert pacer.compute_delay(100.001) == 0.0
