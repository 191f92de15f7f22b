"""Group commit: many actors hand in items and wait together until one write has taken them all."""

import asyncio
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
    """Writes one group at a time: `linger` seconds after its first item, at once if it has `most` items by then, and never while another
    is being written. What the write raises, everyone who waits for the group gets."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], pause: Pause, linger: float, most: int) -> None:
        self._write, self._pause, self._linger, self._most = write, pause, linger, most
        self._open: _Open[T] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def add(self, items: Sequence[T]) -> None:
        """Return when all items are written. Whoever is cancelled while waiting leaves the items in the group."""
        if not items:
            return
        if self._open is None:
            self._open = _Open()
        group = self._open
        group.items += items
        if len(group.items) >= self._most:
            group.full.set()
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_groups())
        await asyncio.shield(group.written)

    async def _write_groups(self) -> None:
        try:
            while (group := self._open) is not None:
                await _first_of(group.full.wait(), self._pause(self._linger))
                self._open = None
                await self._settle(group)
        finally:
            self._writer = None
            if self._open is not None:
                self._open.written.cancel()
                self._open = None

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
