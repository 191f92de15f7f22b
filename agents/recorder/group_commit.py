"""Group commit: items are written in groups, so that many of them share one write."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Generic, TypeVar

from schemas.ports import Sleep

T = TypeVar("T")


class GroupWriter(Generic[T]):
    """Writes one group at a time, in the order of `add`: `linger` seconds after its first item, or as soon as its size is `max_size`.

    Items added during a write form the next groups.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        sleep: Sleep,
        linger: float,
        max_size: int,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`on_failure`: called with an exception of `write`; after it nothing more is written."""
        self._write, self._sleep, self._linger, self._max_size = write, sleep, linger, max_size
        self._on_failure, self._is_closed = on_failure, False
        self._waiting: deque[tuple[T, int]] = deque()
        self._waiting_size = 0
        self._is_full = asyncio.Event()
        self._current_group: list[T] = []
        self._write_task: asyncio.Task[None] | None = None

    @property
    def unwritten(self) -> list[T]:
        """The items that are being written, then those that wait."""
        return [*self._current_group, *(item for item, _ in self._waiting)]

    def add(self, item: T, size: int) -> None:
        """Add an item. It is written by a later group."""
        self._waiting.append((item, size))
        self._waiting_size += size
        self._update_is_full()
        if self._write_task is None and not self._is_closed:
            self._write_task = asyncio.get_running_loop().create_task(self._run())

    def discard_waiting(self, should_discard: Callable[[T], bool]) -> None:
        """Discard items that wait; those that are being written stay."""
        self._waiting = deque((item, size) for item, size in self._waiting if not should_discard(item))
        self._waiting_size = sum(size for _, size in self._waiting)
        self._update_is_full()

    async def stop(self) -> None:
        """Discard what is not written, and write nothing more; a write is cancelled."""
        self._is_closed = True
        self.discard_waiting(lambda item: True)
        if self._write_task is not None:
            self._write_task.cancel()
            await asyncio.wait([self._write_task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                if not self._is_full.is_set():
                    await _wait_for_first(self._is_full.wait(), self._sleep(self._linger))
                self._take_group()
                await self._write(self._current_group)
                self._current_group = []
        except Exception as error:
            self._is_closed = True
            self._on_failure(error)
        finally:
            self._write_task = None

    def _take_group(self) -> None:
        group_size = 0
        while self._waiting and group_size < self._max_size:
            item, size = self._waiting.popleft()
            self._current_group.append(item)
            group_size += size
        self._waiting_size -= group_size
        self._update_is_full()

    def _update_is_full(self) -> None:
        if self._waiting_size >= self._max_size:
            self._is_full.set()
        else:
            self._is_full.clear()


async def _wait_for_first(*awaitables: Coroutine[Any, Any, object] | Awaitable[object]) -> None:
    """Wait until one of them is done; cancel the others."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
