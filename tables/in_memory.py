"""In-memory simulators of the stores: the same suites pass on them (tests/contracts)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas.errors import UnavailableError, UnstorableRowError
from schemas.events import DecidedEvent, StatusEvent, compute_precedence
from schemas.history import STATE_RANK, DecidedRow, HistoryBatch, NotificationHistory, RecordedDeadLetter
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id
from schemas.policy import Profile


class MemoryProfileReader:
    """Users by id; `gone` stands for a store that does not answer."""

    def __init__(self, profiles: Mapping[str, Profile] | None = None) -> None:
        self.profiles, self.unavailable = dict(profiles or {}), False

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises Unavailable while it is gone."""
        if self.unavailable:
            raise UnavailableError("gone")
        return {user_id: self.profiles.get(user_id) or Profile(user_id, known=False) for user_id in user_ids}


class MemoryHistory:
    """What the recorder wrote, and the stories read of it; `gone` stands for a store that does not answer."""

    def __init__(self) -> None:
        self.notifications: dict[str, DecidedRow] = {}
        self.deliveries: dict[str, StatusEvent] = {}
        self.attempts: dict[str, StatusEvent] = {}
        self.dead_letters: dict[tuple[Any, ...], RecordedDeadLetter] = {}
        self.unavailable = False

    async def write(self, batch: HistoryBatch) -> None:
        """All or nothing. Raises Unstorable for an id that is none, Unavailable while it is gone."""
        if self.unavailable:
            raise UnavailableError("gone")
        _check_ids(batch)
        for row in batch.notifications:
            old = self.notifications.get(row.id)
            if old is None or STATE_RANK[old.state] < STATE_RANK[row.state]:
                self.notifications[row.id] = row
        for event in batch.deliveries:
            known = self.deliveries.get(event.delivery_id)
            if known is None or compute_precedence(known) < compute_precedence(event):
                self.deliveries[event.delivery_id] = event
        for attempt in batch.attempts:
            self.attempts.setdefault(attempt.id, attempt.event)
        for filed in batch.dead_letters:
            self.dead_letters.setdefault((filed.created_at, filed.topic, filed.partition, filed.offset), filed)

    async def get_notification_history(self, notification_id: str) -> NotificationHistory | None:
        """All that is recorded of a notification."""
        row = self.notifications.get(notification_id)
        current = [event for event in self.deliveries.values() if event.notification_id == notification_id]
        if row is None and not current:
            return None
        attempts = [event for event in self.attempts.values() if event.notification_id == notification_id]
        attempts.sort(key=lambda event: (event.occurred_at, event.redrive_count, event.attempt))
        return NotificationHistory(
            _build_decided_event(row) if row else None, sorted(current, key=lambda event: event.delivery_id), attempts
        )

    async def list_by_user(self, user_id: str, limit: int, before: str | None = None) -> list[NotificationHistory]:
        """The user's notifications with ids below `before`, newest first, without their attempts."""
        rows = [row for row in self.notifications.values() if row.user_id == user_id and (before is None or row.id < before)]
        found = [_build_decided_event(row) for row in sorted(rows, key=lambda row: row.id, reverse=True)[:limit]]
        return [
            NotificationHistory(each, [self.deliveries[one.id] for one in each.deliveries if one.id in self.deliveries], ())
            for each in found
        ]


def _check_ids(entries: HistoryBatch) -> None:
    ids = [(row.id, NOTIFICATION_PREFIX) for row in entries.notifications] + [
        (event.delivery_id, DELIVERY_PREFIX) for event in entries.deliveries
    ]
    for an_id, prefix in ids:
        if not is_id(an_id, prefix):
            raise UnstorableRowError(f"{an_id!r} is no id")


def _build_decided_event(row: DecidedRow) -> DecidedEvent:
    return msgspec.json.decode(msgspec.json.encode(row), type=DecidedEvent)
