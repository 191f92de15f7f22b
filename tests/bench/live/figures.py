"""Computes what a run comes to: latencies from the time a notification was due to its arrival, and what was lost or came twice."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.bench.live.messages import Arrivals, LoadResult
from tests.bench.percentiles import compute_percentiles

POINTS = (50, 90, 99)

Arrival = tuple[int, float]  # the index of a notification in its run, and when it came


def select_arrivals(arrivals: Arrivals, first_number: int, count: int) -> list[Arrival]:
    """Select the arrivals of a run; one of the run before may come after that was counted."""
    pairs = zip(arrivals.numbers, arrivals.times, strict=True)
    return [(number - first_number, at) for number, at in pairs if first_number <= number < first_number + count]


def count_notifications(result: LoadResult, arrivals: Sequence[Arrival], recorded: int) -> dict[str, int]:
    """Count the notifications of a run with its warm-up: posted, accepted, lost, arrived again, and those without a row in PostgreSQL."""
    posted, distinct = len(result.due), len({index for index, _ in arrivals})
    return {
        "posted": posted,
        "accepted": sum(1 for at in result.answered if at),
        "lost": posted - distinct,
        "duplicates": len(arrivals) - distinct,
        "unrecorded": max(0, posted - recorded),
    }


def compute_latencies(result: LoadResult, arrivals: Sequence[Arrival]) -> dict[str, Any]:
    """Compute percentiles in milliseconds without the warm-up: to the sink (`ms`), to the answer, and how late the generator was."""
    first_arrivals: dict[int, float] = {}
    for index, at in arrivals:
        first_arrivals.setdefault(index, at)
    measured = range(result.warm_up_count, len(result.due))
    return {
        "ms": _compute_ms(first_arrivals[index] - result.due[index] for index in measured if index in first_arrivals),
        "answer_ms": _compute_ms(result.answered[index] - result.due[index] for index in measured),
        "late_ms": _compute_ms(result.sent[index] - result.due[index] for index in measured)["p99"],
    }


def _compute_ms(seconds: Iterable[float]) -> dict[str, float]:
    return compute_percentiles((second * 1000 for second in seconds), POINTS, digits=1)


def count_between(arrivals: Sequence[Arrival], start: float, end: float) -> int:
    """Count the arrivals in a time, of which the CPU is known."""
    return sum(1 for _, at in arrivals if start <= at < end)


def add_total(figures: Mapping[str, float], digits: int | None = None) -> dict[str, float]:
    """Round the figures, and add their sum as `total`."""
    rounded = {name: round(figure, digits) for name, figure in figures.items()}
    return {**rounded, "total": round(sum(figures.values()), digits)}
