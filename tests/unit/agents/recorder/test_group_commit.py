"""Tests of the group writer: many items share one write."""

import asyncio
from collections.abc import Sequence

from agents.recorder.group_commit import GroupWriter
from tests.fakes import run_pending_tasks


class GroupWriterHarness:
    """A group writer whose writes and sleeps are ended by the test."""

    def __init__(self, max_size: int = 4) -> None:
        self.written: list[list[str]] = []
        self.sleeps: list[float] = []
        self.may_end_sleep, self.may_write = asyncio.Event(), asyncio.Event()
        self.may_write.set()
        self.failure: Exception | None = None
        self.reported: list[BaseException] = []
        self.group_writer: GroupWriter[str] = GroupWriter(self.write, self.sleep, 0.05, max_size, self.reported.append)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        await self.may_end_sleep.wait()

    async def write(self, items: Sequence[str]) -> None:
        self.written.append(list(items))
        await self.may_write.wait()
        if self.failure:
            raise self.failure

    async def add(self, *items: str) -> None:
        """Add items whose size is their length; return when the writer waits for something."""
        for item in items:
            self.group_writer.add(item, len(item))
        await run_pending_tasks()


async def test_all_items_added_during_the_linger_share_one_write() -> None:
    harness = GroupWriterHarness()
    await harness.add("a")
    await harness.add("bb")
    assert (harness.written, harness.sleeps) == ([], [0.05])
    harness.may_end_sleep.set()
    await run_pending_tasks()
    assert harness.written == [["a", "bb"]]
    assert harness.group_writer.unwritten == []


async def test_a_full_group_does_not_linger() -> None:
    harness = GroupWriterHarness(max_size=3)
    await harness.add("a", "bb")
    assert harness.written == [["a", "bb"]]


async def test_a_group_that_becomes_full_ends_its_linger() -> None:
    harness = GroupWriterHarness(max_size=3)
    await harness.add("a")
    await harness.add("bb")
    assert harness.written == [["a", "bb"]]


async def test_items_added_during_a_write_are_in_the_next_groups_in_their_order() -> None:
    harness = GroupWriterHarness(max_size=2)
    harness.may_write.clear()
    await harness.add("aa")
    await harness.add("b", "c", "d")
    assert harness.written == [["aa"]], "one at a time"
    assert harness.group_writer.unwritten == ["aa", "b", "c", "d"]
    harness.may_write.set()
    await run_pending_tasks()
    assert harness.written == [["aa"], ["b", "c"]]
    harness.may_end_sleep.set()
    await run_pending_tasks()
    assert harness.written[-1] == ["d"]


async def test_an_error_of_a_write_is_reported_and_nothing_more_is_written() -> None:
    harness = GroupWriterHarness(max_size=1)
    harness.failure = ValueError("broken")
    await harness.add("a", "b")
    await harness.add("c")
    assert harness.reported == [harness.failure]
    assert harness.written == [["a"]]
    assert harness.group_writer.unwritten == ["a", "b", "c"]


async def test_discarded_items_are_not_written() -> None:
    harness = GroupWriterHarness(max_size=3)
    await harness.add("a", "b")
    harness.group_writer.discard_waiting(lambda item: item == "a")
    await harness.add("c")
    assert harness.written == [], "the size of the discarded item does not count"
    await harness.add("d")
    assert harness.written == [["b", "c", "d"]]


async def test_stop_cancels_the_write_and_discards_what_waits() -> None:
    harness = GroupWriterHarness(max_size=1)
    harness.may_write.clear()
    await harness.add("a", "b")
    await harness.group_writer.stop()
    harness.may_write.set()
    await harness.add("c")
    await harness.group_writer.stop()
    assert harness.written == [["a"]]
    assert harness.reported == []
