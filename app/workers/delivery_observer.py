"""The observer of the delivery workers: metrics and log lines, and which breakers are open. No address, content or token is in them."""

import logging
from collections import Counter

from agents.delivery.breaker import Cause
from agents.delivery.observer import DeliveryBatchSummary
from app.telemetry import DurationSeries, Metrics, log_event
from app.workers.breaker_states import NO_BREAKER_STATES, BreakerStates
from schemas import metrics as names
from schemas.channels import ChannelName
from schemas.enums import Outcome, Priority, Status
from schemas.events import StatusEvent
from schemas.outcome import AttemptResult

ACCOUNT_FAULT_ACTION = "correct the account at the provider or its settings; deliveries wait, one at a time is tried until one is accepted"
_HANDED_OVER_STATUSES = frozenset((Status.SENT, Status.DELIVERED))


class DeliveryObserver:
    """Called for every attempt, dead letter, batch and paused account of a channel."""

    def __init__(self, metrics: Metrics, channel: ChannelName, breaker_states: BreakerStates = NO_BREAKER_STATES) -> None:
        self._metrics, self._channel, self._breaker_states = metrics, channel, breaker_states
        self._attempts: Counter[tuple[Priority, Outcome | None, Status, str]] = Counter()  # those since the last scrape
        self._handover_latencies: dict[Priority, DurationSeries] = {}
        metrics.add_flush_callback(self._flush_counts)

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        """Count an attempt for the next scrape; observe the hand-over latency if the provider has accepted it."""
        status = event.status
        self._attempts[priority, event.outcome, status, event.reason] += 1
        if status in _HANDED_OVER_STATUSES:
            latencies = self._handover_latencies.get(priority) or self._add_handover_latencies(priority)
            latencies.observe(event.occurred_at - event.created_at)
        if event.possible_duplicate:
            self._metrics.increment(names.POSSIBLE_DUPLICATES, 1, self._channel)

    def on_batch_call(self, deliveries: int, *, is_rejected: bool) -> None:
        """Count a call for several deliveries."""
        self._metrics.increment(names.BATCH_CALLS, 1, self._channel, "rejected" if is_rejected else "answered")
        self._metrics.increment(names.BATCHED_DELIVERIES, deliveries, self._channel)

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        """Count a dead letter and log its ids."""
        self._metrics.increment(names.DEAD_LETTERS, 1, "delivery", reason)
        ids = {"notification_id": notification_id, "delivery_id": delivery_id}
        log_event("delivery.dead_lettered", logging.WARNING, channel=self._channel, priority=priority, reason=reason, **ids)

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        """Log one line."""
        log_event(
            "delivery.batch_completed",
            channel=self._channel,
            priority=batch.priority,
            partition=batch.partition,
            records=batch.record_count,
            outcomes=dict(batch.outcome_counts),
            duration_ms=round(batch.seconds * 1000, 2),
        )

    def _flush_counts(self) -> None:
        # not at the end of a batch: it may be long after its attempts, and never comes if the partition is revoked
        for (priority, outcome, status, reason), amount in self._attempts.items():
            if outcome is not None:
                self._metrics.increment(names.DELIVERY_ATTEMPTS, amount, self._channel, priority, outcome)
            if status is not Status.PENDING:
                self._metrics.increment(names.DELIVERIES_ENDED, amount, self._channel, priority, status, reason)
        self._attempts.clear()

    def _add_handover_latencies(self, priority: Priority) -> DurationSeries:
        series = self._handover_latencies[priority] = self._metrics.get_duration_series(names.HANDOVER_LATENCY, self._channel, priority)
        return series

    def on_breaker_opened(self, account: str, cause: Cause, seconds: float, result: AttemptResult, *, is_again: bool) -> None:
        """Count an opening and log its cause, once; what an operator must mend is an error."""
        self._breaker_states.set_open(account, cause, seconds)
        if is_again:
            return
        self._metrics.increment(names.ACCOUNT_PAUSES, 1, self._channel, cause)
        detail = {"channel": self._channel, "account": account, "code": result.provider_code, "cause": result.detail or cause}
        if cause is Cause.CREDENTIALS:
            log_event("delivery.account_paused", logging.ERROR, **detail, action=ACCOUNT_FAULT_ACTION)
        else:
            log_event("delivery.breaker_opened", logging.WARNING, **detail, kind=cause, seconds=round(seconds, 1))

    def on_breaker_closed(self, account: str, cause: Cause, seconds: float) -> None:
        """Log that an account works again; a warning, so that whoever sees the error sees its end."""
        name = "delivery.account_resumed" if cause is Cause.CREDENTIALS else "delivery.breaker_closed"
        log_event(name, logging.WARNING, channel=self._channel, account=account, seconds=round(seconds, 1))  # type: ignore[arg-type]
        self._breaker_states.set_closed(account)

    def on_consent_unavailable(self, waiting: int, cause: str) -> None:
        """Log that deliveries wait, once for each outage."""
        log_event("delivery.consent_unavailable", logging.WARNING, channel=self._channel, waiting=waiting, cause=cause)

    def on_keys_unavailable(self, waiting: int, cause: str) -> None:
        """Log that a batch of sealed deliveries waits, once for each batch."""
        log_event("delivery.keys_unavailable", logging.WARNING, channel=self._channel, waiting=waiting, cause=cause)

    def on_resolution(self, resolution: str) -> None:
        """Count what followed a call without an answer."""
        self._metrics.increment(names.UNANSWERED_CALLS, 1, self._channel, resolution)
