"""What roles tell of their work: counters and one wide log line per batch; never an address, a text or a token."""

import logging
from collections import Counter
from time import time

from agents.delivery.observer import EndedBatch
from agents.recorder.writing import Committed, Stray, Waiting
from agents.router.settle import RoutedBatch
from app.telemetry import Metrics, log_line
from schemas import metrics as names
from schemas.status import Status
from schemas.topics import lane_of
from schemas.words import Channel, Lane, State, StatusName

_PENDING, _HANDED_OVER = StatusName.PENDING, frozenset((StatusName.SENT, StatusName.DELIVERED))


class RouterObserver:
    """Hears of every batch that the router has settled."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, batch: RoutedBatch) -> None:
        """Count the batch and say it in a line; one that waits is a warning."""
        lane, count = lane_of(batch.topic), self._metrics.count
        for (state, reason), number in batch.states.items():
            count(names.NOTIFICATIONS, number, lane, state, reason)
            if state == State.DEAD:
                count(names.DEAD_LETTERS, number, "router", reason)
        for kind, number in (("forwarded", batch.forwarded), ("replayed", batch.replays), ("decided", sum(batch.states.values()))):
            if number:
                count(names.ROUTER_RECORDS, number, lane, kind)
        self._metrics.time(names.ROUTER_SECONDS, batch.seconds, lane)
        self._say(batch)

    def _say(self, batch: RoutedBatch) -> None:
        name, level = ("router.waits", logging.WARNING) if batch.waiting else ("router.batch", logging.INFO)
        cause = {"cause": batch.cause} if batch.cause else {}
        log_line(
            name,  # type: ignore[arg-type]
            level,
            topic=batch.topic,
            partition=batch.partition,
            records=batch.records,
            states={f"{state}:{reason}".rstrip(":"): number for (state, reason), number in batch.states.items()},
            deliveries=batch.deliveries,
            forwarded=batch.forwarded,
            replayed=batch.replays,
            waiting=batch.waiting,
            ms=round(batch.seconds * 1000, 2),
            **cause,
        )


class DeliveryObserver:
    """Hears of every attempt, dead letter and batch of a channel."""

    def __init__(self, metrics: Metrics, channel: Channel) -> None:
        self._metrics, self._channel = metrics, channel
        self._attempts: Counter[tuple[Lane, str]] = Counter()
        self._ended: Counter[tuple[Lane, str, str]] = Counter()

    def attempted(self, lane: Lane, event: Status) -> None:
        """Note an attempt; it is counted with its batch, and timed only when it was handed over."""
        status = event.status
        if event.outcome is not None:
            self._attempts[lane, event.outcome] += 1
        if status is not _PENDING:
            self._ended[lane, status, event.reason] += 1
        if status in _HANDED_OVER:
            self._metrics.time(names.HANDOVER_SECONDS, time() - event.created_at, self._channel, lane)
        if event.possible_duplicate:
            self._metrics.count(names.POSSIBLE_DUPLICATES, 1, self._channel)

    def dead(self, lane: Lane, reason: str, notification_id: str, delivery_id: str) -> None:
        """Count a dead letter, and name it in the log."""
        self._metrics.count(names.DEAD_LETTERS, 1, "delivery", reason)
        ids = {"notification_id": notification_id, "delivery_id": delivery_id}
        log_line("delivery.dead", logging.WARNING, channel=self._channel, lane=lane, reason=reason, **ids)

    def ended(self, batch: EndedBatch) -> None:
        """Count what was noted since the last batch, and say the batch in a line."""
        for (lane, outcome), number in self._attempts.items():
            self._metrics.count(names.ATTEMPTS, number, self._channel, lane, outcome)
        for (lane, status, reason), number in self._ended.items():
            self._metrics.count(names.DELIVERIES, number, self._channel, lane, status, reason)
        self._attempts.clear()
        self._ended.clear()
        log_line(
            "delivery.batch",
            channel=self._channel,
            lane=batch.lane,
            partition=batch.partition,
            records=batch.records,
            outcomes=dict(batch.counts),
            ms=round(batch.seconds * 1000, 2),
        )


class RecorderObserver:
    """Hears of every commit, wait and stray of the recorder."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def __call__(self, seen: Committed | Waiting | Stray) -> None:
        """Count it and say it in a line."""
        match seen:
            case Committed():
                self._committed(seen)
            case Waiting():
                log_line("recorder.waits", logging.WARNING, cause=seen.cause, seconds=seen.seconds)
            case Stray():
                letter = seen.filed.letter
                self._metrics.count(names.DEAD_LETTERS, 1, "recorder", letter.reason)
                place = {"topic": letter.topic, "partition": letter.partition, "offset": letter.offset}
                log_line("recorder.stray", logging.ERROR, reason=letter.reason, **place)

    def _committed(self, seen: Committed) -> None:
        counts = {"notifications": seen.notifications, "attempts": seen.attempts, "letters": seen.letters}
        for kind, number in counts.items():
            if number:
                self._metrics.count(names.RECORDED, number, kind)
        self._metrics.time(names.RECORD_SECONDS, seen.seconds)
        log_line("recorder.commit", **counts, ms=round(seen.seconds * 1000, 2))
