"""Waiting for an answer: as long as the batch can, but not shorter because the event loop was busy."""

import asyncio
import time

import pytest

from schemas.patience import TURNS, compute_patience, run_within, wait_for_task


async def answer(value: int, *steps: float) -> int:
    for seconds in steps:
        await asyncio.sleep(seconds)
    return value


async def keep_the_loop_busy(seconds: float) -> None:
    while True:
        time.sleep(seconds)  # noqa: ASYNC251
        await asyncio.sleep(0)


async def test_a_quick_answer_is_in_time() -> None:
    task = asyncio.create_task(answer(7))
    assert await wait_for_task(task, 30.0)
    assert task.result() == 7


async def test_a_late_answer_is_not_waited_for_and_goes_on() -> None:
    arrived = asyncio.Event()
    task = asyncio.create_task(arrived.wait())
    assert not await wait_for_task(task, 0.01)
    arrived.set()
    assert await task


async def test_a_busy_loop_does_not_make_an_answer_late() -> None:
    busy = asyncio.create_task(keep_the_loop_busy(0.05))
    task = asyncio.create_task(answer(7, *[0.0] * (TURNS - 2)))  # a turn of the loop for each step
    assert await wait_for_task(task, 0.05)  # the first turn has taken as long already
    busy.cancel()


async def test_work_within_its_time_has_its_result() -> None:
    assert await run_within(answer(7), 30.0) == 7
    assert await run_within(answer(8), None) == 8


async def test_an_error_of_the_work_is_raised() -> None:
    async def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await run_within(fail(), 30.0)


class Hanging:
    """Work without an end, and what becomes of it."""

    def __init__(self, *, ends_with_an_error: bool = False) -> None:
        self.ended, self._ends_with_an_error = asyncio.Event(), ends_with_an_error

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
            if self._ends_with_an_error:
                raise ValueError("the connection is lost")


@pytest.mark.parametrize("ends_with_an_error", [False, True])
async def test_work_that_takes_longer_is_cancelled_and_nobody_waits_for_its_end(*, ends_with_an_error: bool) -> None:
    work = Hanging(ends_with_an_error=ends_with_an_error)
    with pytest.raises(TimeoutError):
        await run_within(work.run(), 0.01)
    await work.ended.wait()


async def test_whoever_is_cancelled_cancels_the_work() -> None:
    work = Hanging()
    waiting = asyncio.create_task(run_within(work.run(), 30.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await work.ended.wait()


def test_many_profiles_take_longer_than_one() -> None:
    assert compute_patience(0.3, 0) == 0.3
    assert compute_patience(0.3, 500) == pytest.approx(1.3)
