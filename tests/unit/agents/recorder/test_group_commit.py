"""Tests of the group writer: many callers wait for one write."""

import asyncio
from collections.abc import Sequence

import pytest

from agents.recorder.group_commit import GroupWriter
from tests.fakes import run_pending_tasks


class GroupWriterHarness:
    """A group writer whose writes and sleeps are ended by the test."""

    def __init__(self, max_items: int = 4) -> None:
        self.written: list[list[int]] = []
        self.sleeps: list[float] = []
        self.may_end_sleep, self.may_write = asyncio.Event(), asyncio.Event()
        self.may_write.set()
        self.failure: Exception | None = None
        self.group_writer: GroupWriter[int] = GroupWriter(self.write, self.sleep, 0.05, max_items)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await self.may_end_sleep.wait()

    async def write(self, items: Sequence[int]) -> None:
        self.written.append(list(items))
        await self.may_write.wait()
        if self.failure:
            raise self.failure

    async def add(self, *items: int) -> "asyncio.Task[None]":
        """Add items; return when the caller waits for the write."""
        task = asyncio.ensure_future(self.group_writer.add(items))
        await run_pending_tasks()
        return task


async def test_all_items_added_during_the_linger_share_one_write() -> None:
    harness = GroupWriterHarness()
    tasks = [await harness.add(1), await harness.add(2, 3)]
    assert (harness.written, harness.sleeps) == ([], [0.05])
    harness.may_end_sleep.set()
    await asyncio.gather(*tasks)
    assert harness.written == [[1, 2, 3]]


async def test_a_full_group_does_not_linger() -> None:
    harness = GroupWriterHarness(max_items=3)
    await asyncio.gather(await harness.add(1), await harness.add(2, 3))
    assert harness.written == [[1, 2, 3]]


async def test_items_added_after_a_group_is_full_are_in_the_next_one() -> None:
    harness = GroupWriterHarness(max_items=2)
    harness.may_write.clear()
    first, second, third = await harness.add(1, 2), await harness.add(3, 4), await harness.add(5)
    assert harness.written == [[1, 2]], "one at a time"
    harness.may_write.set()
    await asyncio.gather(first, second)
    assert harness.written == [[1, 2], [3, 4]]
    assert not third.done()
    harness.may_end_sleep.set()
    await third
    assert harness.written[-1] == [5]


async def test_add_returns_after_the_write() -> None:
    harness = GroupWriterHarness(max_items=1)
    harness.may_write.clear()
    task = await harness.add(1)
    assert not task.done()
    harness.may_write.set()
    await task


async def test_an_error_of_a_write_is_raised_only_in_the_callers_of_its_group() -> None:
    harness = GroupWriterHarness(max_items=1)
    harness.failure = ValueError("broken")
    first = await harness.add(1)
    with pytest.raises(ValueError, match="broken"):
        await first
    harness.failure = None
    await (await harness.add(2))


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    harness = GroupWriterHarness()
    cancelled, waiting = await harness.add(1), await harness.add(2)
    cancelled.cancel()
    harness.may_end_sleep.set()
    await waiting
    assert harness.written == [[1, 2]]


async def test_stop_cancels_the_waiting_callers() -> None:
    harness = GroupWriterHarness(max_items=1)
    harness.may_write.clear()
    tasks = [await harness.add(1), await harness.add(2)]
    await harness.group_writer.stop()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [asyncio.CancelledError, asyncio.CancelledError]
    await harness.group_writer.stop()


async def test_adding_no_items_returns_at_once() -> None:
    harness = GroupWriterHarness()
    await harness.group_writer.add([])
    assert harness.written == []
