"""Percentiles of the benchmarks."""

from collections.abc import Iterable
from statistics import quantiles


def compute_percentiles(values: Iterable[float], points: Iterable[int], digits: int | None = None) -> dict[str, float]:
    """Compute `p<point>` for each point, rounded to `digits`, to an integer without. Raises ValueError for fewer than two values."""
    values = sorted(values)
    if len(values) < 2:
        raise ValueError("percentiles need at least two values")
    cuts = quantiles(values, n=100, method="inclusive")
    return {f"p{point}": round(cuts[point - 1], digits) for point in points}
