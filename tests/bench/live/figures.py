"""Computes what a run comes to: latencies from the time a notification was due to its arrival, and what was lost or came twice."""

from collections.abc import Iterable
from typing import Any

from tests.bench.live.messages import Arrivals, LoadResult
from tests.bench.percentiles import compute_percentiles

POINTS = (50, 90, 99)


def count_notifications(result: LoadResult, arrivals: Arrivals) -> dict[str, int]:
    """Count the notifications that were posted, accepted, lost and duplicated, with those of the warm-up."""
    posted = len(result.due)
    return {
        "posted": posted,
        "accepted": sum(1 for at in result.answered if at),
        "lost": posted - len(set(arrivals.numbers)),
        "duplicates": len(arrivals.numbers) - len(set(arrivals.numbers)),
    }


def compute_latencies(result: LoadResult, arrivals: Arrivals, first_number: int) -> dict[str, Any]:
    """Compute percentiles in milliseconds without the warm-up: to the sink (`ms`), to the answer, and how late the generator was."""
    first_arrivals: dict[int, float] = {}
    for number, at in zip(arrivals.numbers, arrivals.times, strict=True):
        first_arrivals.setdefault(number - first_number, at)
    measured = range(result.warm_up_count, len(result.due))
    return {
        "ms": _compute_ms(first_arrivals[index] - result.due[index] for index in measured if index in first_arrivals),
        "answer_ms": _compute_ms(result.answered[index] - result.due[index] for index in measured),
        "late_ms": _compute_ms(result.sent[index] - result.due[index] for index in measured)["p99"],
    }


def compute_arrival_rate(result: LoadResult, arrivals: Arrivals) -> int:
    """Compute the notifications per second from the first post to the last arrival."""
    return round(len(set(arrivals.numbers)) / (max(arrivals.times) - result.due[0]))


def _compute_ms(seconds: Iterable[float]) -> dict[str, float]:
    return compute_percentiles((second * 1000 for second in seconds), POINTS, digits=1)
