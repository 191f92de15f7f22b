"""Endpoints are read ahead of the batches that name them, again when they are old, and survive an outage."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import msgspec

from agents.delivery.endpoint_cache import EndpointCache
from schemas.errors import UnavailableError
from schemas.ports import Batch, BatchHandle
from schemas.webhook_endpoints import DELETED, SigningEndpoint
from tests.delivery_builders import build_delivery
from tests.fakes import FakeRecord, run_pending_tasks
from tests.unit.agents.delivery.harness import FakeBatchHandle

ONE, TWO, THREE = (f"whe_{digit * 32}" for digit in "123")


class FakeStore:
    """Endpoints by id, and what was asked for; `gate` holds an answer back, `problem` stands for a PostgreSQL that is down."""

    def __init__(self, *ids: str) -> None:
        self.endpoints = {one: SigningEndpoint(one, "hmac", True, 1, b"s") for one in ids}
        self.asked: list[list[str]] = []
        self.problem = ""
        self.gate: asyncio.Event | None = None

    async def get_many(self, endpoint_ids: Iterable[str]) -> Mapping[str, SigningEndpoint]:
        ids = [*endpoint_ids]
        self.asked.append(ids)
        if self.gate:
            await self.gate.wait()
        if self.problem:
            raise UnavailableError(self.problem)
        return {one: self.endpoints[one] for one in ids if one in self.endpoints}


class Harness:
    def __init__(self, store: FakeStore, size: int = 100) -> None:
        self.store, self.now, self.causes = store, 0.0, list[str]()
        self.cache = EndpointCache(store, lambda: self.now, 3.0, self.causes.append, size)

    async def prepare(self, *ids: str) -> None:
        await self.cache.prepare([build_record(one) for one in ids])

    async def finish_reading(self) -> None:
        await asyncio.gather(*self.cache._tasks)


def build_record(endpoint_id: str) -> FakeRecord:
    return FakeRecord(offset=0, value=msgspec.json.encode(build_delivery("webhook", endpoint_id=endpoint_id)))


async def test_an_endpoint_is_known_before_the_batch_that_names_it_comes() -> None:
    harness = Harness(FakeStore(ONE, TWO))
    assert harness.cache.find(ONE) is None

    async def iterate() -> AsyncIterator[BatchHandle]:
        yield FakeBatchHandle(Batch("deliveries.webhook.high", 0, [build_record(ONE), build_record(THREE), build_record(ONE)]))
        yield FakeBatchHandle(Batch("deliveries.webhook.high", 0, [build_record("")]))

    seen = [(len(handle.batch), harness.cache.find(ONE)) async for handle in harness.cache.read_ahead(iterate())]
    assert seen == [(3, harness.store.endpoints[ONE]), (1, harness.store.endpoints[ONE])]
    assert harness.store.asked == [[ONE, THREE]], "one look-up for a batch, and none for one that names no endpoint"
    assert harness.cache.find(THREE) is DELETED


async def test_an_old_endpoint_is_read_again_before_it_is_used() -> None:
    harness = Harness(FakeStore(ONE))
    await harness.prepare(ONE)
    harness.store.endpoints[ONE] = disabled = msgspec.structs.replace(harness.store.endpoints[ONE], is_enabled=False, version=2)
    harness.now = 3.1
    await harness.prepare(ONE)
    assert harness.cache.find(ONE) == disabled


async def test_an_ageing_endpoint_is_used_while_it_is_read_again() -> None:
    harness = Harness(FakeStore(ONE))
    await harness.prepare(ONE)
    harness.store.endpoints[ONE] = disabled = msgspec.structs.replace(harness.store.endpoints[ONE], is_enabled=False, version=2)
    harness.now = 1.5
    await harness.prepare(ONE)
    assert len(harness.store.asked) == 1
    harness.now, harness.store.gate = 1.6, asyncio.Event()
    await harness.prepare(ONE)
    await harness.prepare(ONE)
    found = harness.cache.find(ONE)
    assert found is not None
    assert found.is_enabled, "no batch waits for it"
    harness.store.gate.set()
    await harness.finish_reading()
    assert harness.cache.find(ONE) == disabled
    assert len(harness.store.asked) == 2, "it is read once for all batches"


async def test_a_slow_reading_brings_no_old_state_back() -> None:
    harness = Harness(FakeStore(ONE))
    before, harness.store.gate = harness.store.endpoints[ONE], asyncio.Event()
    slow = asyncio.create_task(harness.prepare(ONE))
    await run_pending_tasks()
    gate, harness.store.gate, harness.now = harness.store.gate, None, 1.0
    harness.store.endpoints[ONE] = disabled = msgspec.structs.replace(before, is_enabled=False, version=2)
    await harness.prepare(ONE)
    assert harness.cache.find(ONE) == disabled
    harness.store.endpoints[ONE] = before  # what the slow one has read
    gate.set()
    await slow
    await harness.finish_reading()
    assert harness.cache.find(ONE) == disabled


async def test_the_last_known_endpoint_survives_an_outage_which_is_reported_once() -> None:
    harness = Harness(FakeStore(ONE))
    await harness.prepare(ONE)
    harness.store.problem = "down"
    for harness.now in (10.0, 20.0):
        await harness.prepare(ONE)
        await harness.finish_reading()
    assert harness.cache.find(ONE) == harness.store.endpoints[ONE]
    assert harness.causes == ["down"]
    harness.store.problem, harness.now = "", 30.0
    await harness.prepare(TWO)
    assert harness.cache.find(TWO) is DELETED


async def test_an_unknown_endpoint_stays_unknown_in_an_outage() -> None:
    harness = Harness(FakeStore(ONE))
    harness.store.problem = "down"
    await harness.prepare(ONE)
    assert harness.cache.find(ONE) is None
    assert harness.causes == ["down"]


async def test_a_batch_does_not_wait_long_for_a_store_that_does_not_answer() -> None:
    harness = Harness(FakeStore(ONE))
    harness.store.gate = asyncio.Event()
    async with asyncio.timeout(60):
        await harness.prepare(ONE)
        await harness.prepare(TWO)
    assert harness.cache.find(ONE) is None
    harness.store.gate.set()
    await harness.finish_reading()
    assert harness.cache.find(ONE) == harness.store.endpoints[ONE], "the answer is used when it comes"


async def test_the_endpoints_that_were_named_last_are_kept() -> None:
    harness = Harness(FakeStore(ONE, TWO, THREE), size=2)
    for one in (ONE, TWO, ONE, THREE):
        await harness.prepare(one)
    assert [harness.cache.find(one) is None for one in (ONE, TWO, THREE)] == [False, True, False]


async def test_a_batch_that_is_revoked_while_its_endpoints_are_read_does_not_come() -> None:
    harness = Harness(FakeStore(ONE))
    harness.store.gate = asyncio.Event()

    async def iterate() -> AsyncIterator[BatchHandle]:
        for partition in (0, 1):
            yield FakeBatchHandle(Batch("deliveries.webhook.high", partition, [build_record(ONE)]))

    async def collect() -> list[int]:
        return [handle.batch.partition async for handle in harness.cache.read_ahead(iterate())]

    collecting = asyncio.create_task(collect())
    await run_pending_tasks()
    harness.cache.drop_partitions([0, 7])
    harness.store.gate.set()
    assert await collecting == [1]


async def test_words_in_a_payload_and_records_without_value_do_no_harm() -> None:
    harness = Harness(FakeStore())
    values = (None, b'{"endpoint_id": "x"}', b'{"endpoint_id" : "%b"}' % ONE.encode())
    await harness.cache.prepare([FakeRecord(value=value) for value in values])
    assert harness.store.asked == [[ONE]]
    await harness.cache.stop()
