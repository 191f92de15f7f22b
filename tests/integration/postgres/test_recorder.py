"""The recorder on PostgreSQL: outages, invalid records, and two workers that record the same events."""

import asyncio

from agents.recorder import HistoryCommit, Recorder, Unrecordable, WriteRetry
from schemas.enums import Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.ports import Batch
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.database_fixtures import create_database
from tests.event_builders import NOW, build_batch, build_decided_event, build_status_event, make_notification_id
from tests.history_rows import fetch_counts, fetch_dead_letters
from tests.recorder_batches import ignore_consent_change, ignore_failure, record_batches
from tests.tcp_proxy import run_proxy


async def skip_sleep(seconds: float) -> None:
    """A sleep that ends at once and lets other tasks run."""
    await asyncio.sleep(0)


def build_recorder(database: Database) -> Recorder:
    """A recorder without linger and observer."""
    return Recorder(
        PostgresHistoryWriter(database), skip_sleep, lambda: NOW, lambda event: None, ignore_failure, 0.0, 4000, ignore_consent_change
    )


def build_events_batch(first: int, last: int, start: int = 0) -> Batch:
    """A decided and a status event for each of these notifications."""
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(first, last):
        events += [build_decided_event(number, "email"), build_status_event(number)]
    return build_batch(*events, start=start)


async def test_an_outage_loses_no_event(database: Database, shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        proxied_database = create_database(proxy.url)
        retries: list[WriteRetry] = []

        async def sleep(seconds: float) -> None:
            await asyncio.sleep(0)
            if len(retries) >= 3:
                await proxy.enable()

        def observe(observation: HistoryCommit | WriteRetry | Unrecordable) -> None:
            if isinstance(observation, WriteRetry):
                retries.append(observation)

        recorder = Recorder(
            PostgresHistoryWriter(proxied_database), sleep, lambda: NOW, observe, ignore_failure, 0.0, 50, ignore_consent_change
        )
        await record_batches(recorder, build_events_batch(1, 20))
        await proxy.disable()
        await record_batches(recorder, *(build_events_batch(20 * n, 20 * n + 20) for n in range(1, 6)))
        assert len(retries) >= 3
        counts = await fetch_counts(database)
        assert counts == ({"routed": 119}, {"SENT": 119}, 119)
        await proxied_database.close()


async def test_two_workers_can_record_the_same_events_concurrently(database: Database) -> None:
    recorders = [build_recorder(database) for _ in range(2)]
    batches = [build_events_batch(n, n + 10, start=2 * n) for n in range(1, 100, 10)]
    order = [*batches, *reversed(batches)]
    await asyncio.gather(*(record_batches(recorder, *order) for recorder in recorders))
    counts = await fetch_counts(database)
    assert counts == ({"routed": 100}, {"SENT": 100}, 100)


async def test_invalid_records_become_dead_letters_and_the_others_are_recorded(database: Database) -> None:
    recorder = build_recorder(database)
    invalid = [
        build_decided_event(900, id="ntf_0"),
        build_status_event(901, attempt=99_999),
        build_status_event(902, provider_code=2**33),
        build_status_event(903, occurred_at=1e300),
        b"\x00",
        b'{"kind":"status"}',
        None,
    ]
    await record_batches(
        recorder,
        build_batch(*(build_decided_event(n, "email") for n in range(1, 9)), *invalid, *(build_status_event(n) for n in range(1, 9))),
    )
    counts = await fetch_counts(database)
    assert (counts.notifications, counts.deliveries) == ({"routed": 8}, {"SENT": 8})
    dead_letters = await fetch_dead_letters(database)
    assert sorted(recorded.offset for recorded in dead_letters) == list(range(8, 15))
    assert {recorded.dead_letter.reason for recorded in dead_letters} == {"unstorable", "undecodable", "null_value"}


async def test_nul_in_text_is_replaced(database: Database) -> None:
    recorder = build_recorder(database)
    await record_batches(
        recorder,
        build_batch(build_decided_event(1, "email", user_id="a\0b", reason="\0"), build_status_event(1, provider_message_id="x\0")),
    )
    (history,) = await PostgresHistoryReader(database).list_by_user("a\ufffdb", 1)
    assert history.statuses[0].provider_message_id == "x\ufffd"
    assert await fetch_dead_letters(database) == []


async def test_a_retried_delivery_has_two_attempts(database: Database) -> None:
    recorder = build_recorder(database)
    await record_batches(recorder, build_batch(build_decided_event(1, "email"), build_status_event(1, status=Status.PENDING, outcome=None)))
    await record_batches(recorder, build_batch(build_status_event(1, attempt=1), start=2))
    history = await PostgresHistoryReader(database).get_notification_history(make_notification_id(1))
    assert history is not None
    assert [event.status for event in history.statuses] == [Status.SENT]
    assert [event.status for event in history.attempts] == [Status.PENDING, Status.SENT]
