"""A delivery under way in this worker, and the batch that it belongs to."""

from collections.abc import Callable

from agents.delivery.decide import Decision
from agents.delivery.decode import Readable
from schemas.outcome import Attempted
from schemas.ports import HeldBatch
from schemas.words import Lane


class OpenBatch:
    """A batch with records that have not ended; `settle` is called once, when the last one has."""

    __slots__ = ("began", "counts", "held", "lane", "left", "sendings", "settle")

    def __init__(self, held: HeldBatch, lane: Lane, began: float, settle: Callable[["OpenBatch"], None]) -> None:
        self.held, self.lane, self.began, self.settle = held, lane, began, settle
        self.left = len(held.batch)
        self.counts: dict[str, int] = {}
        self.sendings: list[Sending] = []

    def end(self, what: str) -> None:
        """One more record has ended: with an outcome, or `skipped`, `expired` or `unreadable`."""
        self.counts[what] = self.counts.get(what, 0) + 1
        self.left -= 1
        if not self.left:
            self.settle(self)


class Sending:
    """One delivery from its record to its end; `tries` counts the calls made here, `attempt` numbers them over all workers.

    It waits, is `calling`, in a pause, or `ended`; `lost` since a rebalance took its batch away. What it came to is kept after its end:
    the same record, given again because its row was not safe yet, is recorded again and not sent again.
    """

    __slots__ = (
        "account",
        "attempt",
        "called_at",
        "calling",
        "decision",
        "delivery",
        "ended",
        "key",
        "last",
        "lost",
        "of",
        "possible_duplicate",
        "record",
        "tries",
    )

    def __init__(self, readable: Readable, of: OpenBatch, account: str) -> None:
        self.record, self.delivery, self.key = readable
        self.of, self.account = of, account
        self.attempt, self.tries, self.called_at = self.delivery.attempt, 0, 0.0
        self.possible_duplicate = self.delivery.possible_duplicate
        self.calling = self.ended = self.lost = False
        self.last: Attempted | None = None
        self.decision: Decision | None = None

    def is_record(self, other: "Sending") -> bool:
        """Whether both come from the same record: the same topic, partition and offset."""
        mine, others = self.of.held.batch, other.of.held.batch
        same_place = mine.topic == others.topic and mine.partition == others.partition
        return same_place and self.record.offset == other.record.offset

    def covers(self, other: "Sending") -> bool:
        """Whether this one makes the other needless: it is as far on, or further."""
        ours, theirs = self.delivery, other.delivery
        return (ours.generation, self.attempt) >= (theirs.generation, theirs.attempt)
