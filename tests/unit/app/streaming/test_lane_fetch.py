"""The consumer's thread takes lane by lane, wakes when told, even before it waits, and paces the fetches of aiokafka."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from aiokafka.errors import ConsumerStoppedError
from faust.types import TP

from app.streaming.lane_fetch import LaneThread, Wish
from app.streaming.lanes import FairRound, LaneRule
from app.streaming.pace import Pace, PaceRule

HIGH, LOW, CHANGES = TP("high", 0), TP("low", 0), TP("changes", 0)
RULES = (
    LaneRule(records=3, records_busy=3, depth=2, depth_busy=2, patience=0),
    LaneRule(records=5, records_busy=2, depth=1, depth_busy=1, patience=2),
)
FOR_EVER = 3600.0
Plan = tuple[list[str], dict[int, Any], float, bool, list[Any]]


class FetcherTwin:
    """aiokafka's fetcher as far as it is used: buffered records, and waiters that new data resolves."""

    def __init__(self, **buffered: int) -> None:
        self._records: dict[TP, list[int]] = {TP(topic, 0): list(range(count)) for topic, count in buffered.items()}
        self._closed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._subscriptions = self
        self._prefetch_backoff = 0.1
        self._fetch_max_wait_ms = 0
        self._fetcher_timeout = 0.2

    async def fetched_records(self, partitions: set[TP], timeout: float, most: int) -> dict[TP, Sequence[int]]:
        (tp,) = partitions
        taken, rest = self._records[tp][:most], self._records[tp][most:]
        self._records[tp] = rest
        if not rest:
            del self._records[tp]
        return {tp: taken}

    @contextmanager
    def fetch_context(self) -> Iterator[None]:
        yield

    def _create_fetch_waiter(self) -> asyncio.Future[None]:
        self._waiters.append(asyncio.get_running_loop().create_future())
        return self._waiters[-1]

    def arrive(self, tp: TP, count: int) -> None:
        self._records[tp] = list(range(count))
        self._waiters[-1].set_result(None)

    def _get_actions_per_node(self, assignment: Any) -> Plan:
        return ["fetch"], {}, 0.2, False, []


class ConsumerTwin:
    def __init__(self, fetcher: FetcherTwin) -> None:
        self._fetcher = fetcher
        self._closed = False
        self.flow_active = True
        self._active_partitions = {HIGH, LOW}


def a_thread(fetcher: FetcherTwin) -> Any:
    """A thread object without the thread, on the running loop."""
    thread: Any = object.__new__(LaneThread)
    thread.thread_loop = asyncio.get_running_loop()
    thread._consumer = thread.consumer = ConsumerTwin(fetcher)
    thread._waiter, thread._woken = None, False
    thread.fair = FairRound(RULES, quiet=FOR_EVER)
    thread.pace = Pace(PaceRule(idle=0.5, partial=0.01, gather=FOR_EVER, gather_below=2))
    return thread


def wish(*, high: bool = True, low: bool = True, changes: bool = False) -> Wish:
    return Wish([[HIGH] if high else [], [LOW] if low else []], [CHANGES] if changes else [], 1000)


async def test_the_higher_lane_is_taken_first_up_to_its_records() -> None:
    thread = a_thread(FetcherTwin(high=4, low=4))
    assert await thread._take(wish(), 0.0) == {HIGH: [0, 1, 2]}
    assert await thread._take(wish(), 0.0) == {HIGH: [3]}
    assert await thread._take(wish(), 0.0) == {LOW: [0, 1]}  # small: the high lane had traffic


async def test_a_lower_lane_alone_is_taken_in_large_batches() -> None:
    assert await a_thread(FetcherTwin(low=9))._take(wish(), 0.0) == {LOW: [0, 1, 2, 3, 4]}


async def test_a_lane_without_room_is_left_alone() -> None:
    thread = a_thread(FetcherTwin(high=1, low=1))
    assert await thread._take(wish(high=False), 0.0) == {LOW: [0]}
    assert HIGH in thread._consumer._fetcher._records


async def test_a_starving_lane_gets_its_turn() -> None:
    thread = a_thread(FetcherTwin(high=100, low=100))
    taken = [next(iter(await thread._take(wish(), 0.0))).topic for _ in range(6)]
    assert taken == ["high", "high", "low", "high", "high", "low"]


