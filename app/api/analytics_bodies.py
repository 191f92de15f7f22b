"""The bodies of responses about counts, objectives and the ledger; all times are epoch seconds."""

from typing import Final

from msgspec import Struct

from schemas.analytics import BurnRate, Group, LatencyGroup, LatencyPoint, LatencySeries, Metric, ObjectiveState, Series
from schemas.history_counts import Step
from schemas.ledger import Balance


class SeriesResponse(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """A metric by steps of submission, from the greatest series to the least; the last steps may still change."""

    metric: Metric
    group_by: Group
    since: int
    until: int
    step: Step
    as_of: float
    series: list[Series]


class LatencyResponse(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Hand-over times by steps of submission."""

    group_by: LatencyGroup
    since: int
    until: int
    step: Step
    as_of: float
    series: list[LatencySeries]


class FunnelStep(Struct, frozen=True):
    """A step of the funnel, and whether it counts notifications or deliveries, of which a notification may have several."""

    name: str
    counts: str
    count: int


class FunnelResponse(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """What became of the notifications that were submitted in a time."""

    since: int
    until: int
    as_of: float
    steps: list[FunnelStep]


class Cohort(Struct, frozen=True):
    """The deliveries of the notifications that were submitted on a day or in a week from `at` on, as they are now."""

    at: int
    accepted: int
    deliveries: int
    sent: int
    delivered: int
    failed: int
    bounced: int
    unsubscribed: int
    opened: int
    clicked: int


class CohortResponse(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Cohorts by the day or week (UTC, from Monday on) of submission, oldest first."""

    since: int
    until: int
    step: int
    as_of: float
    cohorts: list[Cohort]


class ObjectivesResponse(Struct, frozen=True):
    """How the objective of each priority is kept."""

    as_of: float
    min_count: int
    priorities: list[ObjectiveState]


class LedgerResponse(Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """Accepted = final + in flight, of notifications and of their deliveries; `imbalance` is the sum of both, and must be 0."""

    since: float
    until: float
    as_of: float
    accepted: int
    final: dict[str, int]
    in_flight: int
    imbalance: int
    notifications: Balance
    deliveries: Balance
    unaccounted: list[str]


_AT: Final = 1_795_849_200  # 2026-11-28 07:00:00 UTC
ANALYTICS_EXAMPLES: Final[tuple[Struct, ...]] = (
    SeriesResponse("delivered", "channel", _AT, _AT + 7200, 3600, _AT + 7000.0, [Series("email", [[_AT, 1204], [_AT + 3600, 1187]])]),
    LatencyResponse(
        "priority",
        _AT,
        _AT + 3600,
        3600,
        _AT + 3000.0,
        [LatencySeries("high", [LatencyPoint(_AT, 1204, 0.012, 0.04, 0.09, 1204)])],
    ),
    FunnelResponse(
        _AT,
        _AT + 3600,
        _AT + 3000.0,
        [
            FunnelStep("accepted", "notifications", 1250),
            FunnelStep("routed", "notifications", 1210),
            FunnelStep("sent", "deliveries", 1204),
        ],
    ),
    CohortResponse(_AT, _AT + 86_400, 86_400, _AT + 80_000.0, [Cohort(_AT, 1250, 1210, 1204, 1187, 6, 17, 2, 640, 81)]),
    ObjectivesResponse(
        _AT + 3000.0,
        100,
        [ObjectiveState("high", 1.0, 0.99, 2_592_000, 90_412, 90_300, 0.998761, 0.8761, True, [BurnRate(3600, 1204, 0.0, True)])],
    ),
    LedgerResponse(
        _AT,
        _AT + 3600,
        _AT + 3000.0,
        1250,
        {"routed": 1204, "rejected": 40},
        6,
        0,
        Balance(1250, {"routed": 1204, "rejected": 40}, {"routed": 6}, 0),
        Balance(1210, {"DELIVERED": 1187, "FAILED": 17}, {"SENT": 6}, 0),
        [],
    ),
)
