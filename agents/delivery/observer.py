"""What a delivery worker tells metrics and logs; none of it holds an address, a text or a token."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from schemas.enums import Priority
from schemas.events import StatusEvent


class DeliveryBatchSummary(NamedTuple):
    """A batch whose records have all ended: how many with which outcome, or `skipped`, `expired`, `decode_failed`, and in what time."""

    priority: Priority
    partition: int
    record_count: int
    outcome_counts: Mapping[str, int]
    seconds: float


class Observer(Protocol):
    """Hears of each attempt, dead letter and batch; must not raise."""

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None: ...
    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None: ...
    def on_batch_end(self, batch: DeliveryBatchSummary) -> None: ...


class NullObserver:
    """The observer that does nothing."""

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        """Nothing."""

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        """Nothing."""

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        """Nothing."""


NULL_OBSERVER = NullObserver()
