"""Group commit: many actors hand in items and wait together until one write has taken them all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from schemas.ports import Sleep

T = TypeVar("T")


class _WriteGroup(Generic[T]):
    """A group that still takes items."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.is_full = asyncio.Event()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class GroupWriter(Generic[T]):
    """Writes one group after the other: `linger` seconds after its first item, or as soon as it has `most` items; later items make the
    next group. What a write raises, everyone who waits for that group gets."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], sleep: Sleep, linger: float, max_items: int) -> None:
        self._write, self._sleep, self._linger, self._max_items = write, sleep, linger, max_items
        self._groups: deque[_WriteGroup[T]] = deque()
        self._write_task: asyncio.Task[None] | None = None

    async def add(self, items: Sequence[T]) -> None:
        """Return when all items are written. Whoever is cancelled while waiting leaves the items in the group."""
        if not items:
            return
        if not self._groups or self._groups[-1].is_full.is_set():
            self._groups.append(_WriteGroup())
        group = self._groups[-1]
        group.items += items
        if len(group.items) >= self._max_items:
            group.is_full.set()
        if self._write_task is None:
            self._write_task = asyncio.get_running_loop().create_task(self._run())
        await asyncio.shield(group.written)

    async def _run(self) -> None:
        try:
            while self._groups:
                if not self._groups[0].is_full.is_set():
                    await _wait_for_first(self._groups[0].is_full.wait(), self._sleep(self._linger))
                await self._write_group(self._groups.popleft())
        finally:
            self._write_task = None
            while self._groups:
                self._groups.popleft().written.cancel()

    async def stop(self) -> None:
        """Give up what is not written yet: who waits for it is cancelled, and will read it again."""
        if self._write_task is not None:
            self._write_task.cancel()
            await asyncio.wait([self._write_task])

    async def _write_group(self, group: _WriteGroup[T]) -> None:
        try:
            await self._write(group.items)
        except asyncio.CancelledError:
            group.written.cancel()
            raise
        except Exception as why:
            group.written.set_exception(why)
            group.written.exception()  # seen: whoever waited may have been cancelled
        else:
            group.written.set_result(None)


async def _wait_for_first(*awaitables: Coroutine[Any, Any, object] | Awaitable[object]) -> None:
    """Return when one of them has; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
