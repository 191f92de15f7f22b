"""What analytics ask of the counts of the history: metrics and groups, percentiles of hand-overs, and how an objective is kept; pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from schemas.enums import Priority
from schemas.history_counts import HANDOVER_BOUNDS, Kind, Step
from schemas.lifetimes import DAY, HOUR

Metric = Literal["accepted", "decided", "deliveries", "sent", "delivered", "failed", "bounced", "opened", "clicked", "cost"]
Group = Literal["none", "channel", "category", "type", "template", "priority", "provider", "status", "state", "reason"]
LatencyGroup = Literal["none", "priority", "channel"]

TARGET_SECONDS: Final[Mapping[Priority, float]] = {"high": 1.0, "medium": 5.0, "low": 30.0}
"""The time allowed until hand-over; each is one of the bounds, so that what is within is exact."""

MAX_POINTS: Final = 2_000
MAX_SERIES: Final = 20
BURN_WINDOWS: Final = (HOUR, 6 * HOUR, DAY, 3 * DAY)
"""Seconds; short ones say that it is bad now, long ones that it stays so (Google's SRE workbook, chapter 5)."""

_HANDED_OVER = ("SENT", "DELIVERED", "BOUNCED", "UNSUBSCRIBED")
_OF_NOTIFICATIONS = frozenset({"none", "category", "type", "priority", "state", "reason"})
_OF_DELIVERIES = frozenset({"none", "channel", "category", "type", "template", "priority", "provider", "status", "reason"})
_OF_ENGAGEMENTS = frozenset({"none", "channel", "category", "type", "template", "priority"})


class MetricSource(NamedTuple):
    """Where a metric is counted: the kind, the names that count (None: all), and by what it can be grouped."""

    kind: Kind
    names: tuple[str, ...] | None
    groups: frozenset[str]


METRICS: Final[Mapping[Metric, MetricSource]] = {
    "accepted": MetricSource(Kind.NOTIFICATION, None, _OF_NOTIFICATIONS),
    "decided": MetricSource(Kind.NOTIFICATION, ("routed", "merged", "rejected", "dead"), _OF_NOTIFICATIONS),
    "deliveries": MetricSource(Kind.DELIVERY, None, _OF_DELIVERIES),
    "sent": MetricSource(Kind.DELIVERY, _HANDED_OVER, _OF_DELIVERIES),
    "delivered": MetricSource(Kind.DELIVERY, ("DELIVERED", "UNSUBSCRIBED"), _OF_DELIVERIES),
    "failed": MetricSource(Kind.DELIVERY, ("FAILED",), _OF_DELIVERIES),
    "bounced": MetricSource(Kind.DELIVERY, ("BOUNCED",), _OF_DELIVERIES),
    "opened": MetricSource(Kind.ENGAGEMENT, ("opened",), _OF_ENGAGEMENTS),
    "clicked": MetricSource(Kind.ENGAGEMENT, ("clicked",), _OF_ENGAGEMENTS),
    "cost": MetricSource(Kind.DELIVERY, _HANDED_OVER, _OF_DELIVERIES),
}


class CountFilter(NamedTuple):
    """Whose counts, from a time on and before another one (epoch seconds), and of what; None for all."""

    since: int
    until: int
    project: str | None = None
    channel: str | None = None
    category: str | None = None
    type: str | None = None
    priority: str | None = None
    template: str | None = None


class Series(Struct, frozen=True):
    """A line of a chart: `[epoch seconds, number]` for each step that has any, oldest first."""

    key: str
    points: list[list[float]]


class LatencyPoint(Struct, frozen=True):
    """How long hand-overs of a step took: percentiles in seconds, and how many were within the target of their priority."""

    at: int
    count: int
    p50: float
    p95: float
    p99: float
    within_target: int


class LatencySeries(Struct, frozen=True):
    """The steps of a priority or channel that have any hand-over, oldest first."""

    key: str
    points: list[LatencyPoint]


class BurnRate(Struct, frozen=True):
    """How fast the budget of an objective is used: 1 uses exactly all of it; null without enough volume."""

    window_seconds: int
    count: int
    rate: float | None
    has_volume: bool


class ObjectiveState(Struct, frozen=True):
    """How an objective is kept. `attained` and `budget_left` (1: all, below 0: overdrawn) are null without enough volume."""

    priority: Priority
    target_seconds: float
    objective: float
    window_seconds: int
    count: int
    within_target: int
    attained: float | None
    budget_left: float | None
    has_volume: bool
    burn: list[BurnRate]


class HandoverCount(NamedTuple):
    """Hand-overs of a priority whose time is up to a bound of seconds; `at` is the step's beginning, `key` what they are grouped by."""

    at: int
    key: str
    priority: str
    bound: float
    amount: int


def choose_step(span: float) -> Step:
    """The finest step with a few hundred points."""
    return 60 if span <= 6 * HOUR else 3600 if span <= 14 * DAY else 86400


def limit_series(series: Iterable[Series]) -> list[Series]:
    """The greatest MAX_SERIES, greatest first; all further ones are added up as `*`, which is no name."""
    ordered = sorted(series, key=lambda one: (-sum(value for _, value in one.points), one.key))
    if len(ordered) <= MAX_SERIES:
        return ordered
    rest: dict[float, float] = {}
    for one in ordered[MAX_SERIES - 1 :]:
        for at, value in one.points:
            rest[at] = rest.get(at, 0) + value
    return [*ordered[: MAX_SERIES - 1], Series("*", [[at, rest[at]] for at in sorted(rest)])]


def compute_percentile(counts: Mapping[float, int], share: float) -> float:
    """The time that this share of the hand-overs does not exceed, linear within its bounds; beyond the last bound it is that one."""
    rank, below, lower = share * sum(counts.values()), 0, 0.0
    for bound in HANDOVER_BOUNDS:
        count = counts.get(bound, 0)
        if count and below + count >= rank:
            return round(lower + (bound - lower) * max(rank - below, 0) / count, 4)
        below, lower = below + count, bound
    return lower


def build_latency_series(rows: Iterable[HandoverCount]) -> list[LatencySeries]:
    """Percentiles of each key and step."""
    found: dict[str, dict[int, list[HandoverCount]]] = {}
    for row in rows:
        found.setdefault(row.key, {}).setdefault(row.at, []).append(row)
    return [LatencySeries(key, [_build_point(at, steps[at]) for at in sorted(steps)]) for key, steps in sorted(found.items())]


def _build_point(at: int, rows: Sequence[HandoverCount]) -> LatencyPoint:
    counts: dict[float, int] = {}
    for row in rows:
        counts[row.bound] = counts.get(row.bound, 0) + row.amount
    p50, p95, p99 = (compute_percentile(counts, share) for share in (0.5, 0.95, 0.99))
    return LatencyPoint(at, sum(counts.values()), p50, p95, p99, sum(row.amount for row in rows if is_within_target(row)))


def is_within_target(row: HandoverCount) -> bool:
    """Whether the hand-overs took no longer than their priority allows."""
    return row.bound <= TARGET_SECONDS.get(row.priority, 0.0)  # type: ignore[call-overload, no-any-return]


def judge_objective(
    priority: Priority, objective: float, windows: Mapping[int, tuple[int, int]], budget_window: int, min_count: int
) -> ObjectiveState:
    """How an objective is kept: `windows` has the hand-overs, and those within the target, of each window in seconds."""
    count, within = windows[budget_window]
    has_volume, rate = count >= min_count, _compute_burn(count, within, objective)
    burn = []
    for window in BURN_WINDOWS:
        total, good = windows[window]
        burn.append(BurnRate(window, total, _compute_burn(total, good, objective) if total >= min_count else None, total >= min_count))
    return ObjectiveState(
        priority,
        TARGET_SECONDS[priority],
        objective,
        budget_window,
        count,
        within,
        round(within / count, 6) if has_volume else None,
        round(1 - rate, 4) if has_volume else None,
        has_volume,
        burn,
    )


def _compute_burn(count: int, within: int, objective: float) -> float:
    """The share that missed the target, as a multiple of what the objective allows."""
    return round((count - within) / count / (1 - objective), 4) if count else 0.0
