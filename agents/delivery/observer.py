"""The events of a delivery worker for metrics and logs; they contain no address, content or token."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from agents.delivery.breaker import Cause
from schemas.enums import Priority
from schemas.events import StatusEvent
from schemas.outcome import AttemptResult


class DeliveryBatchSummary(NamedTuple):
    """A finished batch: its record count by outcome (or `skipped`, `decode_failed`, the reason of no call) and its duration in seconds."""

    priority: Priority
    partition: int
    record_count: int
    outcome_counts: Mapping[str, int]
    seconds: float


class Observer(Protocol):
    """Called for each attempt, call for several deliveries, dead letter, finished batch, outage of profiles, breaker that opens or closes,
    and call without an answer of which it is known what follows; must not raise.

    `is_rejected`: the provider took none of them because of some. `seconds`: until a probe, or since it was opened; `is_again`: a probe has
    failed.
    """

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None: ...
    def on_batch_call(self, deliveries: int, *, is_rejected: bool) -> None: ...
    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None: ...
    def on_batch_end(self, batch: DeliveryBatchSummary) -> None: ...
    def on_breaker_opened(self, account: str, cause: Cause, seconds: float, result: AttemptResult, *, is_again: bool) -> None: ...
    def on_breaker_closed(self, account: str, cause: Cause, seconds: float) -> None: ...
    def on_consent_unavailable(self, waiting: int, cause: str) -> None: ...
    def on_resolution(self, resolution: str) -> None: ...


class NullObserver:
    """An observer that does nothing."""

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        """Do nothing."""

    def on_batch_call(self, deliveries: int, *, is_rejected: bool) -> None:
        """Do nothing."""

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        """Do nothing."""

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        """Do nothing."""

    def on_breaker_opened(self, account: str, cause: Cause, seconds: float, result: AttemptResult, *, is_again: bool) -> None:
        """Do nothing."""

    def on_breaker_closed(self, account: str, cause: Cause, seconds: float) -> None:
        """Do nothing."""

    def on_consent_unavailable(self, waiting: int, cause: str) -> None:
        """Do nothing."""

    def on_resolution(self, resolution: str) -> None:
        """Do nothing."""


NULL_OBSERVER = NullObserver()
