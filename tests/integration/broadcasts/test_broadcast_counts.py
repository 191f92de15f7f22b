"""The counts of broadcasts in PostgreSQL: what is found in the history, leases, and what a cancel makes void."""

from typing import Any

import httpx
import msgspec

from schemas.audiences import UserPage
from schemas.broadcast_counts import BroadcastCount, BroadcastFindings, CountPage, DecidedNotification, compute_pause
from schemas.broadcasts import BROADCAST_PREFIX, derive_notification_id
from schemas.enums import State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.ids import derive_delivery_id
from tables.postgres.broadcast_counts import PostgresBroadcastHistory
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import build_history_batch

UUID = "0199c82cc00070008000000000000001"
BROADCAST = f"{BROADCAST_PREFIX}{UUID}"
INSERT = "insert into broadcasts (id, user_ids, notification, created_by) values ($1, '{a,b,c}', '{\"type\": \"t\"}', 'test')"
USERS = [f"u-{number:02}" for number in range(10)]


async def start(database: Database) -> float:
    """Start a broadcast; returns the time in its ids."""
    await database.fetch(INSERT, UUID)
    claimed = await PostgresBroadcastPages(database, 60).claim("expander")
    assert claimed
    return claimed.identified_at


async def record(database: Database, *events: Any) -> None:
    await PostgresHistoryWriter(database).write(build_history_batch(*events))


def decide(user_id: str, at: float, state: State, reason: str = "", **fields: Any) -> DecidedEvent:
    """A decision on a user's notification, unless `id` is that of another one."""
    notification_id = fields.pop("id", None) or derive_notification_id(BROADCAST, user_id, at)
    return DecidedEvent(notification_id, user_id, state, at, at, "low", "t", reason=reason, **fields)


def route(user_id: str, at: float, *statuses: tuple[Status, str], **fields: Any) -> list[Any]:
    """A routed notification with an e-mail for each status, and one more without a status."""
    notification_id = derive_notification_id(BROADCAST, user_id, at)
    ids = [derive_delivery_id(notification_id, user_id, "email", str(number)) for number in range(len(statuses) + 1)]
    refs = [DeliveryRef(one, "email") for one in ids]
    events = [
        StatusEvent(delivery_id, notification_id, user_id, "email", status, at, at, reason=reason)
        for delivery_id, (status, reason) in zip(ids, statuses, strict=False)
    ]
    return [decide(user_id, at, State.ROUTED, deliveries=refs, **fields), *events]


async def claim(history: PostgresBroadcastHistory, holder: str = "w-1") -> BroadcastCount:
    count = await history.claim(holder)
    assert count
    return count


async def read_all(history: PostgresBroadcastHistory, limit: int) -> list[DecidedNotification]:
    """What all pages of a count have, each stored before the next is read."""
    found: list[DecidedNotification] = []
    while True:
        count = await claim(history)
        page = await history.read_page(count, limit)
        found += page.notifications
        assert len(page.notifications) <= limit
        assert await history.store_page(count, page, BroadcastFindings(len(found)), None)
        if page.is_last:
            return found


async def change(client: httpx.AsyncClient, action: str) -> Any:
    response = await client.post(f"/v1/broadcasts/{BROADCAST}/{action}")
    assert response.status_code == 200, response.text
    return response.json()


async def test_pages_have_each_notification_of_all_times_once_and_few_of_others(database_copy: Database) -> None:
    at, history = await start(database_copy), PostgresBroadcastHistory(database_copy, 60)
    await database_copy.fetch("update broadcasts set identified_at = identified_at + interval '1 day'")
    later = at + 86_400
    own = [decide(user, at if number < 6 else later, State.HELD, "quiet_hours") for number, user in enumerate(USERS)]
    same_time = decide("x", at, State.HELD, id=derive_notification_id("brd_other", "x", at))
    await record(database_copy, *own, same_time, decide("y", at + 0.01, State.HELD), decide("z", at - 0.01, State.HELD))
    for limit in (1, 3, 5, 100):
        await database_copy.fetch("update broadcasts set next_count_at = now()")
        found = await read_all(history, limit)
        assert sorted(one.user_id for one in found) == sorted([*USERS, "x"]), limit
        assert [one.id for one in found] == sorted(one.id for one in found)
    assert (await history.get_wait(), await history.claim("w-1")) == (None, None)


async def test_a_row_says_its_deliveries_its_digest_and_for_a_cancel_its_next_step(database_copy: Database) -> None:
    at, history, digest = await start(database_copy), PostgresBroadcastHistory(database_copy, 60), derive_notification_id("dig", "c", 1e9)
    log = [GateResult("channels", "pass", "", {"escalates_at": at + 60})]
    events = route("a", at, (Status.PENDING, ""), (Status.FAILED, "expired"), decision_log=log)
    merged = decide("c", at, State.MERGED, "digest", duplicate_of=digest)
    held = DecidedEvent(digest, "c", State.HELD, at, at, "low", "t")
    await record(database_copy, *events, merged, held)
    count = await claim(history)
    found = {one.user_id: one for one in (await history.read_page(count, 10)).notifications}
    assert (len(found["a"].deliveries), found["a"].next_step_at, found["c"].merged_into) == (3, None, digest)
    cancelled = msgspec.structs.replace(count, state="cancelled")
    again = {one.user_id: one for one in (await history.read_page(cancelled, 10)).notifications}
    assert again["a"].next_step_at == at + 60
    results = await history.find_results(found["a"].deliveries)
    assert sorted(results.values()) == [("FAILED", "expired"), ("PENDING", "")]
    assert await history.find_results([]) == {}
    assert await history.find_held_digests([(digest, "c")]) == [(digest, "c", [merged.id])]
    await record(database_copy, msgspec.structs.replace(held, state=State.ROUTED, resume_count=1))
    assert await history.find_held_digests([(digest, "c")]) == []


