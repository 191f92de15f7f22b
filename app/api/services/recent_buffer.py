"""Writes recently accepted notifications in the background, those of a few milliseconds in one call."""

import asyncio
from collections.abc import Sequence
from typing import Final

from app.api.ports import RecentNotifications
from schemas.enums import Priority
from schemas.idempotent_responses import RecentNotification
from tables.flush_timer import FlushTimer

WRITE_INTERVAL: Final = 0.05  # seconds; a command costs as much as many more notifications in one
MAX_BUFFERED = 50_000  # notifications; further ones are not stored, as without Redis


class RecentNotificationsBuffer:
    """Implements the port RecentNotifications in front of a store: what is not stored yet is found here."""

    def __init__(self, store: RecentNotifications) -> None:
        self._store = store
        self._buffered: dict[str, Priority] = {}
        self._in_flight: dict[str, Priority] = {}
        self._task: asyncio.Task[None] | None = None
        self._timer = FlushTimer(self._start_write)

    async def add_many(self, accepted: Sequence[RecentNotification]) -> None:
        """Store these in the background; returns without waiting for it."""
        if len(self._buffered) < MAX_BUFFERED:
            for notification in accepted:
                self._buffered[notification.id] = notification.priority
            if self._task is None:
                self._timer.request(WRITE_INTERVAL)

    async def get_priority(self, notification_id: str) -> Priority | None:
        """The priority of a recently accepted notification; None if it is unknown."""
        buffered = self._buffered.get(notification_id) or self._in_flight.get(notification_id)
        return buffered or await self._store.get_priority(notification_id)

    async def stop(self) -> None:
        """Store what is still buffered."""
        self._timer.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._timer.cancel()
        await self._write()

    def _start_write(self) -> None:
        self._task = asyncio.create_task(self._write_and_continue())

    async def _write_and_continue(self) -> None:
        try:
            await self._write()
        finally:
            self._task = None
            if self._buffered:
                self._timer.request(WRITE_INTERVAL)

    async def _write(self) -> None:
        self._in_flight, self._buffered = self._buffered, {}
        try:
            await self._store.add_many([RecentNotification(*item) for item in self._in_flight.items()])
        finally:
            self._in_flight = {}
