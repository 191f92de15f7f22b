"""The recorder on PostgreSQL: outages, poison, and two workers that record the same."""

import asyncio

from agents.recorder import HistoryCommit, Recorder, Unrecordable, WriteRetry
from schemas.enums import Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.ports import Batch
from tables.postgres.database import Database
from tables.postgres.dead_letters import PostgresDeadLetterReader
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_batch, build_decided_event, build_status_event, make_notification_id
from tests.tcp_proxy import run_proxy


async def skip_sleep(seconds: float) -> None:
    """A pause that ends at once, but lets others run."""
    await asyncio.sleep(0)


def build_events_batch(first: int, last: int, start: int = 0) -> Batch:
    """An Accepted and a Status event for each of these notifications."""
    events: list[DecidedEvent | StatusEvent] = []
    for number in range(first, last):
        events += [build_decided_event(number, "email"), build_status_event(number)]
    return build_batch(*events, start=start)


async def test_an_outage_in_mid_stream_loses_nothing_and_ends_no_batch_early(database: Database, shared_database_url: str) -> None:
    async with run_proxy(shared_database_url) as proxy:
        away = Database(proxy.url)
        waits: list[WriteRetry] = []

        async def pause(seconds: float) -> None:
            await asyncio.sleep(0)
            if len(waits) >= 3:
                await proxy.enable()

        def observe(seen: HistoryCommit | WriteRetry | Unrecordable) -> None:
            if isinstance(seen, WriteRetry):
                waits.append(seen)

        recorder = Recorder(PostgresHistoryWriter(away), pause, lambda: NOW, observe, linger=0.0, max_items=50)
        await recorder.record(build_events_batch(1, 20))
        await proxy.disable()
        during = [asyncio.ensure_future(recorder.record(build_events_batch(20 * n, 20 * n + 20))) for n in range(1, 6)]
        await asyncio.gather(*during)
        assert len(waits) >= 3
        tally = await PostgresHistoryReader(database).get_counts(0, NOW + 60, {})
        assert (tally.notifications, tally.deliveries, tally.attempts) == ({"routed": 119}, {"SENT": 119}, 119)
        await away.close()


async def test_two_workers_that_record_the_same_at_once_agree(database: Database) -> None:
    workers = [Recorder(PostgresHistoryWriter(database), skip_sleep, lambda: NOW, linger=0.0) for _ in range(2)]
    batches = [build_events_batch(n, n + 10, start=2 * n) for n in range(1, 100, 10)]
    order = [*batches, *reversed(batches)]
    await asyncio.gather(*(worker.record(each) for worker in workers for each in order))
    tally = await PostgresHistoryReader(database).get_counts(0, NOW + 60, {})
    assert (tally.notifications, tally.deliveries, tally.attempts) == ({"routed": 100}, {"SENT": 100}, 100)


async def test_poison_of_every_kind_is_filed_and_its_neighbours_are_recorded(database: Database) -> None:
    recorder = Recorder(PostgresHistoryWriter(database), skip_sleep, lambda: NOW, linger=0.0)
    poison = [
        build_decided_event(900, id="ntf_0"),
        build_status_event(901, attempt=99_999),
        build_status_event(902, provider_code=2**33),
        build_status_event(903, occurred_at=1e300),
        b"\x00",
        b'{"kind":"status"}',
        None,
    ]
    await recorder.record(
        build_batch(*(build_decided_event(n, "email") for n in range(1, 9)), *poison, *(build_status_event(n) for n in range(1, 9)))
    )
    tally = await PostgresHistoryReader(database).get_counts(0, NOW + 60, {})
    assert (tally.notifications, tally.deliveries, tally.in_flight) == ({"routed": 8}, {"SENT": 8}, 0)
    letters = await PostgresDeadLetterReader(database).list_newest(20)
    assert sorted(filed.offset for filed in letters) == list(range(8, 15))
    assert {filed.dead_letter.reason for filed in letters} == {"unstorable", "undecodable", "null_value"}


async def test_text_with_nul_is_recorded_without_it(database: Database) -> None:
    recorder = Recorder(PostgresHistoryWriter(database), skip_sleep, lambda: NOW, linger=0.0)
    await recorder.record(
        build_batch(build_decided_event(1, "email", user_id="a\0b", reason="\0"), build_status_event(1, provider_message_id="x\0"))
    )
    (story,) = await PostgresHistoryReader(database).list_by_user("a\ufffdb", 1)
    assert story.statuses[0].provider_message_id == "x\ufffd"
    assert await PostgresDeadLetterReader(database).list_newest(1) == []


async def test_tried_again_then_sent_is_one_delivery_with_two_attempts(database: Database) -> None:
    recorder = Recorder(PostgresHistoryWriter(database), skip_sleep, lambda: NOW, linger=0.0)
    await recorder.record(build_batch(build_decided_event(1, "email"), build_status_event(1, status=Status.PENDING, outcome=None)))
    await recorder.record(build_batch(build_status_event(1, attempt=1), start=2))
    story = await PostgresHistoryReader(database).get_notification_history(make_notification_id(1))
    assert story is not None
    assert [each.status for each in story.statuses] == [Status.SENT]
    assert [each.status for each in story.attempts] == [Status.PENDING, Status.SENT]
