"""The store ports in memory; they pass the same suites as PostgreSQL and Redis (tests/contracts/stores)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import msgspec

from schemas.channels import ChannelName
from schemas.enums import Outcome, State, Status
from schemas.errors import UnavailableError, UnstorableRowError, check_single_user
from schemas.events import DecidedEvent, EngagementEvent, ReceiptEvent, StatusEvent, compute_precedence
from schemas.history import (
    DecidedRow,
    HistoryBatch,
    NotificationHistory,
    NotificationKey,
    ReceivedReport,
    RecordedDeadLetter,
    RecordedDeliveries,
    RecordedStatus,
    WrittenReports,
    compute_decision_precedence,
)
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id
from schemas.policy import Policy
from schemas.profile import Profile, is_address_key
from schemas.user_counts import DailyCount, get_utc_date


class MemoryPolicyReader:
    """Implements schemas.store_ports.PolicyReader; without a policy it was never loaded."""

    def __init__(self, policy: Policy | None) -> None:
        self.policy = policy

    def get_current(self) -> Policy:
        """The policy. Raises UnavailableError if it was never loaded."""
        if self.policy is None:
            raise UnavailableError("no policy loaded")
        return self.policy


class MemoryProfileReader:
    """Implements schemas.store_ports.ProfileReader; `unavailable` simulates a store that does not answer."""

    def __init__(self, profiles: Mapping[str, Profile] | None = None) -> None:
        self.profiles, self.unavailable = dict(profiles or {}), False

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises UnavailableError while `unavailable` is set."""
        if self.unavailable:
            raise UnavailableError("the memory store is unavailable")
        return {user_id: self.profiles.get(user_id) or Profile(user_id, known=False) for user_id in user_ids}

    async def get_changed(self, versions: Mapping[str, int]) -> Mapping[str, Profile]:
        """The profiles that have another version than this. Raises UnavailableError while `unavailable` is set."""
        profiles = await MemoryProfileReader.get_many(self, versions)
        found = {user_id: profile for user_id, profile in profiles.items() if not is_address_key(user_id) or profile.suppressions}
        return {user_id: profile for user_id, profile in found.items() if not profile.known or profile.version != versions[user_id]}


