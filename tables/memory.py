"""In-memory twins of the stores: the same suites pass on them (tests/contracts)."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from schemas.errors import Unavailable, Unstorable
from schemas.history import STATE_RANK, AcceptedRow, Entries, FiledLetter, Story
from schemas.ids import DELIVERY, NOTIFICATION, is_id
from schemas.rules import Profile
from schemas.status import Accepted, Status, precedence


class MemoryProfiles:
    """Users by id; `gone` stands for a store that does not answer."""

    def __init__(self, profiles: Mapping[str, Profile] | None = None) -> None:
        self.profiles, self.gone = dict(profiles or {}), False

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises Unavailable while it is gone."""
        if self.gone:
            raise Unavailable("gone")
        return {user_id: self.profiles.get(user_id) or Profile(user_id, known=False) for user_id in user_ids}


class MemoryHistory:
    """What the recorder wrote, and the stories read of it; `gone` stands for a store that does not answer."""

    def __init__(self) -> None:
        self.notifications: dict[str, AcceptedRow] = {}
        self.deliveries: dict[str, Status] = {}
        self.attempts: dict[str, Status] = {}
        self.letters: dict[tuple[Any, ...], FiledLetter] = {}
        self.gone = False

    async def write(self, entries: Entries) -> None:
        """All or nothing. Raises Unstorable for an id that is none, Unavailable while it is gone."""
        if self.gone:
            raise Unavailable("gone")
        _check(entries)
        for row in entries.notifications:
            old = self.notifications.get(row.id)
            if old is None or STATE_RANK[old.state] < STATE_RANK[row.state]:
                self.notifications[row.id] = row
        for event in entries.deliveries:
            known = self.deliveries.get(event.delivery_id)
            if known is None or precedence(known) < precedence(event):
                self.deliveries[event.delivery_id] = event
        for attempt in entries.attempts:
            self.attempts.setdefault(attempt.id, attempt.event)
        for filed in entries.letters:
            self.letters.setdefault((filed.at, filed.topic, filed.partition, filed.offset), filed)

    async def story(self, notification_id: str) -> Story | None:
        """All that is recorded of a notification."""
        row = self.notifications.get(notification_id)
        current = [event for event in self.deliveries.values() if event.notification_id == notification_id]
        if row is None and not current:
            return None
        attempts = [event for event in self.attempts.values() if event.notification_id == notification_id]
        attempts.sort(key=lambda event: (event.at, event.generation, event.attempt))
        return Story(_accepted(row) if row else None, sorted(current, key=lambda event: event.delivery_id), attempts)

    async def of_user(self, user_id: str, limit: int, before: str | None = None) -> list[Story]:
        """The user's notifications with ids below `before`, newest first, without their attempts."""
        rows = [row for row in self.notifications.values() if row.user_id == user_id and (before is None or row.id < before)]
        found = [_accepted(row) for row in sorted(rows, key=lambda row: row.id, reverse=True)[:limit]]
        return [Story(each, [self.deliveries[one.id] for one in each.deliveries if one.id in self.deliveries], ()) for each in found]


def _check(entries: Entries) -> None:
    ids = [(row.id, NOTIFICATION) for row in entries.notifications] + [(event.delivery_id, DELIVERY) for event in entries.deliveries]
    for an_id, prefix in ids:
        if not is_id(an_id, prefix):
            raise Unstorable(f"{an_id!r} is no id")


def _accepted(row: AcceptedRow) -> Accepted:
    return msgspec.json.decode(msgspec.json.encode(row), type=Accepted)
