"""The consumer's delegate takes records by priority, can be woken up, even before it waits, and paces aiokafka's fetches."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError, KafkaError, KafkaTimeoutError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.types import TP

from app.streaming.consumer import consumer_delegate
from app.streaming.consumer.buffered_records import FetchRequest, TakenRecords
from app.streaming.consumer.consumer_delegate import ConsumerDelegate
from app.streaming.consumer.fetch_scheduling import FetchPacer, PriorityLimits, PrioritySelector
from tests.unit.app.streaming.waiting import wait_until

HIGH, LOW, CHANGELOG = TP("high", 0), TP("low", 0), TP("changes", 0)
LIMITS = (
    PriorityLimits(max_batch_records=3, max_batch_records_busy=3, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=0),
    PriorityLimits(
        max_batch_records=5,
        max_batch_records_busy=2,
        max_in_flight_batches=1,
        max_in_flight_batches_busy=1,
        max_skips=2,
        gathering_time=0.45,
    ),
)
NO_TIMEOUT = 3600.0
ActionPlan = tuple[list[TP], dict[int, Any], float, bool, list[Any]]


class FakePartitionState:
    has_valid_position = True

    def __init__(self) -> None:
        self.position = 0


FIRST_OFFSET = 40  # of every partition, after a reset


class FakeRecord(int):
    """A record, appended a second after the one before."""

    @property
    def timestamp(self) -> int:
        return 1000 * self


class FakeFetchResult(list[FakeRecord | None]):
    """Buffered records, fetched `age` seconds ago."""

    def __init__(self, records: Iterable[int | None], age: float = 0.0) -> None:
        super().__init__(None if record is None else FakeRecord(record) for record in records)
        self._created = monotonic() - age


class FakeFetcher:
    """The parts of aiokafka's fetcher that are used: buffered records, positions, and waiters that new data resolves.

    None in place of a record is an offset without one.
    """

    def __init__(self, **buffered: int) -> None:
        self._records = {TP(topic, 0): FakeFetchResult(range(count), age=0.002) for topic, count in buffered.items()}
        self._states: defaultdict[TP, FakePartitionState] = defaultdict(FakePartitionState)
        self._errors: dict[TP, KafkaError] = {}
        self.is_reachable = True
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._subscriptions = self.subscription = self.assignment = self
        self._prefetch_backoff = 0.1
        self._fetch_max_wait_ms = 0
        self._fetcher_timeout = 0.9
        self._in_flight: set[int] = set()
        self._pending_tasks: set[asyncio.Future[bool]] = set()
        self.tps = [HIGH, LOW, CHANGELOG]

    async def fetched_records(self, partitions: set[TP], timeout: float, max_records: int) -> dict[TP, Sequence[int]]:
        (tp,) = partitions
        if tp in self._errors:
            del self._records[tp]
            raise self._errors.pop(tp)
        taken = self._records[tp][:max_records]
        self._states[tp].position += len(taken)
        del self._records[tp][:max_records]
        if not self._records[tp]:
            del self._records[tp]
        records = [record for record in taken if record is not None]
        return {tp: records} if records else {}

    async def beginning_offsets(self, partitions: list[TP], timeout_ms: int) -> dict[TP, int]:
        if not self.is_reachable:
            raise KafkaTimeoutError
        return dict.fromkeys(partitions, FIRST_OFFSET)

    def seek_to(self, tp: TP, offset: int) -> None:
        self._states[tp].position = offset

    def is_assigned(self, tp: TP) -> bool:
        return True

    def fail(self, tp: TP, error: KafkaError) -> None:
        """Buffer an error instead of records."""
        self._records[tp], self._errors[tp] = FakeFetchResult([]), error

    def state_value(self, tp: TP) -> FakePartitionState:
        return self._states[tp]

    @contextmanager
    def fetch_context(self) -> Iterator[None]:
        yield

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        self._waiters.append(asyncio.get_running_loop().create_future())
        return self._waiters[-1]

    def add_records(self, tp: TP, count: int) -> None:
        self._records[tp] = FakeFetchResult(range(count))
        self._waiters[-1].set_result(None)

    def _get_actions_per_node(self, assignment: Any) -> ActionPlan:
        return list(assignment.tps), {}, self._fetcher_timeout, False, []


class FakeFetchConsumer:
    def __init__(self, fetcher: FakeFetcher) -> None:
        self._fetcher = fetcher
        self._closed = False
        self.flow_active = True
        self._active_partitions = {HIGH, LOW}


def build_delegate(fetcher: FakeFetcher) -> Any:
    """A delegate with a fake in place of aiokafka's consumer."""
    delegate: Any = object.__new__(ConsumerDelegate)
    delegate._consumer = delegate.consumer = FakeFetchConsumer(fetcher)
    delegate.transport = SimpleNamespace(settings=SimpleNamespace(priority_limits=LIMITS), topic_priorities={HIGH.topic: 0, LOW.topic: 1})
    delegate._waiter, delegate._wakeup_pending = None, False
    delegate.priority_selector = PrioritySelector(LIMITS, busy_period=NO_TIMEOUT)
    delegate.fetch_pacer = FetchPacer(LIMITS, max_wait=0.5)
    return delegate


