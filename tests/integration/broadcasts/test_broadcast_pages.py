"""Leases on the pages of broadcasts, in PostgreSQL: one worker at a time, and what a late one may still do."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from agents.broadcasts.expander import Expander
from schemas.audiences import NamedUsers, UserPage
from schemas.broadcasts import BROADCAST_PREFIX, derive_notification_id
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.broadcasts import BroadcastStore
from tables.postgres.database import Database

UUIDS = [f"0199c82cc0007000800000000000000{number}" for number in range(3)]
INSERT = "insert into broadcasts (id, user_ids, notification, created_by, rate) values ($1, '{a,b,c}', '{\"type\": \"t\"}', 'test', $2)"
PAGE = UserPage(["a", "b"], "b", False)
LAST = UserPage(["c"], "c", True)


class SlowOutbox:
    """Notes the ids that are produced; that takes longer than a lease of 0.1 s."""

    def __init__(self, produced: list[str]) -> None:
        self._produced = produced

    def add(self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Any = ()) -> None:
        self._produced.append(msgspec.json.decode(value or b"")["id"])

    async def flush(self) -> None:
        await asyncio.sleep(0.15)


def build_slow_expander(pages: PostgresBroadcastPages, holder: str, produced: list[str], max_page_users: int = 2) -> Expander:
    return Expander(pages, lambda: SlowOutbox(produced), asyncio.sleep, time.monotonic, holder, 4, "", 1.0, max_page_users, lambda _: None)


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
    assert not await pages.store_total(broadcast_id, "other", 3)
    assert not await pages.renew(broadcast_id, "other")
    assert await pages.store_total(broadcast_id, holder, 3)
    assert await pages.store_page(broadcast_id, "", PAGE, 0.0)
    assert not await pages.store_page(broadcast_id, "", PAGE, 0.0)
    second = await pages.claim("other")
    assert second
    assert (second.cursor, second.total_count) == ("b", 3)
    assert second.identified_at == claimed.identified_at
    assert await pages.store_page(broadcast_id, "b", LAST, 0.0)
    assert not await pages.store_page(broadcast_id, "b", LAST, 0.0)
    assert await fetch(database_copy, "state, expanded_count, ended_at is not null") == ("done", 3, True)
    assert await pages.claim("other") is None


async def test_a_page_of_a_broadcast_that_was_cancelled_since_is_given_back(database_copy: Database) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 60)
    assert await pages.claim("w-1")
    await database_copy.fetch("update broadcasts set state = 'cancelled', next_count_at = now() + interval '1 hour'")
    assert not await pages.renew(broadcast_id, "w-1")
    await pages.give_back(broadcast_id, "other")
    assert await fetch(database_copy, "leased_by, next_count_at <= now()") == ("w-1", False)
    await pages.give_back(broadcast_id, "w-1")
    assert await fetch(database_copy, "leased_by, leased_until, next_count_at <= now()") == ("", None, True)


async def test_a_page_that_is_not_finished_in_time_goes_to_another_worker_with_the_same_time(database_copy: Database) -> None:
    broadcast_id, pages = await insert(database_copy), PostgresBroadcastPages(database_copy, 60)
    first = await pages.claim("hung")
    assert await pages.claim("other") is None
    await database_copy.fetch("update broadcasts set leased_until = now() - interval '1 s'")
    second = await pages.claim("other")
    assert second == first
    assert await pages.store_page(broadcast_id, "", PAGE, 0.0)
    assert not await pages.store_page(broadcast_id, "", PAGE, 0.0), "the other one came later"


async def test_two_workers_whose_pages_take_longer_than_the_lease_come_to_the_end(database_copy: Database) -> None:
    await insert(database_copy)
    produced: list[str] = []
    first, second = (build_slow_expander(PostgresBroadcastPages(database_copy, 0.1), f"w-{number}", produced) for number in range(2))

    async def expand(expander: Expander) -> None:
        while await fetch(database_copy, "state") != ("done",):
            await expander.expand_next()
            await asyncio.sleep(0.01)

    async with asyncio.timeout(60):
        await asyncio.gather(expand(first), expand(second))
    assert await fetch(database_copy, "expanded_count") == (3,)
    assert len(set(produced)) == 3, "a page that two workers produce has the same ids"


@pytest.mark.parametrize("max_page_users", [2, 1])
async def test_a_page_that_is_repeated_with_another_end_has_the_same_ids(database_copy: Database, max_page_users: int) -> None:
    await insert(database_copy)
    pages, produced = PostgresBroadcastPages(database_copy, 60), list[str]()
    claimed = await pages.claim("killed")
    assert claimed
    for user_id in PAGE.user_ids:  # Kafka has them, and the cursor is not stored
        produced.append(derive_notification_id(claimed.id, user_id, claimed.identified_at))
    await database_copy.fetch("update broadcasts set leased_until = now() - interval '1 s', user_ids = '{a,aa,b,c}'")
    expander = build_slow_expander(pages, "w-1", produced, max_page_users)
    while await fetch(database_copy, "state") != ("done",):
        await expander.expand_next()
    assert len(set(produced)) == 4


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
    assert await pages.store_page(broadcast_id, "", LAST, 0.0)
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
        await pages.store_page(claimed.id, claimed.cursor, PAGE, 60.0 if claimed.id == slow else 0.0)
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
        await pages.store_page(broadcast_id, "", UserPage(["a"], "a", True), 0.0)
    for broadcast_id, notification_id in ids:
        assert await store.find_source(notification_id, "a") == broadcast_id
        assert await store.find_source(notification_id, "b") == ""
    assert await store.find_source("order-17", "a") == ""
