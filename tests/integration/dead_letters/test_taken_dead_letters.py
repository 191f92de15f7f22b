"""A dead letter is discarded or taken in hand by a redrive, whichever comes first, and by one redrive only."""

import asyncio

import pytest

from schemas.dead_letters import DeadLetterFilter
from schemas.redrives import RedriveAction, RedriveRequest
from tables.postgres import dead_letters
from tables.postgres.database import Database
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.redrive_pages import PostgresRedrivePages
from tables.postgres.redrives import RedriveStore
from tests.held_database import hold_transaction, wait_for_lock
from tests.integration.dead_letters.test_redrive_pages import ORIGIN, Ids, fetch_states, store, store_failed

__all__ = ["store"]


async def take_all(database: Database, store: RedriveStore, ids: list[str], lease: float = 60) -> tuple[str, PostgresRedrivePages]:
    """A redrive of these dead letters that has all of them in hand."""
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database, lease)
    assert await pages.claim("w-1")
    assert await pages.take(created.id, ids) == {}
    return created.id, pages


def build_dead_letters(database: Database) -> DeadLetterStore:
    return DeadLetterStore(database, Ids())


async def test_what_was_discarded_after_a_page_was_read_is_not_taken_in_hand(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy)
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    assert len(await pages.read_page(created.id, 10)) == 3
    assert await build_dead_letters(database_copy).discard(DeadLetterFilter(), ids[:1], ORIGIN) == 1
    await database_copy.fetch("delete from dead_letters where id = $1", ids[1][4:])
    assert await pages.take(created.id, ids) == {ids[0]: "discarded", ids[1]: "missing"}


async def test_what_a_redrive_is_about_to_send_is_not_discarded(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy)
    redrive_id, pages = await take_all(database_copy, store, ids[:2])
    dead_letter_store = build_dead_letters(database_copy)
    assert await dead_letter_store.discard(DeadLetterFilter(), ids[:2], ORIGIN) == 0
    assert await dead_letter_store.discard(DeadLetterFilter(), None, ORIGIN) == 1, "the others are discarded"
    assert not await pages.store_page(redrive_id, {ids[0]: "redriven"}, 0.0)
    assert await fetch_states(database_copy) == ["redriven", "open", "discarded"]
    found = await dead_letter_store.get(ids[1])
    assert found
    assert (found.stored.state, found.stored.redrive_id) == ("open", redrive_id)


@pytest.mark.parametrize(("action", "lease", "count"), [("pause", 0, 0), ("cancel", 60, 0), ("cancel", 0, 1)])
async def test_what_a_killed_worker_had_in_hand_is_discarded_once_its_redrive_has_ended(
    database_copy: Database, store: RedriveStore, action: RedriveAction, lease: float, count: int
) -> None:
    ids = await store_failed(database_copy, 1)
    redrive_id, _ = await take_all(database_copy, store, ids, lease)
    await store.change_state(redrive_id, action, ORIGIN)
    assert await build_dead_letters(database_copy).discard(DeadLetterFilter(), ids, ORIGIN) == count


async def test_a_page_that_is_kept_in_hand_is_not_discarded_after_its_lease(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 1)
    redrive_id, _ = await take_all(database_copy, store, ids, 0)
    await store.change_state(redrive_id, "cancel", ORIGIN)
    await PostgresRedrivePages(database_copy, 60).renew(redrive_id, "other")
    await PostgresRedrivePages(database_copy, 60).renew(redrive_id, "w-1")
    assert await build_dead_letters(database_copy).discard(DeadLetterFilter(), ids, ORIGIN) == 0


async def test_two_redrives_of_a_dead_letter_do_not_both_take_it(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 2)
    first, pages = await take_all(database_copy, store, ids[:1])
    second = await store.create(RedriveRequest(ids=ids), ORIGIN)
    assert (claimed := await pages.claim("w-2"))
    assert claimed.id == second.id
    assert await pages.take(second.id, ids) == {ids[0]: "already_redriven"}
    assert await pages.take(first, ids[:1]) == {}, "a page that is read again"
    await store.change_state(second.id, "cancel", ORIGIN)
    assert await pages.take(second.id, ids) is None


async def test_a_redrive_that_was_paused_takes_nothing_in_hand(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 1)
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    await store.change_state(created.id, "pause", ORIGIN)
    assert await pages.take(created.id, ids) is None
    assert await build_dead_letters(database_copy).discard(DeadLetterFilter(), ids, ORIGIN) == 1


async def test_a_discard_that_waits_for_the_rows_of_a_page_sees_that_it_is_too_late(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 1)
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    async with hold_transaction(database_copy) as held:
        assert await PostgresRedrivePages(held, 60).take(created.id, ids) == {}
        discarded = asyncio.create_task(build_dead_letters(database_copy).discard(DeadLetterFilter(), ids, ORIGIN))
        await wait_for_lock(database_copy, discarded)
    assert await discarded == 0


async def test_a_page_that_waits_for_a_discard_sees_that_it_is_too_late(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 2)
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    async with hold_transaction(database_copy) as held:
        assert await build_dead_letters(held).discard(DeadLetterFilter(), ids[:1], ORIGIN) == 1
        taken = asyncio.create_task(pages.take(created.id, ids))
        await wait_for_lock(database_copy, taken)
    assert await taken == {ids[0]: "discarded"}


async def test_a_discard_knows_of_redrives_what_is_true_once_it_has_the_rows(database_copy: Database, store: RedriveStore) -> None:
    """The redrive that has failed goes on, and takes its page again, while the discard waits."""
    ids = await store_failed(database_copy, 1)
    redrive_id, pages = await take_all(database_copy, store, ids)
    await pages.fail(redrive_id, "w-1", "unexpected")
    async with hold_transaction(database_copy) as held:
        await held.fetch("select from dead_letters for update")
        discarded = asyncio.create_task(build_dead_letters(database_copy).discard(DeadLetterFilter(), ids, ORIGIN))
        await wait_for_lock(database_copy, discarded)
        await store.change_state(redrive_id, "resume", ORIGIN)
    assert await discarded == 0


async def test_many_are_discarded_page_by_page_without_those_in_hand(
    database_copy: Database, store: RedriveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await store_failed(database_copy, 7)
    await take_all(database_copy, store, ids[:3])
    monkeypatch.setattr(dead_letters, "DISCARD_PAGE", 2)
    assert await build_dead_letters(database_copy).discard(DeadLetterFilter(), None, ORIGIN) == 4
    assert await fetch_states(database_copy) == ["open"] * 3 + ["discarded"] * 4
