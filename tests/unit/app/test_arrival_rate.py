"""The rate of what arrives."""

import pytest

from app.arrival_rate import ArrivalRate


@pytest.mark.parametrize("interval", [0.001, 0.01, 0.1])
def test_the_rate_of_regular_arrivals_is_found(interval: float) -> None:
    rate, now = ArrivalRate(), 50.0
    for _ in range(int(5 / interval)):
        now += interval
        found = rate.record(2, now)
    assert found == pytest.approx(2 / interval, rel=0.1)
