"""What a delivery worker tells metrics and logs; none of it holds an address, a text or a token."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from schemas.status import Status
from schemas.words import Lane


class EndedBatch(NamedTuple):
    """A batch whose records have all ended: how many with which outcome, or `skipped`, `expired`, `unreadable`; and in how many seconds."""

    lane: Lane
    partition: int
    records: int
    counts: Mapping[str, int]
    seconds: float


class Observer(Protocol):
    """Hears of each attempt, dead letter and batch; must not raise."""

    def attempted(self, lane: Lane, event: Status) -> None: ...
    def dead(self, lane: Lane, reason: str, notification_id: str, delivery_id: str) -> None: ...
    def ended(self, batch: EndedBatch) -> None: ...


class Unobserved:
    """The observer that does nothing."""

    def attempted(self, lane: Lane, event: Status) -> None:
        """Nothing."""

    def dead(self, lane: Lane, reason: str, notification_id: str, delivery_id: str) -> None:
        """Nothing."""

    def ended(self, batch: EndedBatch) -> None:
        """Nothing."""


UNOBSERVED = Unobserved()
