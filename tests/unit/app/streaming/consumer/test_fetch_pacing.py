"""A fetch parks long only if it asks for everything, and the next one waits only after few records and while nothing else is at hand."""

import pytest

from app.streaming.consumer.fetch_pacing import FetchPacer, FetchPacingSettings

SETTINGS = FetchPacingSettings(max_wait=0.5, max_wait_partial=0.01, small_fetch_delay=0.005, small_fetch_records=16)


@pytest.mark.parametrize(("left_out", "milliseconds"), [(False, 500), (True, 10)])
def test_a_fetch_that_leaves_partitions_out_comes_back_soon(left_out: bool, milliseconds: int) -> None:
    assert FetchPacer(SETTINGS).compute_max_wait_ms(partial=left_out) == milliseconds


def test_the_first_fetch_goes_at_once() -> None:
    assert FetchPacer(SETTINGS).compute_delay(0.0) == 0.0


@pytest.mark.parametrize(
    ("records", "more", "early"),
    [
        (1, False, 0.005),
        (15, False, 0.005),
        (16, False, 0.0),  # enough for a batch
        (1, True, 0.0),  # a lone high record among a backlog: nothing waits
        (0, False, 0.0),  # nothing came: the next fetch parks at the broker
    ],
)
def test_after_few_records_a_few_come_together(records: int, more: bool, early: float) -> None:
    pace = FetchPacer(SETTINGS)
    pace.record_fetch(records, more_buffered=more, now=100.0)
    assert pace.compute_delay(100.0) == pytest.approx(early)


def test_the_wait_ends_by_itself() -> None:
    pace = FetchPacer(SETTINGS)
    pace.record_fetch(1, more_buffered=False, now=100.0)
    assert pace.compute_delay(100.004) == pytest.approx(0.001)
    assert pace.compute_delay(100.006) == 0.0


def test_plenty_ends_the_wait() -> None:
    pace = FetchPacer(SETTINGS)
    pace.record_fetch(1, more_buffered=False, now=100.0)
    pace.record_fetch(500, more_buffered=True, now=100.001)
    assert pace.compute_delay(100.001) == 0.0
