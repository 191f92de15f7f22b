import pytest

from tests.bench.live import figures
from tests.bench.live.messages import Arrivals, LoadResult
from tests.bench.percentiles import compute_percentiles

# numbers 100 to 103; the first is of the warm-up, the last is lost and not answered
RESULT = LoadResult(due=[1.0, 2.0, 3.0, 4.0], sent=[1.0, 2.001, 3.001, 4.001], answered=[1.5, 2.002, 3.002, 0.0], warm_up_count=1)
ARRIVALS = Arrivals(numbers=[99, 100, 101, 102, 101], times=[0.5, 1.9, 2.01, 3.03, 9.0], error="")


def test_an_arrival_of_the_run_before_does_not_count() -> None:
    assert figures.select_arrivals(ARRIVALS, 100, 4) == [(0, 1.9), (1, 2.01), (2, 3.03), (1, 9.0)]


def test_counts_are_those_of_the_whole_run() -> None:
    arrivals = figures.select_arrivals(ARRIVALS, 100, 4)
    expected = {"posted": 4, "accepted": 3, "lost": 1, "duplicates": 1, "unrecorded": 2}
    assert figures.count_notifications(RESULT, arrivals, recorded=2) == expected
    assert figures.count_between(arrivals, 1.9, 3.03) == 2


def test_latencies_leave_out_the_warm_up_and_count_the_first_arrival() -> None:
    answered = LoadResult(RESULT.due, RESULT.sent, [1.5, 2.002, 3.002, 4.002], RESULT.warm_up_count)
    latencies = figures.compute_latencies(answered, figures.select_arrivals(ARRIVALS, 100, 4))
    assert latencies["ms"] == {"p50": 20.0, "p90": 28.0, "p99": 29.8}
    assert latencies["answer_ms"] == {"p50": 2.0, "p90": 2.0, "p99": 2.0}
    assert latencies["late_ms"] == 1.0


def test_a_total_is_that_of_the_exact_figures() -> None:
    assert figures.add_total({"a": 0.4, "b": 0.4}) == {"a": 0, "b": 0, "total": 1}


def test_percentiles_need_values() -> None:
    assert compute_percentiles(range(101), (50, 99)) == {"p50": 50, "p99": 99}
    with pytest.raises(ValueError, match="two values"):
        compute_percentiles([1.0], (50,))
