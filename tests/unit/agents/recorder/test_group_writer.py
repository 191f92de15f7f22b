"""Many wait for one write."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.recorder.group_writer import GroupWriter


class GroupWriterHarness:
    """A write that a test lets go on, and pauses that a test ends."""

    def __init__(self, max_items: int = 4) -> None:
        self.written: list[list[int]] = []
        self.sleeps: list[float] = []
        self.may_end_sleep, self.may_write = asyncio.Event(), asyncio.Event()
        self.may_write.set()
        self.failure: Exception | None = None
        self.group: GroupWriter[int] = GroupWriter(self.write, self.sleep, 0.05, max_items)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await self.may_end_sleep.wait()

    async def write(self, items: Sequence[int]) -> None:
        self.written.append(list(items))
        await self.may_write.wait()
        if self.failure:
            raise self.failure

    async def add(self, *items: int) -> "asyncio.Task[None]":
        """Hand in items; returns when they wait."""
        task = asyncio.ensure_future(self.group.add(items))
        await run_pending_tasks()
        return task


async def run_pending_tasks() -> None:
    """Let all tasks run until they wait for something."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_all_who_come_while_it_lingers_share_one_write() -> None:
    world = GroupWriterHarness()
    tasks = [await world.add(1), await world.add(2, 3)]
    assert (world.written, world.sleeps) == ([], [0.05])
    world.may_end_sleep.set()
    await asyncio.gather(*tasks)
    assert world.written == [[1, 2, 3]]


async def test_a_full_group_does_not_linger() -> None:
    world = GroupWriterHarness(max_items=3)
    await asyncio.gather(await world.add(1), await world.add(2, 3))
    assert world.written == [[1, 2, 3]]


async def test_who_comes_after_a_full_group_is_in_the_next() -> None:
    world = GroupWriterHarness(max_items=2)
    world.may_write.clear()
    first, second, third = await world.add(1, 2), await world.add(3, 4), await world.add(5)
    assert world.written == [[1, 2]], "one at a time"
    world.may_write.set()
    await asyncio.gather(first, second)
    assert world.written == [[1, 2], [3, 4]]
    assert not third.done()
    world.may_end_sleep.set()
    await third
    assert world.written[-1] == [5]


async def test_nobody_returns_before_the_write_has() -> None:
    world = GroupWriterHarness(max_items=1)
    world.may_write.clear()
    task = await world.add(1)
    assert not task.done()
    world.may_write.set()
    await task


async def test_a_failed_write_fails_those_who_wait_for_it_and_no_others() -> None:
    world = GroupWriterHarness(max_items=1)
    world.failure = ValueError("broken")
    first = await world.add(1)
    with pytest.raises(ValueError, match="broken"):
        await first
    world.failure = None
    await (await world.add(2))


async def test_one_who_is_cancelled_takes_nothing_from_the_others() -> None:
    world = GroupWriterHarness()
    gone, stays = await world.add(1), await world.add(2)
    gone.cancel()
    world.may_end_sleep.set()
    await stays
    assert world.written == [[1, 2]]


async def test_stop_cancels_those_who_wait() -> None:
    world = GroupWriterHarness(max_items=1)
    world.may_write.clear()
    tasks = [await world.add(1), await world.add(2)]
    await world.group.stop()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, asyncio.CancelledError]
    await world.group.stop()


async def test_nothing_to_write_is_written_at_once() -> None:
    world = GroupWriterHarness()
    await world.group.add([])
    assert world.written == []
