"""Watching ends when all are final or time is up, asks only for what is open, and bears servers that do not answer."""

from collections.abc import Sequence

import pytest

from dev.sample.result_poller import POLL_INTERVAL, ResultPoller, count_lost
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from schemas.enums import CHANNELS, State
from schemas.errors import UnavailableError
from tables.postgres.notification_results import NotificationResult, NotificationResults

LINE = SampleLine("kafka", ["rejected expired"], "low", {})
REPLAY_LINE = SampleLine("kafka", ["replayed"], replay_of=1)
REJECTED = NotificationResult(State.REJECTED, "expired", [])


class FakeStack:
    """A history that fills as time goes by, and a router that reads."""

    def __init__(self, recorded_at: dict[str, float], read_at: float = 0.0, down_until: float = 0.0) -> None:
        self.recorded_at, self.read_at, self.down_until = recorded_at, read_at, down_until
        self.now = 0.0
        self.queried_ids: list[list[str]] = []
        self.final_counts: list[int] = []

    async def get_many(self, ids: Sequence[str]) -> NotificationResults:
        if self.now < self.down_until:
            raise UnavailableError("down")
        self.queried_ids.append(list(ids))
        return NotificationResults({each: REJECTED for each in ids if self.recorded_at.get(each, 1e9) <= self.now}, {})

    async def fetch_lag(self) -> int:
        return int(self.now < self.read_at)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def set_final(self, lines: int) -> None:
        self.final_counts.append(lines)

    def build_poller(self, *lines: tuple[str, SampleLine]) -> ResultPoller:
        submitted = [SubmittedLine(line, 0.0, an_id, "low") for an_id, line in lines]
        return ResultPoller(submitted, self, self.fetch_lag, dict.fromkeys(CHANNELS, 0), lambda: self.now, self.sleep)


async def test_watching_ends_when_all_are_final() -> None:
    world = FakeStack({"a": 0.0, "b": 1.0})
    watch = world.build_poller(("a", LINE), ("b", LINE))
    assert await watch.poll_until_final(60.0, world)
    assert world.now == pytest.approx(1.0, abs=POLL_INTERVAL)
    assert (world.final_counts[0], world.final_counts[-1]) == (1, 2)
    assert world.queried_ids[0] == ["a", "b"]
    assert world.queried_ids[-1] == ["b"], "what is final is not asked for again"


async def test_watching_ends_when_time_is_up() -> None:
    world = FakeStack({"a": 0.0})
    watch = world.build_poller(("a", LINE), ("b", LINE))
    assert not await watch.poll_until_final(2.0, world)
    assert [each.notification_id for each in watch.list_unfinished()] == ["b"]
    assert (count_lost(watch, total_lag=3), count_lost(watch, total_lag=0)) == (0, 1)


async def test_a_replayed_line_waits_for_the_router_alone() -> None:
    world = FakeStack({"a": 0.0}, read_at=3.0)
    watch = world.build_poller(("a", LINE), ("a", REPLAY_LINE))
    assert await watch.poll_until_final(60.0, world)
    assert world.now == pytest.approx(3.0, abs=POLL_INTERVAL)
    assert [fate.state for fate in watch.results] == ["rejected expired", "replayed"]


async def test_a_history_that_is_down_for_a_while_delays_only() -> None:
    world = FakeStack({"a": 0.0}, down_until=5.0)
    assert await world.build_poller(("a", LINE)).poll_until_final(60.0, world)
    assert world.now == pytest.approx(5.0, abs=POLL_INTERVAL)
