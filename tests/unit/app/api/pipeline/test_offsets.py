from itertools import pairwise

import pytest

from app.api.pipeline.offsets import PartitionLag, sum_lags, thin
from tests.unit.app.api.pipeline.builders import NOW, build_offsets, build_series

TOPIC = "notifications.high"


def test_lag_counts_from_the_committed_offset_or_from_the_first_record() -> None:
    series = build_series(build_offsets(ends={TOPIC: (12, 10)}))
    assert [lag.messages for lag in series.list_lags("router", TOPIC, NOW)] == [2, 0]
    nothing_committed = build_offsets(ends={TOPIC: (12, 10)}, committed=-1)._replace(starts={TOPIC: (3, 10)})
    assert [lag.messages for lag in build_series(nothing_committed).list_lags("router", TOPIC, NOW)] == [9, 0]


def test_what_waits_has_waited_since_its_end_was_first_seen() -> None:
    readings = [build_offsets(NOW - age, {TOPIC: (end, 10)}) for age, end in ((40, 10), (30, 11), (20, 15), (10, 15), (0, 20))]
    lag, empty = build_series(*readings).list_lags("router", TOPIC, NOW + 2)
    assert lag == PartitionLag(0, 10, 32.0)
    assert empty == PartitionLag(1, 0, 0.0)


def test_what_has_just_arrived_has_not_waited() -> None:
    lag = build_series(build_offsets(NOW - 10), build_offsets(NOW, {TOPIC: (11, 10)})).list_lags("router", TOPIC, NOW)[0]
    assert lag == PartitionLag(0, 1, 0.0)


def test_a_topic_that_nobody_has_read_yet_waits_at_least_as_long_as_it_was_watched() -> None:
    series = build_series(*(build_offsets(NOW - age, {TOPIC: (15, 10)}) for age in (50, 25, 0)))
    assert series.list_lags("router", TOPIC, NOW)[0].seconds == 50


def test_rates_are_measured_over_the_last_seconds() -> None:
    ends = {60: 1000, 12: 1100, 6: 1160, 0: 1220}
    readings = [build_offsets(NOW - age, {TOPIC: (end, 10)}, committed=age) for age, end in ends.items()]
    series = build_series(*readings)
    assert series.find_arrival_rate(TOPIC) == pytest.approx(10.0)
    assert series.find_consumption_rate("router", TOPIC) == 0.0, "the committed offsets went back: the topic was created again"


def test_there_is_no_rate_before_two_readings() -> None:
    assert build_series().find_arrival_rate(TOPIC) is None
    assert build_series(build_offsets()).find_arrival_rate(TOPIC) is None
    assert build_series(build_offsets(NOW - 1), build_offsets()).find_arrival_rate(TOPIC) is None


def test_the_same_reading_is_added_once() -> None:
    reading = build_offsets(NOW - 5)
    series = build_series(reading, reading, build_offsets(NOW, {TOPIC: (20, 10)}), build_offsets(NOW - 9))
    assert series.find_arrival_rate(TOPIC) == 2.0
    assert series.latest is not None
    assert series.latest.at == NOW


def test_readings_of_an_hour_are_kept_the_older_ones_farther_apart() -> None:
    kept = thin([build_offsets(NOW - age) for age in range(7200, -1, -5)])
    ages = [NOW - reading.at for reading in kept]
    assert max(ages) <= 3600
    assert len(ages) < 120
    assert [age for age in ages if age <= 60] == [*range(60, -1, -5)]
    assert all(before - after >= 60 for before, after in pairwise(ages) if after > 300)


def test_a_sum_has_the_longest_wait() -> None:
    assert sum_lags([PartitionLag(0, 3, 5.0), PartitionLag(1, 4, 2.0)]) == (7, 5.0)
    assert sum_lags([]) == (0, 0.0)
