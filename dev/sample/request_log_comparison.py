"""Compares the simulators' ledger with history: what history calls sent was accepted by a provider, and the other way round; pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from schemas.enums import PRIORITIES, Priority, Status

SENT_STATUSES = frozenset({Status.SENT, Status.DELIVERED})
UNSENT_STATUSES = frozenset({Status.PENDING, Status.FAILED})


class LoggedRequest(Struct, frozen=True):
    """A request in the ledger (docs/simulators.md); `at` in epoch seconds."""

    seq: int
    at: float
    delivery_id: str
    status: int

    @property
    def accepted(self) -> bool:
        """Whether the provider took it."""
        return 200 <= self.status < 300


class SampleDelivery(Struct, frozen=True):
    """A delivery of the sample: its status in history, its priority, and when its notification was handed in (epoch seconds).

    `planned` says that the router listed it; one that is not listed should not be there.
    """

    status: Status
    priority: Priority
    submitted_at: float
    planned: bool = True


class LatencyPercentiles(Struct, frozen=True):
    """Seconds from handing in to the provider, of deliveries that needed one request only."""

    count: int
    p50: float
    p99: float


class RequestLogComparison(Struct, frozen=True):
    """Delivery ids of which ledger and history disagree; further acceptances of accepted deliveries; requests; latency by priority.

    `missing`: sent by history, accepted by nobody. `unsent`: accepted, not sent by history. `unplanned`: not listed by the router.
    `unknown`: accepted, and history has no such delivery at all.
    """

    missing_requests: list[str]
    unrecorded_sends: list[str]
    unplanned_deliveries: list[str]
    unknown_deliveries: list[str]
    duplicate_count: int
    request_count: int
    accepted_count: int
    latency_by_priority: dict[Priority, LatencyPercentiles]

    @property
    def consistent(self) -> bool:
        """Whether every delivery that history calls sent was accepted by a provider, and the other way round."""
        return not (self.missing_requests or self.unrecorded_sends or self.unplanned_deliveries or self.unknown_deliveries)


def find_foreign_deliveries(sample_deliveries: Collection[str], entries: Sequence[LoggedRequest]) -> set[str]:
    """Accepted deliveries that are not the sample's: of somebody else, or of nobody."""
    return {entry.delivery_id for entry in entries if entry.accepted and entry.delivery_id not in sample_deliveries}


def compare_request_log(
    sample_deliveries: Mapping[str, SampleDelivery], entries: Sequence[LoggedRequest], unknown_deliveries: Collection[str] = ()
) -> RequestLogComparison:
    """What ledger and history say of the sample's deliveries; `unknown` are the strangers that history has never heard of."""
    requests: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    first: dict[str, float] = {}
    for entry in entries:
        if entry.delivery_id in sample_deliveries:
            requests[entry.delivery_id] += 1
            if entry.accepted:
                accepted[entry.delivery_id] += 1
                first.setdefault(entry.delivery_id, entry.at)
    return RequestLogComparison(
        missing_requests=sorted(each for each, known in sample_deliveries.items() if known.status in SENT_STATUSES and not accepted[each]),
        unrecorded_sends=sorted(each for each in +accepted if sample_deliveries[each].status in UNSENT_STATUSES),
        unplanned_deliveries=sorted(each for each, known in sample_deliveries.items() if not known.planned),
        unknown_deliveries=sorted(unknown_deliveries),
        duplicate_count=accepted.total() - len(+accepted),
        request_count=requests.total(),
        accepted_count=len(+accepted),
        latency_by_priority=_compute_latency(sample_deliveries, {each: at for each, at in first.items() if requests[each] == 1}),
    )


def _compute_latency(
    sample_deliveries: Mapping[str, SampleDelivery], first_accepted_at: Mapping[str, float]
) -> dict[Priority, LatencyPercentiles]:
    found: dict[Priority, LatencyPercentiles] = {}
    for priority in PRIORITIES:
        seconds = sorted(
            at - sample_deliveries[each].submitted_at
            for each, at in first_accepted_at.items()
            if sample_deliveries[each].priority == priority
        )
        if seconds:
            found[priority] = LatencyPercentiles(len(seconds), compute_percentile(seconds, 50), compute_percentile(seconds, 99))
    return found


def compute_percentile(ordered: list[float], percent: int) -> float:
    """The least value that at least that many percent do not exceed (nearest rank)."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
