"""The recorder on PostgreSQL: outages, poison, and two workers that record the same."""

import asyncio

from agents.recorder import Committed, Recorder, Stray, Waiting
from schemas.ports import Batch
from schemas.status import Accepted, Status
from schemas.words import StatusName
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.history import HistoryStore
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tests.history import NOW, accepted, batch, notification_id, status
from tests.proxy import proxied


async def at_once(seconds: float) -> None:
    """A pause that ends at once, but lets others run."""
    await asyncio.sleep(0)


def told(first: int, last: int, start: int = 0) -> Batch:
    """An Accepted and a Status event for each of these notifications."""
    events: list[Accepted | Status] = []
    for number in range(first, last):
        events += [accepted(number, "email"), status(number)]
    return batch(*events, start=start)


async def test_an_outage_in_mid_stream_loses_nothing_and_ends_no_batch_early(database: Database, shared_url: str) -> None:
    async with proxied(shared_url) as proxy:
        away = Database(proxy.url)
        waits: list[Waiting] = []

        async def pause(seconds: float) -> None:
            await asyncio.sleep(0)
            if len(waits) >= 3:
                await proxy.mend()

        def observe(seen: Committed | Waiting | Stray) -> None:
            if isinstance(seen, Waiting):
                waits.append(seen)

        recorder = Recorder(RecordingStore(away), pause, lambda: NOW, observe, linger=0.0, most=50)
        await recorder.record(told(1, 20))
        await proxy.cut()
        during = [asyncio.ensure_future(recorder.record(told(20 * n, 20 * n + 20))) for n in range(1, 6)]
        await asyncio.gather(*during)
        assert len(waits) >= 3
        tally = await HistoryStore(database).tally(0, NOW + 60, {})
        assert (tally.notifications, tally.deliveries, tally.attempts) == ({"routed": 119}, {"SENT": 119}, 119)
        await away.close()


async def test_two_workers_that_record_the_same_at_once_agree(database: Database) -> None:
    workers = [Recorder(RecordingStore(database), at_once, lambda: NOW, linger=0.0) for _ in range(2)]
    batches = [told(n, n + 10, start=2 * n) for n in range(1, 100, 10)]
    order = [*batches, *reversed(batches)]
    await asyncio.gather(*(worker.record(each) for worker in workers for each in order))
    tally = await HistoryStore(database).tally(0, NOW + 60, {})
    assert (tally.notifications, tally.deliveries, tally.attempts) == ({"routed": 100}, {"SENT": 100}, 100)


async def test_poison_of_every_kind_is_filed_and_its_neighbours_are_recorded(database: Database) -> None:
    recorder = Recorder(RecordingStore(database), at_once, lambda: NOW, linger=0.0)
    poison = [
        accepted(900, id="ntf_0"),
        status(901, attempt=99_999),
        status(902, code=2**33),
        status(903, at=1e300),
        b"\x00",
        b'{"kind":"status"}',
        None,
    ]
    await recorder.record(batch(*(accepted(n, "email") for n in range(1, 9)), *poison, *(status(n) for n in range(1, 9))))
    tally = await HistoryStore(database).tally(0, NOW + 60, {})
    assert (tally.notifications, tally.deliveries, tally.in_flight) == ({"routed": 8}, {"SENT": 8}, 0)
    letters = await DeadLetterStore(database).newest(20)
    assert sorted(filed.offset for filed in letters) == list(range(8, 15))
    assert {filed.letter.reason for filed in letters} == {"unstorable", "undecodable", "null_value"}


async def test_text_with_nul_is_recorded_without_it(database: Database) -> None:
    recorder = Recorder(RecordingStore(database), at_once, lambda: NOW, linger=0.0)
    await recorder.record(batch(accepted(1, "email", user_id="a\0b", reason="\0"), status(1, provider_id="x\0")))
    (story,) = await HistoryStore(database).of_user("a\ufffdb", 1)
    assert story.current[0].provider_id == "x\ufffd"
    assert await DeadLetterStore(database).newest(1) == []


async def test_tried_again_then_sent_is_one_delivery_with_two_attempts(database: Database) -> None:
    recorder = Recorder(RecordingStore(database), at_once, lambda: NOW, linger=0.0)
    await recorder.record(batch(accepted(1, "email"), status(1, status=StatusName.PENDING, outcome=None)))
    await recorder.record(batch(status(1, attempt=1), start=2))
    story = await HistoryStore(database).story(notification_id(1))
    assert story is not None
    assert [each.status for each in story.current] == [StatusName.SENT]
    assert [each.status for each in story.attempts] == [StatusName.PENDING, StatusName.SENT]
