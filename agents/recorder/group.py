"""Group commit: many actors hand in items and wait together until one write has taken them all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from schemas.ports import Pause

T = TypeVar("T")


class _Open(Generic[T]):
    """A group that still takes items."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.full = asyncio.Event()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class GroupCommit(Generic[T]):
    """Writes one group after the other: `linger` seconds after its first item, or as soon as it has `most` items; later items make the
    next group. What a write raises, everyone who waits for that group gets."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], pause: Pause, linger: float, most: int) -> None:
        self._write, self._pause, self._linger, self._most = write, pause, linger, most
        self._groups: deque[_Open[T]] = deque()
        self._writer: asyncio.Task[None] | None = None

    async def add(self, items: Sequence[T]) -> None:
        """Return when all items are written. Whoever is cancelled while waiting leaves the items in the group."""
        if not items:
            return
        if not self._groups or self._groups[-1].full.is_set():
            self._groups.append(_Open())
        group = self._groups[-1]
        group.items += items
        if len(group.items) >= self._most:
            group.full.set()
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_groups())
        await asyncio.shield(group.written)

    async def _write_groups(self) -> None:
        try:
            while self._groups:
                if not self._groups[0].full.is_set():
                    await _first_of(self._groups[0].full.wait(), self._pause(self._linger))
                await self._settle(self._groups.popleft())
        finally:
            self._writer = None
            while self._groups:
                self._groups.popleft().written.cancel()

    async def stop(self) -> None:
        """Give up what is not written yet: who waits for it is cancelled, and will read it again."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])

    async def _settle(self, group: _Open[T]) -> None:
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


async def _first_of(*waits: Coroutine[Any, Any, object] | Awaitable[object]) -> None:
    """Return when one of them has; the others are cancelled."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
