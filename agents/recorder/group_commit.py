"""Group commit: many actors add items, and one write takes the items of all."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from schemas.ports import Sleep

T = TypeVar("T")


class _WriteGroup(Generic[T]):
    """The items of one write."""

    def __init__(self) -> None:
        self.items: list[T] = []
        self.is_full = asyncio.Event()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class GroupWriter(Generic[T]):
    """Writes one group at a time: `linger` seconds after its first item, or as soon as it has `max_items` items.

    Later items form the next group. An exception of a write is raised in all callers that wait for that group.
    """

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], sleep: Sleep, linger: float, max_items: int) -> None:
        self._write, self._sleep, self._linger, self._max_items = write, sleep, linger, max_items
        self._groups: deque[_WriteGroup[T]] = deque()
        self._write_task: asyncio.Task[None] | None = None

    async def add(self, items: Sequence[T]) -> None:
        """Add items and wait until they are written. If the caller is cancelled meanwhile, its items stay in the group."""
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
        """Discard what is not written; the callers that wait for it are cancelled."""
        if self._write_task is not None:
            self._write_task.cancel()
            await asyncio.wait([self._write_task])

    async def _write_group(self, group: _WriteGroup[T]) -> None:
        try:
            await self._write(group.items)
        except asyncio.CancelledError:
            group.written.cancel()
            raise
        except Exception as error:
            group.written.set_exception(error)
            group.written.exception()  # marks it as retrieved, because all callers may have been cancelled
        else:
            group.written.set_result(None)


async def _wait_for_first(*awaitables: Coroutine[Any, Any, object] | Awaitable[object]) -> None:
    """Wait until one of them is done; cancel the others."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
