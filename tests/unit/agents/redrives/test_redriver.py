"""The redriver in memory: what is produced, pacing, outages, and what becomes of a redrive that cannot go on."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from agents.redrives.redriver import FailedRedrive, RedriveDelay, RedriveEvent, RedrivenPage, Redriver
from schemas.delivery import Delivery
from schemas.errors import UnavailableError
from schemas.ids import compute_partition
from schemas.redrives import ClaimedRedrive, RedriveFacts, RedriveItem, RedriveOptions, RedriveResult
from tests.dead_letter_builders import build_failed_delivery
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import run_pending_tasks
from tests.memory_streaming import MemoryKafka, MemoryOutbox
from tests.unit.agents.redrives.test_judge import PREFIX, build_content

PARTITIONS = 4
TOPIC = f"{PREFIX}deliveries.email.medium"
REDRIVE = ClaimedRedrive("rdr_1", None, RedriveOptions())


def build_items(count: int) -> list[RedriveItem]:
    """Dead letters of deliveries, of which every third has expired."""
    deliveries = [build_delivery(number=number, expires_at=NOW + (-1 if number % 3 == 0 else 60)) for number in range(count)]
    return [
        RedriveItem(f"dlt_{number}", build_content(build_failed_delivery(one)), RedriveFacts()) for number, one in enumerate(deliveries)
    ]


@dataclass
class FakePages:
    """One redrive, which is claimed until all its items have results."""

    items: list[RedriveItem]
    redrive: ClaimedRedrive = REDRIVE
    wait: float | None = None
    outage: int = 0
    results: dict[str, RedriveResult] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    error: str = ""
    lost: dict[str, RedriveResult] = field(default_factory=dict)
    is_running: bool = True
    renewed: asyncio.Event = field(default_factory=asyncio.Event)

    async def claim(self, holder: str) -> ClaimedRedrive | None:
        return self.redrive if self.items and not self.error else None

    async def get_wait(self) -> float | None:
        return self.wait

    async def read_page(self, redrive_id: str, limit: int) -> list[RedriveItem]:
        return self.items[:limit]

    async def take(self, redrive_id: str, dead_letter_ids: Sequence[str]) -> Mapping[str, RedriveResult] | None:
        return {one: result for one, result in self.lost.items() if one in dead_letter_ids} if self.is_running else None

    async def renew(self, redrive_id: str, holder: str) -> None:
        assert (redrive_id, holder) == ("rdr_1", "w-1")
        self.renewed.set()
        raise UnavailableError("PostgreSQL does not answer")

    async def store_page(self, redrive_id: str, results: Mapping[str, RedriveResult], seconds: float) -> bool:
        if self.outage:
            self.outage -= 1
            raise UnavailableError("PostgreSQL does not answer")
        self.waits.append(seconds)
        self.results |= results
        self.items = [item for item in self.items if item.id not in self.results]
        return not self.items

    async def fail(self, redrive_id: str, holder: str, error: str) -> None:
        self.error = error


class UnreliableOutbox(MemoryOutbox):
    """An outbox whose flush fails after the records are written, as long as `outages` has an entry."""

    def __init__(self, kafka: MemoryKafka, outages: list[str]) -> None:
        super().__init__(kafka)
        self.outages = outages

    async def flush(self) -> None:  # type: ignore[override]
        super().flush()
        if self.outages:
            raise UnavailableError(self.outages.pop())


class RedriverHarness:
    """A redriver with its pages and topics."""

    def __init__(self, pages: FakePages, max_page: int = 4, max_record_bytes: int = 1_000_000) -> None:
        self.pages, self.kafka, self.outages = pages, MemoryKafka(max_record_bytes), list[str]()
        self.observed: list[RedriveEvent] = []
        self.slept: list[float] = []
        self.redriver = Redriver(
            pages,
            lambda: UnreliableOutbox(self.kafka, self.outages),
            self.sleep,
            lambda: NOW,
            "w-1",
            PARTITIONS,
            PREFIX,
            1.0,
            max_page,
            5.0,
            self.observed.append,
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if not self.pages.items or self.pages.error:
            raise StopAsyncIteration

    async def run(self) -> None:
        """Run until nothing is open."""
        with pytest.raises(StopAsyncIteration):
            await self.redriver.run_forever()

    def read(self) -> list[Delivery]:
        """The deliveries that were produced, each on the partition of its user."""
        records = [(partition, record) for partition in range(PARTITIONS) for record in self.kafka.get_records(TOPIC, partition)]
        assert all(partition == compute_partition((record.key or b"").decode(), PARTITIONS) for partition, record in records)
        return [msgspec.json.decode(record.value or b"", type=Delivery) for _, record in records]


async def test_what_may_be_sent_is_produced_once_and_the_rest_is_counted() -> None:
    harness = RedriverHarness(FakePages(build_items(10)))
    await harness.run()
    deliveries = harness.read()
    assert {(one.id, one.redrive_count) for one in deliveries} == {(build_delivery(number=n).id, 1) for n in (1, 2, 4, 5, 7, 8)}
    assert len(deliveries) == 6
    assert sorted(harness.pages.results.values()) == ["expired"] * 4 + ["redriven"] * 6
    pages = [event for event in harness.observed if isinstance(event, RedrivenPage)]
    assert [(page.results, page.is_last) for page in pages] == [
        ({"expired": 2, "redriven": 2}, False),
        ({"expired": 1, "redriven": 3}, False),
        ({"expired": 1, "redriven": 1}, True),
    ]


@pytest.mark.parametrize("of_kafka", [True, False])
async def test_a_page_that_is_produced_again_has_the_same_records(of_kafka: bool) -> None:
    harness = RedriverHarness(FakePages(build_items(3), outage=0 if of_kafka else 2))
    harness.outages += ["Kafka has not confirmed"] * 2 * of_kafka
    await harness.run()
    deliveries = harness.read()
    assert len(deliveries) == 6
    assert len({msgspec.json.encode(one) for one in deliveries}) == 2
    assert [event.seconds for event in harness.observed if isinstance(event, RedriveDelay)] == [1.0, 2.0] == harness.slept[:2]
    assert sorted(harness.pages.results.values()) == ["expired", "redriven", "redriven"]


@pytest.mark.parametrize(("rate", "size", "seconds"), [(1, 1, 0.0), (12, 3, 2 / 12), (4000, 4, 2 / 4000)])
async def test_a_rate_limits_the_page_and_only_what_is_produced_counts(rate: int, size: int, seconds: float) -> None:
    pages = FakePages(build_items(10), msgspec.structs.replace(REDRIVE, rate=rate))
    await RedriverHarness(pages).redriver.redrive_next()
    assert (len(pages.results), pages.waits) == (size, [seconds])


async def test_a_record_that_its_topic_does_not_take_costs_only_itself() -> None:
    large = build_failed_delivery(build_delivery(number=1, type="x" * 2000))
    items = [*build_items(2), RedriveItem("dlt_large", build_content(large), RedriveFacts())]
    harness = RedriverHarness(FakePages(items), max_record_bytes=1500)
    await harness.run()
    assert harness.pages.results == {"dlt_0": "expired", "dlt_1": "redriven", "dlt_large": "too_large"}


async def test_an_unexpected_error_ends_the_redrive_and_not_the_worker() -> None:
    harness = RedriverHarness(FakePages([RedriveItem("dlt_1", "no content", RedriveFacts())]))  # type: ignore[arg-type]
    await harness.run()
    assert harness.observed == [FailedRedrive("rdr_1", "unexpected error: AttributeError")]
    assert harness.read() == []


async def test_what_was_discarded_or_taken_since_the_page_was_read_is_not_produced() -> None:
    lost: dict[str, RedriveResult] = {"dlt_1": "discarded", "dlt_2": "already_redriven", "dlt_4": "missing"}
    harness = RedriverHarness(FakePages(build_items(6), lost=lost), max_page=10)
    await harness.run()
    assert [one.id for one in harness.read()] == [build_delivery(number=5).id]
    assert harness.pages.results == {"dlt_0": "expired", "dlt_3": "expired", **lost, "dlt_5": "redriven"}


async def test_a_redrive_that_was_cancelled_since_its_page_was_read_produces_nothing_and_is_given_back() -> None:
    harness = RedriverHarness(FakePages(build_items(3), is_running=False))
    await harness.redriver.redrive_next()
    assert harness.read() == []
    assert (harness.pages.results, harness.pages.waits, harness.observed) == ({}, [0.0], [])


async def test_a_page_is_kept_in_hand_as_long_as_kafka_does_not_take_it() -> None:
    harness = RedriverHarness(FakePages(build_items(3)))

    class SlowOutbox(MemoryOutbox):
        async def flush(self) -> None:  # type: ignore[override]
            await harness.pages.renewed.wait()
            harness.pages.renewed.clear()
            await harness.pages.renewed.wait()
            super().flush()

    async def yield_once(seconds: float) -> None:
        harness.slept.append(seconds)
        await asyncio.sleep(0)

    harness.redriver._create_outbox, harness.redriver._sleep = lambda: SlowOutbox(harness.kafka), yield_once
    await harness.redriver.redrive_next()
    assert harness.slept[:2] == [5.0, 5.0]
    assert len(harness.read()) == 2
    await run_pending_tasks()
    harness.pages.renewed.clear()
    await run_pending_tasks()
    assert not harness.pages.renewed.is_set(), "it is not renewed any more"


@pytest.mark.parametrize(("wait", "slept"), [(None, 1.0), (0.5, 0.5), (-3.0, 0.02), (60.0, 1.0)])
async def test_it_looks_again_when_a_page_is_due(wait: float | None, slept: float) -> None:
    assert await RedriverHarness(FakePages([], wait=wait)).redriver.redrive_next() == slept


async def test_a_worker_that_stops_begins_no_other_page() -> None:
    harness = RedriverHarness(FakePages(build_items(3)))
    await harness.redriver.stop()
    task = asyncio.create_task(harness.redriver.run_forever())
    await run_pending_tasks()
    assert harness.pages.results == {}
    task.cancel()