class MemoryHistory:
    """Implements schemas.store_ports.HistoryWriter and reads what was written; `unavailable` simulates a store that does not answer."""

    def __init__(self) -> None:
        self.notifications: dict[tuple[str, str], DecidedRow] = {}
        self.deliveries: dict[str, StatusEvent] = {}
        self.attempts: dict[str, StatusEvent] = {}
        self.dead_letters: dict[tuple[Any, ...], RecordedDeadLetter] = {}
        self.reports: dict[tuple[str, str, str], ReceivedReport] = {}
        self.waiting: list[ReceivedReport] = []
        self.read_marks: dict[NotificationKey, float] = {}
        self.unavailable = False

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        """Write all rows or none, without consent. Raises UnstorableRowError for an invalid id, UnavailableError while `unavailable`."""
        if self.unavailable:
            raise UnavailableError("the memory store is unavailable")
        _check_ids(batch)
        for row in sorted(batch.notifications, key=lambda row: (row.resume_count, row.redrive_count)):
            old_row = self.notifications.get((row.id, row.user_id))
            if old_row is None or compute_decision_precedence(old_row) < compute_decision_precedence(row):
                self.notifications[row.id, row.user_id] = (
                    _join_decisions(old_row, row) if old_row and row.resume_count + row.redrive_count else row
                )
        for event in batch.deliveries:
            old_event = self.deliveries.get(event.delivery_id)
            if old_event is None or compute_precedence(old_event) < compute_precedence(event):
                self.deliveries[event.delivery_id] = event
        for attempt in batch.attempts:
            self.attempts.setdefault(attempt.id, attempt.event)
        for recorded in batch.dead_letters:
            self.dead_letters.setdefault((recorded.created_at, recorded.topic, recorded.partition, recorded.offset), recorded)
        return self._write_reports(batch)

    def _write_reports(self, batch: HistoryBatch) -> WrittenReports:
        """Each report once; what has no delivery waits."""
        keys = {report: (report.event.delivery_id, report.event.provider, report.event.event_key) for report in batch.reports}
        new = [report for report in batch.reports if keys[report] not in self.reports]
        self.reports.update({keys[report]: report for report in new})
        candidates, self.waiting = [*self.waiting, *new], []
        applied = 0
        for report in candidates:
            if (current := self.deliveries.get(report.event.delivery_id)) is None:
                self.waiting.append(report)
                continue
            applied += 1
            event = _build_reported_status(report.event, current)
            self.attempts["|".join((report.event.delivery_id, report.event.provider, report.event.event_key))] = event
            if compute_precedence(current) < compute_precedence(event):
                self.deliveries[event.delivery_id] = msgspec.structs.replace(event, variant=current.variant)
        waiting = len([report for report in self.waiting if report in new])
        return WrittenReports(applied, len(batch.reports) - len(new), waiting)

    async def get_notification_history(self, notification_id: str, user_id: str | None = None) -> NotificationHistory | None:
        """The history of a notification; None if nothing is recorded. Raises AmbiguousIdError as PostgreSQL's reader does."""
        rows = [row for row in self.notifications.values() if row.id == notification_id and user_id in (None, row.user_id)]
        statuses = [
            event for event in self.deliveries.values() if event.notification_id == notification_id and user_id in (None, event.user_id)
        ]
        check_single_user(notification_id, {found.user_id for found in (*rows, *statuses)})
        if not rows and not statuses:
            return None
        delivery_ids = {event.delivery_id for event in statuses}
        attempts = [event for event in self.attempts.values() if event.delivery_id in delivery_ids]
        attempts.sort(key=lambda event: (event.occurred_at, event.redrive_count, event.attempt))
        statuses.sort(key=lambda event: event.delivery_id)
        return NotificationHistory(_build_decided_event(rows[0]) if rows else None, statuses, attempts)

    async def list_by_user(
        self, user_id: str, limit: int, before: str | None = None, notification_type: str | None = None
    ) -> list[NotificationHistory]:
        """The user's notifications, of a type or of all, with ids below `before`, newest first, without their attempts."""
        rows = [row for row in self.notifications.values() if row.user_id == user_id and (before is None or row.id < before)]
        rows = [row for row in rows if notification_type in (None, row.type)]
        newest = sorted(rows, key=lambda row: row.id, reverse=True)[:limit]
        return [
            NotificationHistory(event, [self.deliveries[ref.id] for ref in event.deliveries if ref.id in self.deliveries], ())
            for event in map(_build_decided_event, newest)
        ]

    async def get_many(self, notifications: Iterable[NotificationKey]) -> Mapping[NotificationKey, RecordedDeliveries]:
        """What is recorded of each notification (schemas.store_ports.DeliveryStatusReader). Raises UnavailableError."""
        if self.unavailable:
            raise UnavailableError("the memory store is unavailable")
        return {key: self._get_recorded(key) for key in notifications if key in self.notifications}

    async def get_statuses(self, delivery_ids: Sequence[str]) -> Mapping[str, RecordedStatus]:
        """The recorded statuses (schemas.store_ports.EvidenceReader). Raises UnavailableError."""
        if self.unavailable:
            raise UnavailableError("the memory store is unavailable")
        found = [self.deliveries[delivery_id] for delivery_id in delivery_ids if delivery_id in self.deliveries]
        return {
            event.delivery_id: RecordedStatus(event.status, event.redrive_count, event.attempt)
            for event in found
            if event.status is not Status.PENDING
        }

    async def list_user_counts(self, user_id: str, first: date, last: date) -> list[DailyCount]:
        """What the user was sent on these days and those between them, the latest day first: counted anew."""
        days = [
            (get_utc_date(event.occurred_at), event.channel)
            for event in self.attempts.values()
            if event.user_id == user_id and event.outcome is Outcome.ACCEPTED
        ]
        counts = [DailyCount(day, channel, count) for (day, channel), count in Counter(days).items() if first <= day <= last]
        return sorted(counts, key=lambda count: (-count.day.toordinal(), count.channel))

    def _get_recorded(self, key: NotificationKey) -> RecordedDeliveries:
        statuses: dict[ChannelName, list[Status]] = {}
        for event in self.deliveries.values():
            if (event.notification_id, event.user_id) == key:
                statuses.setdefault(event.channel, []).append(event.status)
        row, reads = self.notifications[key], self._list_reads(key)
        times = [*([self.read_marks[key]] if key in self.read_marks else []), *(event.occurred_at for event in reads)]
        read_by = tuple(sorted({event.channel for event in reads}))
        return RecordedDeliveries(row.resume_count, row.decided_at, row.reason, statuses, min(times, default=None), read_by)

    def _list_reads(self, key: NotificationKey) -> list[EngagementEvent]:
        of_one = {event.delivery_id for event in self.deliveries.values() if (event.notification_id, event.user_id) == key}
        events = [report.event for report in self.reports.values() if report.event.delivery_id in of_one]
        return [event for event in events if isinstance(event, EngagementEvent)]

    async def mark(self, notification_id: str, user_id: str, read_at: float) -> float | None:
        """Keep when it was read, as tables.postgres.read_marks does."""
        key = notification_id, user_id
        if key not in self.notifications or self.notifications[key].state != State.ROUTED:
            return None
        self.read_marks[key] = min(read_at, self.read_marks.get(key, read_at))
        return self.read_marks[key]


def _build_reported_status(event: ReceiptEvent | EngagementEvent, current: StatusEvent) -> StatusEvent:
    is_receipt = isinstance(event, ReceiptEvent)
    return StatusEvent(
        event.delivery_id,
        current.notification_id,
        current.user_id,
        current.channel,
        event.status if is_receipt else Status.DELIVERED,
        event.occurred_at,
        current.created_at,
        event.redrive_count,
        event.attempt,
        reason=event.reason if is_receipt else "",
        provider=event.provider,
        provider_message_id=event.provider_message_id,
        detail=(event.detail if is_receipt else "") or event.event,
    )


def _join_decisions(old: DecidedRow, new: DecidedRow) -> DecidedRow:
    return msgspec.structs.replace(
        new,
        deliveries=_join_arrays(old.deliveries, new.deliveries),
        decision_log=_join_arrays(old.decision_log, new.decision_log),
    )


def _join_arrays(head: msgspec.Raw, tail: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([*msgspec.json.decode(head), *msgspec.json.decode(tail)]))


def _check_ids(batch: HistoryBatch) -> None:
    ids = [(row.id, NOTIFICATION_PREFIX) for row in batch.notifications]
    ids += [(event.delivery_id, DELIVERY_PREFIX) for event in batch.deliveries]
    for text, prefix in ids:
        if not is_id(text, prefix):
            raise UnstorableRowError(f"{text!r} is not a valid id")


def _build_decided_event(row: DecidedRow) -> DecidedEvent:
    return msgspec.json.decode(msgspec.json.encode(row), type=DecidedEvent)
