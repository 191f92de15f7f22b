"""When the brokers are asked, and what follows."""

import asyncio
import time

import pytest

from app.api.services import outage_watch
from app.api.services.outage_watch import DOUBT_AFTER, OutageWatch
from app.api.services.publisher import MAX_WAITING_BYTES
from schemas.patience import TURNS
from tests.unit.app.api.services.publisher_harness import MemoryProducer, PublisherHarness, build_record, run_other_tasks


class FakeBrokers:
    """Brokers that answer or not; `wait` is what the oldest request has waited."""

    def __init__(self) -> None:
        self.wait, self.problem, self.probes, self.outages = 0.0, "", 0, 0
        self.watch = OutageWatch(lambda: self.wait, self.probe, self.count_outage)

    async def probe(self) -> str:
        self.probes += 1
        if self.problem == "frozen":
            await asyncio.Event().wait()
        return self.problem

    def count_outage(self) -> None:
        self.outages += 1


async def test_brokers_are_not_asked_while_requests_are_confirmed() -> None:
    brokers = FakeBrokers()
    brokers.wait = DOUBT_AFTER / 2
    await brokers.watch.check()
    assert (brokers.probes, brokers.watch.is_out) == (0, False)


@pytest.mark.parametrize("problem", ["no broker answers", "frozen"])
async def test_an_outage_begins_once_and_ends_when_a_broker_answers(problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_watch, "ANSWER_TIMEOUT", 0.0)
    brokers = FakeBrokers()
    brokers.wait, brokers.problem = DOUBT_AFTER, problem
    await brokers.watch.check()
    brokers.wait = 0.0
    await brokers.watch.check()
    assert (brokers.probes, brokers.outages, brokers.watch.is_out) == (2, 1, True)
    brokers.problem = ""
    await brokers.watch.check()
    assert not brokers.watch.is_out
    await brokers.watch.check()
    assert (brokers.probes, brokers.outages) == (3, 1)


async def test_a_slow_partition_is_no_outage() -> None:
    brokers = FakeBrokers()
    brokers.wait = 100.0
    await brokers.watch.check()
    assert (brokers.probes, brokers.outages, brokers.watch.is_out) == (1, 0, False)


async def test_in_an_outage_what_waits_ends_and_nothing_more_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_watch, "DOUBT_AFTER", 0.0)
    producer = MemoryProducer()
    producer.is_confirming = False
    async with PublisherHarness(producer, timeout=3600.0) as publisher:
        waiting = [asyncio.create_task(publisher.publish([build_record(partition)])) for partition in (0, 1)]
        await producer.batch_sent.wait()
        producer.client.is_answering = False
        await publisher.outage.check()
        assert await asyncio.gather(*waiting) == [[False], [False]]
        assert await publisher.publish([build_record(0), build_record(1)]) == [False, False]
        producer.client.is_answering = producer.is_confirming = True
        for _, _, future in producer.sent:
            future.set_result(None)
        await publisher.outage.check()
        await run_other_tasks()
        assert await publisher.publish([build_record()]) == [True]


async def test_what_waits_has_a_bound_of_bytes_and_what_ended_makes_room() -> None:
    producer = MemoryProducer()
    producer.is_confirming = False
    large = b"x" * (MAX_WAITING_BYTES // 4)
    async with PublisherHarness(producer, timeout=3600.0) as publisher:
        waiting = [asyncio.create_task(publisher.publish([build_record(value=large)])) for _ in range(4)]
        await producer.batch_sent.wait()
        assert await publisher.publish([build_record(value=b"x")]) == [False]
        producer.is_confirming = True
        producer.sent[0][2].set_result(None)
        assert await asyncio.gather(*waiting) == [[True]] * 4
        assert await publisher.publish([build_record(value=b"x")]) == [True]


async def test_a_busy_process_does_not_take_its_own_work_for_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage_watch, "ANSWER_TIMEOUT", 0.02)

    async def answer_soon() -> str:
        for _ in range(TURNS - 3):
            await asyncio.sleep(0)
        return ""

    async def be_busy() -> None:
        while True:
            time.sleep(0.03)  # noqa: ASYNC251
            await asyncio.sleep(0)

    brokers, busy = FakeBrokers(), asyncio.create_task(be_busy())
    watch = OutageWatch(lambda: DOUBT_AFTER, answer_soon, brokers.count_outage)
    await watch.check()
    busy.cancel()
    assert (watch.is_out, brokers.outages) == (False, 0)
