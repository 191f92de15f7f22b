"""Rows wait for a request of their own partition, then for one of any; groups that are open together are closed together."""

import asyncio

from app.streaming.commit.linger import JOIN_AGE, LingerTimer, RowLinger
from tests.fakes import run_pending_tasks


async def test_rows_wait_no_longer_than_they_may() -> None:
    ended = asyncio.Event()
    await RowLinger(0.001).wait(ended)
    assert ended.is_set()


async def test_rows_join_the_request_of_another_partition_once_they_have_waited_for_their_own() -> None:
    linger, older, newer = RowLinger(3600.0), asyncio.Event(), asyncio.Event()
    tasks = [asyncio.create_task(linger.wait(older))]
    await asyncio.sleep(2 * JOIN_AGE)
    tasks.append(asyncio.create_task(linger.wait(newer)))
    await run_pending_tasks()
    linger.join_request()
    assert (older.is_set(), newer.is_set()) == (True, False)
    newer.set()
    await asyncio.gather(*tasks)


async def test_rows_that_must_wait_no_longer_take_others_with_them() -> None:
    linger, first, second = RowLinger(3 * JOIN_AGE), asyncio.Event(), asyncio.Event()
    waiting = asyncio.create_task(linger.wait(first))
    await asyncio.sleep(JOIN_AGE)
    later = asyncio.create_task(linger.wait(second))
    await waiting
    assert second.is_set()
    await later


async def test_one_timer_ends_all_that_were_added_before() -> None:
    timer, ended = LingerTimer(0.001), list[int]()
    timer.add(lambda: ended.append(1))
    timer.add(lambda: ended.append(2))
    await asyncio.sleep(0.01)
    assert ended == [1, 2]
