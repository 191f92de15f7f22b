"""Leases on the pages of broadcasts, in PostgreSQL: one worker at a time, and what a late one may still do."""

import asyncio
from typing import Any

import pytest

from schemas.audiences import NamedUsers, UserPage
from schemas.broadcasts import BROADCAST_PREFIX, derive_notification_id
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.broadcasts import BroadcastStore
from tables.postgres.database import Database

UUIDS = [f"0199c82cc0007000800000000000000{number}" for number in range(3)]
INSERT = "insert into broadcasts (id, user_ids, notification, created_by, rate) values ($1, '{a,b,c}', '{\"type\": \"t\"}', 'test', $2)"
PAGE = UserPage(["a", "b"], "b", False)
LAST = UserPage(["c"], "c", True)


async def insert(database: Database, number: int = 0, rate: int | None = None) -> str:
    await database.fetch(INSERT, UUIDS[number], rate)
    return f"{BROADCAST_PREFIX}{UUIDS[number]}"


async def fetch(database: Database, columns: str) -> tuple[Any, ...]:
    (row,) = await database.fetch(f"select {columns} from broadcasts where id = '{UUIDS[0]}'")
    return tuple(row)


async def test_a_page_has_one_worker_until_it_is_stored(database_copy: Database) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 60)
    claims = await asyncio.gather(*(pages.claim(f"w-{number}") for number in range(5)))
    (claimed,) = [claim for claim in claims if claim]
    holder = f"w-{claims.index(claimed)}"
    assert (claimed.id, claimed.recipients, claimed.cursor, claimed.total_count) == (broadcast_id, NamedUsers(UUIDS[0]), "", None)
    assert await pages.get_wait() is None
    assert not await pages.store_page(broadcast_id, "other", PAGE, 0.0)
    assert not await pages.store_total(broadcast_id, "other", 3)
    assert not await pages.renew(broadcast_id, "other")
    assert await pages.store_total(broadcast_id, holder, 3)
    assert await pages.store_page(broadcast_id, holder, PAGE, 0.0)
    assert not await pages.store_page(broadcast_id, holder, PAGE, 0.0)
    second = await pages.claim("other")
    assert second
    assert (second.cursor, second.total_count) == ("b", 3)
    assert second.identified_at > claimed.identified_at
    assert await pages.store_page(broadcast_id, "other", LAST, 0.0)
    assert await fetch(database_copy, "state, expanded_count, ended_at is not null") == ("done", 3, True)
    assert await pages.claim("other") is None


async def test_a_page_that_is_not_finished_in_time_goes_to_another_worker_with_the_same_time(database_copy: Database) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 0.2)
    first = await pages.claim("hung")
    assert await pages.claim("other") is None
    await asyncio.sleep(0.3)
    second = await pages.claim("other")
    assert second == first
    assert not await pages.store_page(broadcast_id, "hung", PAGE, 0.0)
    assert await pages.store_page(broadcast_id, "other", PAGE, 0.0)


async def test_a_worker_takes_what_it_left_in_hand_at_once(database_copy: Database) -> None:
    await insert(database_copy)
    pages = PostgresBroadcastPages(database_copy, 60)
    assert await pages.claim("w-1") == await pages.claim("w-1")


@pytest.mark.parametrize(("hours", "is_kept"), [(19, True), (21, False)])
async def test_a_time_that_the_router_would_not_take_in_an_id_is_replaced(database_copy: Database, hours: int, is_kept: bool) -> None:
    await insert(database_copy)
    await database_copy.fetch("update broadcasts set identified_at = now() - make_interval(hours => $1)", hours)
    (before,) = await fetch(database_copy, "identified_at")
    claimed = await PostgresBroadcastPages(database_copy, 60).claim("w-1")
    assert claimed
    assert (claimed.identified_at == before.timestamp()) is is_kept


@pytest.mark.parametrize("state", ["paused", "cancelled"])
async def test_a_page_in_hand_counts_although_its_broadcast_is_stopped(database_copy: Database, state: str) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 60)
    await pages.claim("w-1")
    await database_copy.fetch("update broadcasts set state = $1", state)
    assert await pages.store_page(broadcast_id, "w-1", LAST, 0.0)
    assert await fetch(database_copy, "state, cursor, expanded_count") == (state, "c", 1)
    assert await pages.claim("w-1") is None


async def test_pages_of_several_broadcasts_take_turns_and_a_rate_has_its_own_time(database_copy: Database) -> None:
    pages = PostgresBroadcastPages(database_copy, 60)
    slow, *fast = [await insert(database_copy, number, 1 if number == 0 else None) for number in range(3)]
    turns = []
    for _ in range(5):
        claimed = await pages.claim("w-1")
        assert claimed
        turns.append(claimed.id)
        await pages.store_page(claimed.id, "w-1", PAGE, 60.0 if claimed.id == slow else 0.0)
    assert turns == [slow, *fast, *fast]
    await database_copy.fetch("update broadcasts set state = 'paused' where rate is null")
    wait = await pages.get_wait()
    assert wait
    assert 50 < wait <= 60


async def test_a_failed_broadcast_has_its_error_and_is_not_claimed(database_copy: Database) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 60)
    await pages.claim("w-1")
    await pages.fail(broadcast_id, "other", "not mine")
    await pages.fail(broadcast_id, "w-1", "too large")
    assert await fetch(database_copy, "state, error") == ("failed", "too large")
    assert await pages.claim("w-1") is None


async def test_an_audience_that_was_deleted_leaves_no_recipients(database_copy: Database) -> None:
    await database_copy.fetch("insert into audiences (id, name, kind) values ($1, 'testers', 'list')", UUIDS[2])
    insert_one = "insert into broadcasts (id, audience_id, notification, created_by) values ($1, $2, '{}', 'test')"
    await database_copy.fetch(insert_one, UUIDS[0], UUIDS[2])
    await database_copy.fetch("delete from audiences")
    claimed = await PostgresBroadcastPages(database_copy, 60).claim("w-1")
    assert claimed
    assert claimed.recipients is None
    assert await fetch(database_copy, "audience_name") == ("testers",)


async def test_a_notification_is_assigned_to_its_broadcast_by_its_id(database_copy: Database) -> None:
    pages, store = PostgresBroadcastPages(database_copy, 60), BroadcastStore(database_copy, str)
    ids = []
    for number in range(2):
        broadcast_id = await insert(database_copy, number)
        claimed = await pages.claim("w-1")
        assert claimed
        ids.append((broadcast_id, derive_notification_id(broadcast_id, "a", claimed.identified_at)))
        await pages.store_page(broadcast_id, "w-1", UserPage(["a"], "a", True), 0.0)
    for broadcast_id, notification_id in ids:
        assert await store.find_source(notification_id, "a") == broadcast_id
        assert await store.find_source(notification_id, "b") == ""
    assert await store.find_source("order-17", "a") == ""
