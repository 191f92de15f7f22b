"""What roles tell of their work: counters and one wide log line per batch; never an address, a text or a token."""

import logging
from collections import Counter
from time import time

from agents.delivery.observer import DeliveryBatchSummary
from agents.recorder.retrying_writer import HistoryCommit, Unrecordable, WriteRetry
from agents.router.evaluate import BatchSummary
from app.telemetry import Metrics, log_event
from schemas import metrics as names
from schemas.enums import Channel, Priority, State, Status
from schemas.events import StatusEvent
from schemas.topics import parse_priority

_PENDING, _HANDED_OVER_STATUSES = Status.PENDING, frozenset((Status.SENT, Status.DELIVERED))


class RouterObserver:
    """Hears of every batch that the router has settled."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, batch: BatchSummary) -> None:
        """Count the batch and say it in a line; one that waits is a warning."""
        priority, count = parse_priority(batch.topic), self._metrics.increment
        for (state, reason), number in batch.states.items():
            count(names.NOTIFICATIONS_DECIDED, number, priority, state, reason)
            if state == State.DEAD:
                count(names.DEAD_LETTERS, number, "router", reason)
        for result, number in (
            ("repartitioned", batch.repartitioned),
            ("replayed", batch.replays),
            ("decided", sum(batch.states.values())),
        ):
            if number:
                count(names.ROUTER_RECORDS, number, priority, result)
        self._metrics.observe_duration(names.ROUTER_BATCH_DURATION, batch.seconds, priority)
        self._log_batch(batch)

    def _log_batch(self, batch: BatchSummary) -> None:
        name, level = ("router.batch_delayed", logging.WARNING) if batch.waiting else ("router.batch_completed", logging.INFO)
        cause = {"cause": batch.cause} if batch.cause else {}
        log_event(
            name,  # type: ignore[arg-type]
            level,
            topic=batch.topic,
            partition=batch.partition,
            records=batch.records,
            states={f"{state}:{reason}".rstrip(":"): number for (state, reason), number in batch.states.items()},
            deliveries=batch.deliveries,
            repartitioned=batch.repartitioned,
            replayed=batch.replays,
            waiting=batch.waiting,
            duration_ms=round(batch.seconds * 1000, 2),
            **cause,
        )


class DeliveryObserver:
    """Hears of every attempt, dead letter and batch of a channel."""

    def __init__(self, metrics: Metrics, channel: Channel) -> None:
        self._metrics, self._channel = metrics, channel
        self._attempts: Counter[tuple[Priority, str]] = Counter()
        self._ended_deliveries: Counter[tuple[Priority, str, str]] = Counter()

    def on_attempt(self, priority: Priority, event: StatusEvent) -> None:
        """Note an attempt; it is counted with its batch, and timed only when it was handed over."""
        status = event.status
        if event.outcome is not None:
            self._attempts[priority, event.outcome] += 1
        if status is not _PENDING:
            self._ended_deliveries[priority, status, event.reason] += 1
        if status in _HANDED_OVER_STATUSES:
            self._metrics.observe_duration(names.HANDOVER_LATENCY, time() - event.created_at, self._channel, priority)
        if event.possible_duplicate:
            self._metrics.increment(names.POSSIBLE_DUPLICATES, 1, self._channel)

    def on_dead_letter(self, priority: Priority, reason: str, notification_id: str, delivery_id: str) -> None:
        """Count a dead letter, and name it in the log."""
        self._metrics.increment(names.DEAD_LETTERS, 1, "delivery", reason)
        ids = {"notification_id": notification_id, "delivery_id": delivery_id}
        log_event("delivery.dead_lettered", logging.WARNING, channel=self._channel, priority=priority, reason=reason, **ids)

    def on_batch_end(self, batch: DeliveryBatchSummary) -> None:
        """Count what was noted since the last batch, and say the batch in a line."""
        for (priority, outcome), number in self._attempts.items():
            self._metrics.increment(names.DELIVERY_ATTEMPTS, number, self._channel, priority, outcome)
        for (priority, status, reason), number in self._ended_deliveries.items():
            self._metrics.increment(names.DELIVERIES_ENDED, number, self._channel, priority, status, reason)
        self._attempts.clear()
        self._ended_deliveries.clear()
        log_event(
            "delivery.batch_completed",
            channel=self._channel,
            priority=batch.priority,
            partition=batch.partition,
            records=batch.record_count,
            outcomes=dict(batch.outcome_counts),
            duration_ms=round(batch.seconds * 1000, 2),
        )


class RecorderObserver:
    """Hears of every commit, wait and stray of the recorder."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, event: HistoryCommit | WriteRetry | Unrecordable) -> None:
        """Count it and say it in a line."""
        match event:
            case HistoryCommit():
                self._report_commit(event)
            case WriteRetry():
                log_event("recorder.database_unavailable", logging.WARNING, cause=event.cause, seconds=event.delay)
            case Unrecordable():
                letter = event.dead_letter.dead_letter
                self._metrics.increment(names.DEAD_LETTERS, 1, "recorder", letter.reason)
                place = {"topic": letter.source_topic, "partition": letter.source_partition, "offset": letter.source_offset}
                log_event("recorder.dead_lettered", logging.ERROR, reason=letter.reason, **place)

    def _report_commit(self, seen: HistoryCommit) -> None:
        counts = {"notifications": seen.notifications, "delivery_logs": seen.attempts, "dead_letters": seen.dead_letters}
        for table, number in counts.items():
            if number:
                self._metrics.increment(names.RECORDER_ROWS, number, table)
        self._metrics.observe_duration(names.RECORDER_COMMIT_DURATION, seen.seconds)
        log_event("recorder.batch_committed", **counts, duration_ms=round(seen.seconds * 1000, 2))
