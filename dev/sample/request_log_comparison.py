"""Compares the simulators' request log with the history (pure functions).

Each delivery that is SENT or DELIVERED must have been accepted by a simulator, and each accepted delivery must have been recorded.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from dev.simulators.protocol import RequestLogEntry
from schemas.enums import PRIORITIES, Priority, Status

SENT_STATUSES = frozenset({Status.SENT, Status.DELIVERED})
UNAUTHORIZED_STATUSES = (401, 403)
UNSENT_STATUSES = frozenset({Status.PENDING, Status.FAILED})


class SampleDelivery(Struct, frozen=True):
    """A delivery of the sample: its status in the history, its priority, and since when it may be sent (epoch seconds).

    `planned`: the router's decision contains it. A delivery that is not planned is an error. Not `timed`: it waited for another one.
    """

    status: Status
    priority: Priority
    due_at: float
    planned: bool = True
    timed: bool = True


class LatencyPercentiles(Struct, frozen=True):
    """Seconds from the submission, or from a later `send_at`, to the provider's acceptance, of deliveries with a single request."""

    count: int
    p50: float
    p99: float


class RequestLogComparison(Struct, frozen=True):
    """Ids of deliveries on which the request log and the history disagree, counts, and the latency by priority.

    `missing_requests`: SENT or DELIVERED, but not accepted. `unrecorded_sends`: accepted, but PENDING or FAILED. `early_sends`: accepted
    before they were due. `unplanned_deliveries`: not planned by the router. `unknown_deliveries`: accepted, but not in the history.
    `duplicate_count`: further acceptances of accepted deliveries. `unauthorized_counts`: requests with rejected credentials by provider.
    """

    missing_requests: list[str]
    unrecorded_sends: list[str]
    unplanned_deliveries: list[str]
    unknown_deliveries: list[str]
    duplicate_count: int
    request_count: int
    accepted_count: int
    latency_by_priority: dict[Priority, LatencyPercentiles]
    unauthorized_counts: dict[str, int] = {}
    early_sends: list[str] = []

    @property
    def consistent(self) -> bool:
        """Whether the request log and the history agree on every delivery, and none was sent early."""
        findings = self.missing_requests, self.unrecorded_sends, self.unplanned_deliveries, self.unknown_deliveries, self.early_sends
        return not any(findings)


def find_foreign_deliveries(sample_deliveries: Collection[str], entries: Sequence[RequestLogEntry]) -> set[str]:
    """Find the accepted deliveries that are not the sample's."""
    return {entry.delivery_id for entry in entries if entry.accepted and entry.delivery_id not in sample_deliveries}


def compare_request_log(
    sample_deliveries: Mapping[str, SampleDelivery], entries: Sequence[RequestLogEntry], unknown_deliveries: Collection[str] = ()
) -> RequestLogComparison:
    """Compare the request log with the sample's deliveries; `unknown_deliveries` are foreign ones without a row in the history."""
    requests: Counter[str] = Counter()
    acceptances: Counter[str] = Counter()
    first_accepted_at: dict[str, float] = {}
    for entry in entries:
        if entry.delivery_id in sample_deliveries:
            requests[entry.delivery_id] += 1
            if entry.accepted:
                acceptances[entry.delivery_id] += 1
                first_accepted_at.setdefault(entry.delivery_id, entry.at)
    sent_ids = [delivery_id for delivery_id, delivery in sample_deliveries.items() if delivery.status in SENT_STATUSES]
    single_requests = {id_: at for id_, at in first_accepted_at.items() if requests[id_] == 1 and sample_deliveries[id_].timed}
    return RequestLogComparison(
        missing_requests=sorted(delivery_id for delivery_id in sent_ids if delivery_id not in acceptances),
        unrecorded_sends=sorted(delivery_id for delivery_id in acceptances if sample_deliveries[delivery_id].status in UNSENT_STATUSES),
        unplanned_deliveries=sorted(delivery_id for delivery_id, delivery in sample_deliveries.items() if not delivery.planned),
        unknown_deliveries=sorted(unknown_deliveries),
        duplicate_count=acceptances.total() - len(acceptances),
        request_count=requests.total(),
        accepted_count=len(acceptances),
        latency_by_priority=_compute_latency(sample_deliveries, single_requests),
        early_sends=sorted(id_ for id_, at in first_accepted_at.items() if at < sample_deliveries[id_].due_at),
        unauthorized_counts=dict(Counter(entry.provider for entry in entries if entry.status in UNAUTHORIZED_STATUSES)),
    )


def _compute_latency(
    sample_deliveries: Mapping[str, SampleDelivery], first_accepted_at: Mapping[str, float]
) -> dict[Priority, LatencyPercentiles]:
    percentiles: dict[Priority, LatencyPercentiles] = {}
    for priority in PRIORITIES:
        seconds = sorted(
            at - sample_deliveries[delivery_id].due_at
            for delivery_id, at in first_accepted_at.items()
            if sample_deliveries[delivery_id].priority == priority
        )
        if seconds:
            percentiles[priority] = LatencyPercentiles(len(seconds), compute_percentile(seconds, 50), compute_percentile(seconds, 99))
    return percentiles


def compute_percentile(ordered: list[float], percent: int) -> float:
    """Compute a percentile by nearest rank: the smallest value that at least `percent` percent of the values do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
