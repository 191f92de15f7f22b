"""A delivery under way in this worker, and the batch that it belongs to."""

from collections.abc import Callable

from agents.delivery.decide import Decision
from agents.delivery.decode import DecodedDelivery
from schemas.enums import Priority
from schemas.outcome import AttemptResult
from schemas.ports import BatchHandle


class InFlightBatch:
    """A batch with records that have not ended; `settle` is called once, when the last one has."""

    __slots__ = ("deliveries", "handle", "on_finished", "outcome_counts", "priority", "remaining", "started_at")

    def __init__(self, handle: BatchHandle, priority: Priority, started_at: float, on_finished: Callable[["InFlightBatch"], None]) -> None:
        self.handle, self.priority, self.started_at, self.on_finished = handle, priority, started_at, on_finished
        self.remaining = len(handle.batch)
        self.outcome_counts: dict[str, int] = {}
        self.deliveries: list[InFlight] = []

    def finish_record(self, result: str) -> None:
        """One more record has ended: with an outcome, or `skipped`, `expired` or `decode_failed`."""
        self.outcome_counts[result] = self.outcome_counts.get(result, 0) + 1
        self.remaining -= 1
        if not self.remaining:
            self.on_finished(self)


class InFlight:
    """One delivery from its record to its end; `tries` counts the calls made here, `attempt` numbers them over all workers.

    It waits, is `calling`, in a pause, or `ended`; `lost` since a rebalance took its batch away. What it came to is kept after its end:
    the same record, given again because its row was not safe yet, is recorded again and not sent again.
    """

    __slots__ = (
        "account",
        "attempt",
        "attempt_count",
        "batch",
        "called_at",
        "decision",
        "delivery",
        "is_calling",
        "is_finished",
        "is_revoked",
        "last_result",
        "possible_duplicate",
        "record",
        "row_key",
    )

    def __init__(self, decoded: DecodedDelivery, batch: InFlightBatch, account: str) -> None:
        self.record, self.delivery, self.row_key = decoded
        self.batch, self.account = batch, account
        self.attempt, self.attempt_count, self.called_at = self.delivery.attempt, 0, 0.0
        self.possible_duplicate = self.delivery.possible_duplicate
        self.is_calling = self.is_finished = self.is_revoked = False
        self.last_result: AttemptResult | None = None
        self.decision: Decision | None = None

    def is_same_record(self, other: "InFlight") -> bool:
        """Whether both come from the same record: the same topic, partition and offset."""
        mine, others = self.batch.handle.batch, other.batch.handle.batch
        same_place = mine.topic == others.topic and mine.partition == others.partition
        return same_place and self.record.offset == other.record.offset

    def supersedes(self, other: "InFlight") -> bool:
        """Whether this one makes the other needless: it is as far on, or further."""
        ours, theirs = self.delivery, other.delivery
        return (ours.redrive_count, self.attempt) >= (theirs.redrive_count, theirs.attempt)