async def test_a_page_has_one_worker_until_its_lease_ends_and_is_stored_once(database_copy: Database) -> None:
    at, history = await start(database_copy), PostgresBroadcastHistory(database_copy, 60)
    await record(database_copy, *(decide(user, at, State.HELD) for user in USERS))
    first = await claim(history)
    assert await history.claim("other") is None
    assert await history.get_wait() is None
    assert await history.claim("w-1") == first  # what it left in hand
    await database_copy.fetch("update broadcasts set count_leased_until = now() - interval '1 s'")
    second = await claim(history, "other")
    page = await history.read_page(second, 4)
    assert await history.store_page(second, page, BroadcastFindings(4), 0.0)
    assert not await history.store_page(first, page, BroadcastFindings(4), 0.0), "the other one came later"
    third = await claim(history)
    assert (third.cursor, third.findings.decided) == (page.cursor, 4)


async def test_a_page_that_is_postponed_is_free_and_due_later(database_copy: Database) -> None:
    await start(database_copy)
    history = PostgresBroadcastHistory(database_copy, 60)
    await database_copy.fetch("update broadcasts set next_count_at = now()")
    count = await claim(history)
    await history.postpone(msgspec.structs.replace(count, number=count.number + 1), 3600)  # of a count that is void
    assert (await claim(history)).id == count.id
    await history.postpone(count, 3600)
    assert await history.claim("w-1") is None
    wait = await history.get_wait()
    assert wait is not None
    assert 3000 < wait <= 3600


async def test_a_cancel_makes_the_count_in_hand_void_and_comes_first(client: httpx.AsyncClient, database_copy: Database) -> None:
    at, history = await start(database_copy), PostgresBroadcastHistory(database_copy, 60)
    await record(database_copy, *(decide(user, at, State.HELD, "quiet_hours") for user in USERS))
    await database_copy.fetch(INSERT, UUID[:-1] + "2")
    await database_copy.fetch("update broadcasts set identified_at = now(), next_count_at = now() - interval '1 day' where id <> $1", UUID)
    await database_copy.fetch("update broadcasts set state = 'done', ended_at = now(), expanded_count = 10 where id = $1", UUID)
    count = BroadcastCount(BROADCAST, "done", (at,), 10, 0, "", BroadcastFindings(), 0, 1.0)
    page = await history.read_page(count, 4)
    assert await history.store_page(count, page, BroadcastFindings(4), 0.0)
    shown = (await change(client, "cancel"))["cancellation"]
    assert shown == {"is_done": False, "checked_count": 0, "waiting_count": None, "cancelled_count": 0}
    stale = msgspec.structs.replace(count, cursor=page.cursor)
    assert not await history.store_page(stale, await history.read_page(stale, 4), BroadcastFindings(8), 0.0)
    first = await claim(history)
    assert (first.id, first.state, first.cursor, first.findings) == (BROADCAST, "cancelled", "", BroadcastFindings())
    await history.store_page(first, page, BroadcastFindings(4, 4, cancels=True), 0.0)
    assert (await client.get(f"/v1/broadcasts/{BROADCAST}")).json()["cancellation"]["checked_count"] == 4
    assert (await change(client, "cancel"))["cancellation"]["checked_count"] == 4, "a cancel that was requested before changes nothing"


async def test_counts_are_shown_and_kept_when_the_history_loses_days(client: httpx.AsyncClient, database_copy: Database) -> None:
    await start(database_copy)
    history, path = PostgresBroadcastHistory(database_copy, 60), f"/v1/broadcasts/{BROADCAST}"
    assert (await client.get(path)).json()["counts"] is None
    last = CountPage([], "end:", True)
    findings = BroadcastFindings(10, 1, 0.1, False, {"routed": {"": 9}, "held": {"send_at": 1}}, {"SENT": {"": 9}})
    assert await history.store_page(await claim(history), last, findings, 0.0)
    counts = (await client.get(path)).json()["counts"]
    assert (counts["decided_count"], counts["waiting_count"], counts["notifications"]) == (10, 1, {"routed": 9, "held": 1})
    assert (counts["notification_reasons"], counts["deliveries"]) == ({"held": {"send_at": 1}}, {"SENT": 9})
    assert await history.store_page(await claim(history), last, BroadcastFindings(3), None)
    assert (await client.get(path)).json()["counts"] == counts
    assert (await client.get("/v1/broadcasts")).json()["items"][0]["counts"] == counts


async def test_a_cancel_is_not_done_while_a_worker_may_produce_a_page(client: httpx.AsyncClient, database_copy: Database) -> None:
    await database_copy.fetch(INSERT, UUID)
    pages, history, path = (
        PostgresBroadcastPages(database_copy, 60),
        PostgresBroadcastHistory(database_copy, 60),
        f"/v1/broadcasts/{BROADCAST}",
    )
    claimed = await pages.claim("expander")
    assert claimed
    await change(client, "cancel")
    count = await claim(history)
    assert compute_pause(count, BroadcastFindings(cancels=True)) is not None, "a page in hand may bring more"
    assert await history.store_page(count, CountPage([], "end:", True), BroadcastFindings(cancels=True), None)
    assert not (await client.get(path)).json()["cancellation"]["is_done"]
    assert not await pages.renew(BROADCAST, "expander"), "it begins no other page"
    assert not await pages.store_total(BROADCAST, "expander", 3)
    assert await pages.store_page(BROADCAST, "", UserPage(["a"], "a", False), 0.0)
    assert not (await client.get(path)).json()["cancellation"]["is_done"], "the page is not decided yet"
    assert (await claim(history)).expanded_count == 1
