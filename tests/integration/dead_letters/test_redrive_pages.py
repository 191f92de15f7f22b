"""Redrives in PostgreSQL: what is selected, leases on their pages, results that are stored once, and what is known since."""

import asyncio
from typing import Any

import pytest

from schemas.dead_letters import DeadLetterFilter
from schemas.enums import Status
from schemas.errors import ConflictError
from schemas.events import DeliveryRef, StatusEvent
from schemas.ids import make_id
from schemas.profile import build_address_key
from schemas.redrives import RedriveRequest
from schemas.users import ChangeOrigin
from tables.postgres import redrives
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.redrive_pages import PostgresRedrivePages
from tables.postgres.redrives import RedriveStore
from tests.dead_letter_builders import build_failed_delivery, build_rejected_notification, store_dead_letters
from tests.delivery_builders import ADDRESSES, NOW, build_delivery
from tests.event_builders import build_decided_event, build_history_batch

ORIGIN = ChangeOrigin("cli", "ada")


class Ids:
    """Makes ids, each higher than the one before."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, prefix: str) -> str:
        self.number += 1
        return make_id(prefix, NOW + self.number, 1)


@pytest.fixture
def store(database_copy: Database) -> RedriveStore:
    return RedriveStore(database_copy, Ids())


async def store_failed(database: Database, count: int = 3) -> list[str]:
    return await store_dead_letters(database, *(build_failed_delivery(build_delivery(number=number)) for number in range(count)))


async def fetch_states(database: Database) -> list[str]:
    return [row["state"] for row in await database.fetch("select state from dead_letters order by id")]


async def test_a_redrive_has_what_was_open_when_it_was_created(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy)
    await database_copy.fetch("update dead_letters set state = 'discarded' where id = $1", ids[1][4:])
    created = await store.create(RedriveRequest(filter=DeadLetterFilter(reason="retries_exhausted")), ORIGIN)
    await store_dead_letters(database_copy, build_failed_delivery(), at=NOW - 1, first_offset=90)
    assert (created.total_count, created.state, created.created_by) == (2, "pending", "ada")
    pages = PostgresRedrivePages(database_copy, 60)
    assert [item.id for item in await pages.read_page(created.id, 10)] == [ids[0], ids[2]]


async def test_a_redrive_without_anything_is_done(store: RedriveStore) -> None:
    created = await store.create(RedriveRequest(filter=DeadLetterFilter()), ORIGIN)
    assert (created.state, created.total_count, created.ended_at is not None) == ("done", 0, True)


async def test_too_many_are_refused_and_nothing_is_left(
    database_copy: Database, store: RedriveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store_failed(database_copy, 5)
    monkeypatch.setattr(redrives, "ITEM_PAGE", 2)
    monkeypatch.setattr(redrives, "MAX_ITEMS", 5)
    assert (await store.create(RedriveRequest(filter=DeadLetterFilter()), ORIGIN)).total_count == 5
    monkeypatch.setattr(redrives, "MAX_ITEMS", 4)
    with pytest.raises(ConflictError, match="selects more than 4 dead letters"):
        await store.create(RedriveRequest(filter=DeadLetterFilter()), ORIGIN)
    assert len(await store.list_redrives(10)) == 1


async def test_a_page_has_one_worker_and_its_results_count_once(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy)
    created, pages = await store.create(RedriveRequest(filter=DeadLetterFilter()), ORIGIN), PostgresRedrivePages(database_copy, 60)
    claims = await asyncio.gather(*(pages.claim(f"w-{number}") for number in range(5)))
    assert [claim.id for claim in claims if claim] == [created.id]
    assert await pages.get_wait() is None
    first = {ids[0]: "redriven", ids[1]: "expired"}
    assert not await pages.store_page(created.id, first, 0.0)  # type: ignore[arg-type]
    assert not await pages.store_page(created.id, first, 0.0), "a late worker"  # type: ignore[arg-type]
    assert await fetch_states(database_copy) == ["redriven", "open", "open"]
    assert await pages.claim("w-9")
    assert [item.id for item in await pages.read_page(created.id, 10)] == [ids[2]]
    assert await pages.store_page(created.id, {ids[2]: "expired"}, 0.0)
    done = await store.get(created.id)
    assert done
    assert (done.state, done.redriven_count, done.skipped_counts) == ("done", 1, {"expired": 2})
    assert await pages.claim("w-9") is None


async def test_a_page_that_is_not_finished_in_time_goes_to_another_worker(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 1)
    created, pages = await store.create(RedriveRequest(ids=ids), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("killed")
    assert await pages.claim("other") is None
    await database_copy.fetch("update redrives set leased_until = now() - interval '1 s'")
    assert await pages.claim("other")
    assert await pages.store_page(created.id, {ids[0]: "redriven"}, 0.0)
    assert await pages.store_page(created.id, {ids[0]: "expired"}, 0.0), "the other one came first"
    done = await store.get(created.id)
    assert done
    assert (done.redriven_count, done.skipped_counts) == (1, {})


async def test_a_pause_keeps_the_page_in_hand_and_a_rate_has_its_own_time(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 2)
    created, pages = await store.create(RedriveRequest(ids=ids, rate=1), ORIGIN), PostgresRedrivePages(database_copy, 60)
    assert await pages.claim("w-1")
    paused = await store.change_state(created.id, "pause", ORIGIN)
    assert not await pages.store_page(created.id, {ids[0]: "redriven"}, 30.0)
    assert paused
    assert (paused.state, await pages.claim("w-1"), await pages.get_wait()) == ("paused", None, None)
    await store.change_state(created.id, "resume", ORIGIN)
    claimed = await pages.claim("w-1")
    assert claimed
    assert claimed.rate == 1
    await pages.store_page(created.id, {}, 30.0)
    assert 25 < (await pages.get_wait() or 0) <= 30
    cancelled = await store.change_state(created.id, "cancel", ORIGIN)
    assert cancelled
    assert await fetch_states(database_copy) == ["redriven", "open"]
    with pytest.raises(ConflictError, match="is cancelled; one can resume it while it is paused or failed"):
        await store.change_state(created.id, "resume", ORIGIN)


async def test_a_page_has_few_of_large_records_and_one_in_any_case(database_copy: Database, store: RedriveStore) -> None:
    large = [build_rejected_notification(bytes(900_000)) for _ in range(20)]
    await store_dead_letters(database_copy, *large)
    created = await store.create(RedriveRequest(filter=DeadLetterFilter()), ORIGIN)
    assert len(await PostgresRedrivePages(database_copy, 60).read_page(created.id, 100)) == 16 * 1024 * 1024 // 900_000


async def test_what_was_deleted_has_no_content(database_copy: Database, store: RedriveStore) -> None:
    ids = await store_failed(database_copy, 2)
    created = await store.create(RedriveRequest(ids=ids), ORIGIN)
    await database_copy.fetch("delete from dead_letters where id = $1", ids[0][4:])
    items = await PostgresRedrivePages(database_copy, 60).read_page(created.id, 10)
    assert [(item.id, item.content is None) for item in items] == [(ids[0], True), (ids[1], False)]


async def read_only(database: Database, store: RedriveStore, *ids: str) -> Any:
    """What is known of the only dead letter."""
    created = await store.create(RedriveRequest(ids=[*ids]), ORIGIN)
    (item,) = await PostgresRedrivePages(database, 60).read_page(created.id, 10)
    return item.facts


async def test_the_status_and_the_choices_of_the_user_since_are_known(database_copy: Database, store: RedriveStore) -> None:
    delivery = build_delivery(number=1)
    ids = await store_dead_letters(database_copy, build_failed_delivery(delivery))
    facts = await read_only(database_copy, store, *ids)
    assert (facts.status, facts.redrive_count, facts.is_delivered_elsewhere) == (None, -1, False)
    status = StatusEvent(delivery.id, delivery.notification_id, "u-1", "email", Status.DELIVERED, NOW + 60, NOW, redrive_count=1)
    await PostgresHistoryWriter(database_copy).write(build_history_batch(status))
    await database_copy.fetch("insert into users (id) values ('u-1')")
    await database_copy.fetch("insert into user_preferences (user_id, category, channel, choice) values ('u-1', '', 'email', 'out')")
    await database_copy.fetch(
        """insert into suppressions (id, channel, address, category, reason, source_event, created_by)
           values (gen_random_uuid(), 'email', $1, '', 'hard_bounce', '', 'test')""",
        ADDRESSES["email"],
    )
    facts = await read_only(database_copy, store, *ids)
    assert (facts.status, facts.redrive_count) == (Status.DELIVERED, 1)
    assert facts.profiles["u-1"].choices == {"/email": "out"}
    assert facts.profiles[build_address_key("email", ADDRESSES["email"])].suppressions[0].reason == "hard_bounce"


@pytest.mark.parametrize(("status", "seconds", "is_elsewhere"), [("SENT", 60, True), ("DELIVERED", -60, False), ("FAILED", 60, False)])
async def test_another_delivery_of_the_notification_counts_if_it_was_sent_since(
    database_copy: Database, store: RedriveStore, status: str, seconds: int, is_elsewhere: bool
) -> None:
    email, sms = build_delivery("email", 1), build_delivery("sms", 1)
    ids = await store_dead_letters(database_copy, build_failed_delivery(email))
    event = StatusEvent(sms.id, sms.notification_id, "u-1", "sms", Status(status), NOW + seconds, NOW)
    own = StatusEvent(email.id, email.notification_id, "u-1", "email", Status.FAILED, NOW + 1, NOW)
    refs = [DeliveryRef(email.id, "email"), DeliveryRef(sms.id, "sms")]
    decided = build_decided_event(1, id=email.notification_id, deliveries=refs)
    await PostgresHistoryWriter(database_copy).write(build_history_batch(decided, event, own))
    assert (await read_only(database_copy, store, *ids)).is_delivered_elsewhere is is_elsewhere


async def test_how_often_a_notification_was_redriven_is_known(database_copy: Database, store: RedriveStore) -> None:
    notification_id = build_delivery(number=1).notification_id
    dead_letter = build_rejected_notification(b"{}", notification_id=notification_id)
    ids = await store_dead_letters(database_copy, dead_letter)
    assert (await read_only(database_copy, store, *ids)).redrive_count == -1
    await database_copy.fetch(
        """insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, created_at,
           decided_at, redrive_count) values ($1, 'u-1', 't', '', 'low', 'routed', '', '[]', '[]', now(), now(), 2)""",
        notification_id[4:],
    )
    assert (await read_only(database_copy, store, *ids)).redrive_count == 2


async def test_a_rule_redrives_an_account_once_at_a_time_and_each_dead_letter_twice_at_most(
    database_copy: Database, store: RedriveStore
) -> None:
    deliveries = [build_delivery(number=number, redrive_count=number) for number in range(3)]
    ids = await store_dead_letters(database_copy, *map(build_failed_delivery, deliveries))
    rule = ChangeOrigin("api", "rule")
    selection = DeadLetterFilter(account="https://api.example", max_redrive_count=1)
    [created] = await store.create_by_rule(RedriveRequest(filter=selection), rule)
    pages = PostgresRedrivePages(database_copy, 60)
    assert [item.id for item in await pages.read_page(created.id, 10)] == ids[:2]
    assert await store.create_by_rule(RedriveRequest(filter=selection), rule) == [], "one goes on"
    await store.change_state(created.id, "cancel", ORIGIN)
    assert await store.create_by_rule(RedriveRequest(filter=selection), rule)
    other = DeadLetterFilter(account="https://other.example")
    assert await store.create_by_rule(RedriveRequest(filter=other), rule) == [], "nothing is selected"