def build_request(*, high: bool = True, low: bool = True, changelog: bool = False) -> FetchRequest:
    return FetchRequest([[HIGH] if high else [], [LOW] if low else []], [CHANGELOG] if changelog else [])


async def test_the_higher_priority_is_taken_first_in_batches_of_its_limit() -> None:
    delegate = build_delegate(FakeFetcher(high=4, low=4))
    assert await delegate.poll(build_request(), 0.0) == {HIGH: TakenRecords(0, [0, 1, 2], 3)}
    assert await delegate.poll(build_request(), 0.0) == {HIGH: TakenRecords(3, [3], 4)}
    assert await delegate.poll(build_request(), 0.0) == {LOW: TakenRecords(0, [0, 1], 2)}  # busy limit: the high priority had traffic


async def test_a_lower_priority_alone_is_taken_in_large_batches() -> None:
    assert await build_delegate(FakeFetcher(low=9)).poll(build_request(), 0.0) == {LOW: TakenRecords(0, [0, 1, 2, 3, 4], 5)}


async def test_a_priority_without_room_is_not_taken() -> None:
    delegate = build_delegate(FakeFetcher(high=1, low=1))
    assert await delegate.poll(build_request(high=False), 0.0) == {LOW: TakenRecords(0, [0], 1)}
    assert HIGH in delegate._consumer._fetcher._records


async def test_a_starving_priority_gets_its_turn() -> None:
    delegate = build_delegate(FakeFetcher(high=100, low=100))
    topics = [next(iter(await delegate.poll(build_request(), 0.0))).topic for _ in range(6)]
    assert topics == ["high", "high", "low", "high", "high", "low"]


async def test_changelogs_are_taken_together_with_a_priority() -> None:
    delegate = build_delegate(FakeFetcher(high=1, changes=2))
    assert await delegate.poll(build_request(changelog=True), 0.0) == {CHANGELOG: TakenRecords(0, [0, 1], 2), HIGH: TakenRecords(0, [0], 1)}


async def test_offsets_without_records_move_the_position() -> None:
    fetcher = FakeFetcher(low=2)
    fetcher._records[LOW].append(None)
    fetcher._records[HIGH] = FakeFetchResult([None, None])
    delegate = build_delegate(fetcher)
    assert await delegate.poll(build_request(), 0.0) == {HIGH: TakenRecords(0, (), 2)}
    assert await delegate.poll(build_request(), 0.0) == {LOW: TakenRecords(0, [0, 1], 2)}
    assert await delegate.poll(build_request(), 0.0) == {LOW: TakenRecords(2, (), 3)}


@pytest.mark.parametrize("error", [OffsetOutOfRangeError({LOW: 7}), NoOffsetForPartitionError(LOW)])
async def test_a_position_that_the_log_does_not_have_is_set_to_its_first_offset(error: KafkaError) -> None:
    fetcher = FakeFetcher()
    fetcher._states[LOW].position = 7
    fetcher.fail(LOW, error)
    assert await build_delegate(fetcher).poll(build_request(), 0.0) == {LOW: TakenRecords(FIRST_OFFSET, (), FIRST_OFFSET)}