async def test_changelogs_come_beside_a_lane() -> None:
    thread = a_thread(FetcherTwin(high=1, changes=2))
    assert await thread._take(wish(changes=True), 0.0) == {CHANGES: [0, 1], HIGH: [0]}


async def test_it_waits_for_data() -> None:
    fetcher = FetcherTwin()
    take = asyncio.ensure_future(a_thread(fetcher)._take(wish(), FOR_EVER))
    await _until(lambda: bool(fetcher._waiters))
    fetcher.arrive(LOW, 1)
    assert await take == {LOW: [0]}


async def test_it_waits_no_longer_than_told() -> None:
    assert await a_thread(FetcherTwin())._take(wish(), 0.001) == {}


async def test_waking_ends_the_wait() -> None:
    fetcher = FetcherTwin()
    thread = a_thread(fetcher)
    take = asyncio.ensure_future(thread._take(wish(), FOR_EVER))
    await _until(lambda: bool(fetcher._waiters))
    thread.wake()
    assert await take == {}


async def test_a_wake_that_comes_before_the_wait_is_not_lost() -> None:
    thread = a_thread(FetcherTwin())
    thread._wake()
    async with asyncio.timeout(10):
        assert await thread._take(wish(), FOR_EVER) == {}


async def test_a_wake_is_used_up_by_one_wait() -> None:
    fetcher = FetcherTwin()
    thread = a_thread(fetcher)
    thread._wake()
    async with asyncio.timeout(10):
        await thread._take(wish(), FOR_EVER)
    take = asyncio.ensure_future(thread._take(wish(), FOR_EVER))
    await _until(lambda: bool(fetcher._waiters))
    fetcher.arrive(HIGH, 1)
    assert await take == {HIGH: [0]}


async def test_before_the_thread_has_started_a_wake_is_harmless() -> None:
    thread = a_thread(FetcherTwin())
    thread._consumer = None
    thread.wake()


async def test_nothing_is_taken_while_the_flow_is_stopped() -> None:
    thread = a_thread(FetcherTwin(high=1))
    thread.consumer.flow_active = False
    assert await thread._take(wish(), FOR_EVER) == {}


@pytest.mark.parametrize("who", ["consumer", "fetcher"])
async def test_a_closed_consumer_is_an_error(who: str) -> None:
    thread = a_thread(FetcherTwin(high=1))
    (thread._consumer if who == "consumer" else thread._consumer._fetcher)._closed = True
    with pytest.raises(ConsumerStoppedError):
        await thread._take(wish(), 0.0)


class TransportTwin:
    class settings:
        fetch_hold = 0.005


async def test_a_fetch_parks_long_only_if_nothing_wanted_waits_unread() -> None:
    fetcher = FetcherTwin(changes=1)
    thread = a_thread(fetcher)
    thread.transport = TransportTwin
    thread._set_pace(fetcher)
    assert fetcher._prefetch_backoff == 0.005
    fetcher._get_actions_per_node(None)
    assert fetcher._fetch_max_wait_ms == 500  # an idle changelog does not count
    fetcher._records[LOW] = [1]
    fetcher._get_actions_per_node(None)
    assert fetcher._fetch_max_wait_ms == 10


async def test_after_a_few_records_the_next_fetch_waits_but_the_fetcher_looks_again_soon() -> None:
    fetcher = FetcherTwin(high=1)
    thread = a_thread(fetcher)
    thread.transport = TransportTwin
    thread._set_pace(fetcher)
    assert fetcher._get_actions_per_node(None)[0] == ["fetch"]
    await thread._take(wish(), 0.0)
    fetches, resets, pause, _, _ = fetcher._get_actions_per_node(None)
    assert (fetches, resets, pause) == ([], {}, 0.2)


class CoordinatorTwin:
    def __init__(self) -> None:
        self.alive = True

    async def _do_heartbeat(self) -> bool:
        return self.alive


async def test_only_a_heartbeat_that_was_answered_counts() -> None:
    thread, coordinator = a_thread(FetcherTwin()), CoordinatorTwin()
    thread._heard_at = 0.0
    thread._note_heartbeats(coordinator)
    coordinator.alive = False
    assert await coordinator._do_heartbeat() is False
    assert thread.heard_at() == 0.0
    coordinator.alive = True
    assert await coordinator._do_heartbeat() is True
    assert thread.heard_at() > 0.0


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0)
