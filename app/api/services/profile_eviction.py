"""Deletes changed users' cached profiles. While Redis does not answer, it goes on in the background."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from app.telemetry import log_event
from schemas.errors import UnavailableError
from schemas.ports import Sleep

RETRY_INTERVAL: Final = 1.0  # seconds
MAX_PENDING: Final = 100_000  # users; the profiles of further ones are used until they expire

Forget = Callable[[Collection[str]], Awaitable[None]]  # raises UnavailableError


class ProfileEviction:
    """Each write of a user is followed by `evict`, so that the next look-up reads what was written."""

    def __init__(self, forget: Forget, sleep: Sleep = asyncio.sleep) -> None:
        self._forget, self._sleep = forget, sleep
        self._pending: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def evict(self, user_ids: Collection[str]) -> None:
        """Delete the profiles of these users, now or as soon as Redis answers; the write is committed and does not fail with it."""
        if not user_ids:
            return
        try:
            await self._forget(user_ids)
        except UnavailableError as error:
            log_event("gateway.eviction_delayed", logging.WARNING, users=len(user_ids), cause=str(error))
            if len(self._pending) < MAX_PENDING:
                self._pending.update(user_ids)
            if self._task is None:
                self._task = asyncio.create_task(self._retry())

    async def stop(self) -> None:
        """End the retries."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _retry(self) -> None:
        while self._pending:
            await self._sleep(RETRY_INTERVAL)
            pending = set(self._pending)
            try:
                await self._forget(pending)
            except UnavailableError:
                continue
            self._pending -= pending
        self._task = None