async def test_a_position_stays_while_kafka_does_not_report_the_first_offset() -> None:
    fetcher = FakeFetcher(high=1)
    fetcher.is_reachable = False
    fetcher.fail(LOW, OffsetOutOfRangeError({LOW: 7}))
    assert await build_delegate(fetcher).poll(build_request(high=False), 0.0) == {}
    assert fetcher._states[LOW].position == 0


async def test_poll_waits_for_data() -> None:
    fetcher = FakeFetcher()
    poll = asyncio.ensure_future(build_delegate(fetcher).poll(build_request(), NO_TIMEOUT))
    await wait_until(lambda: bool(fetcher._waiters))
    fetcher.add_records(LOW, 1)
    assert await poll == {LOW: TakenRecords(0, [0], 1)}


async def test_poll_waits_at_most_its_timeout() -> None:
    assert await build_delegate(FakeFetcher()).poll(build_request(), 0.001) == {}


async def test_wakeup_ends_the_wait() -> None:
    fetcher = FakeFetcher()
    delegate = build_delegate(fetcher)
    poll = asyncio.ensure_future(delegate.poll(build_request(), NO_TIMEOUT))
    await wait_until(lambda: bool(fetcher._waiters))
    delegate.wakeup()
    assert await poll == {}


async def test_a_wakeup_between_the_look_for_records_and_the_wait_is_not_lost() -> None:
    class InterruptedFetcher(FakeFetcher):
        async def beginning_offsets(self, partitions: list[TP], timeout_ms: int) -> dict[TP, int]:
            delegate.wakeup()
            raise KafkaTimeoutError

    fetcher = InterruptedFetcher()
    delegate = build_delegate(fetcher)
    fetcher.fail(LOW, OffsetOutOfRangeError({LOW: 7}))
    async with asyncio.timeout(60):
        assert await delegate.poll(build_request(), NO_TIMEOUT) == {}


async def test_a_wakeup_ends_no_later_poll() -> None:
    fetcher = FakeFetcher()
    delegate = build_delegate(fetcher)
    delegate.wakeup()
    poll = asyncio.ensure_future(delegate.poll(build_request(), NO_TIMEOUT))
    await wait_until(lambda: bool(fetcher._waiters))
    fetcher.add_records(HIGH, 1)
    assert await poll == {HIGH: TakenRecords(0, [0], 1)}


async def test_nothing_is_taken_while_the_flow_is_stopped() -> None:
    delegate = build_delegate(FakeFetcher(high=1))
    delegate.consumer.flow_active = False
    assert await delegate.poll(build_request(), NO_TIMEOUT) == {}


@pytest.mark.parametrize("closed", ["consumer", "fetcher"])
async def test_a_poll_of_a_closed_consumer_raises(closed: str) -> None:
    delegate = build_delegate(FakeFetcher(high=1))
    (delegate._consumer if closed == "consumer" else delegate._consumer._fetcher)._closed = True
    with pytest.raises(ConsumerStoppedError):
        await delegate.poll(build_request(), 0.0)


async def test_a_fetch_waits_long_at_the_broker_only_if_no_active_partition_has_buffered_records() -> None:
    fetcher = FakeFetcher(changes=1)
    delegate = build_delegate(fetcher)
    delegate._pace_fetches(fetcher)
    assert (fetcher._prefetch_backoff, fetcher._fetcher_timeout) == (0.005, 2.0)
    fetcher._get_actions_per_node(fetcher)
    assert fetcher._fetch_max_wait_ms == 500  # an idle changelog does not count
    fetcher._records[LOW] = FakeFetchResult([1], age=-3600.0)  # just now, also if the test is slow
    fetcher._get_actions_per_node(fetcher)
    assert fetcher._fetch_max_wait_ms == 10
    fetcher._records[LOW] = FakeFetchResult([1], age=3600.0)
    fetcher._get_actions_per_node(fetcher)
    assert fetcher._fetch_max_wait_ms == 500


@pytest.mark.parametrize(("age", "is_planned"), [(0.0, False), (0.0009, False), (0.0011, True)])
async def test_nothing_is_planned_between_a_fetch_and_the_taking_of_its_records(
    age: float, is_planned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = FakeFetcher(low=1)
    build_delegate(fetcher)._pace_fetches(fetcher)
    fetched_at = fetcher._records[LOW]._created
    monkeypatch.setattr(consumer_delegate, "monotonic", lambda: fetched_at + age)
    fetches, _, seconds, _, _ = fetcher._get_actions_per_node(fetcher)
    assert (fetches, seconds) == (([HIGH, LOW, CHANGELOG], 2.0) if is_planned else ([], 0.005))


async def test_during_a_backlog_a_fetch_waits_for_the_other_partitions() -> None:
    fetcher = FakeFetcher()
    fetcher._records[LOW] = FakeFetchResult([1], age=2.4)
    delegate = build_delegate(fetcher)
    delegate._pace_fetches(fetcher)
    assert await delegate.poll(build_request(), 0.0) == {LOW: TakenRecords(0, [1], 1)}
    fetcher._records[LOW] = FakeFetchResult([2], age=-3600.0)
    fetcher._get_actions_per_node(fetcher)
    assert fetcher._fetch_max_wait_ms >= 300  # an eighth of how long the last records lasted


async def test_a_priority_that_gathers_is_left_out_of_the_fetch_until_its_time_is_over() -> None:
    fetcher = FakeFetcher(low=5)
    delegate = build_delegate(fetcher)
    delegate._pace_fetches(fetcher)
    assert fetcher._get_actions_per_node(fetcher)[0] == [HIGH, LOW, CHANGELOG]
    await delegate.poll(build_request(), 0.0)
    assert fetcher._get_actions_per_node(fetcher)[0] == [HIGH, CHANGELOG]
    assert 0 < fetcher._fetch_max_wait_ms <= 450
    fetcher._states[LOW].has_valid_position = False  # the fetch of another one finds its position
    assert fetcher._get_actions_per_node(fetcher)[0] == [HIGH, LOW, CHANGELOG]


async def test_the_next_plan_is_made_at_the_end_of_a_gathering_time_if_nothing_can_be_fetched() -> None:
    fetcher = FakeFetcher(low=5)
    fetcher.tps = [LOW]
    delegate = build_delegate(fetcher)
    delegate._pace_fetches(fetcher)
    await delegate.poll(build_request(), 0.0)
    fetches, _, seconds, _, _ = fetcher._get_actions_per_node(fetcher)
    assert fetches == []
    assert 0 < seconds <= 0.45
    fetcher._in_flight.add(1)
    fetcher._pending_tasks.add(asyncio.get_running_loop().create_future())
    assert fetcher._get_actions_per_node(fetcher)[2] == 2.0


@pytest.mark.parametrize("is_forgotten", [False, True])
async def test_a_fetch_that_has_ended_but_counts_as_in_flight_delays_no_plan(is_forgotten: bool) -> None:
    fetcher = FakeFetcher()
    build_delegate(fetcher)._pace_fetches(fetcher)
    fetch = asyncio.get_running_loop().create_future()
    fetcher._in_flight.add(1)
    fetcher._pending_tasks.add(fetch)
    assert fetcher._get_actions_per_node(fetcher)[2] == 2.0
    fetch.set_result(True)
    if is_forgotten:
        fetcher._pending_tasks.clear()
    assert fetcher._get_actions_per_node(fetcher)[2] == 0.0


class FakeCoordinator:
    def __init__(self) -> None:
        self.is_confirmed = True

    async def _do_heartbeat(self) -> bool:
        return self.is_confirmed


async def test_only_a_confirmed_heartbeat_counts() -> None:
    delegate, coordinator = build_delegate(FakeFetcher()), FakeCoordinator()
    delegate._last_heartbeat_at = 0.0
    delegate._record_heartbeats(coordinator)
    coordinator.is_confirmed = False
    assert await coordinator._do_heartbeat() is False
    assert delegate.get_last_heartbeat_at() == 0.0
    coordinator.is_confirmed = True
    assert await coordinator._do_heartbeat() is True
    assert delegate.get_last_heartbeat_at() > 0.0
