"""Polling ends when all lines are final or at the deadline, reads only unfinished lines, and continues after an outage."""

from collections.abc import Sequence

import pytest

from dev.sample.notification_results import NotificationResult, NotificationResults
from dev.sample.result_poller import POLL_INTERVAL, ResultPoller, count_lost
from dev.sample.sample_file import SampleLine
from dev.sample.submissions import SubmittedLine
from schemas.channels import CHANNEL_NAMES
from schemas.enums import State
from schemas.errors import UnavailableError

LINE = SampleLine("kafka", ["rejected expired"], "low", {})
REPLAY_LINE = SampleLine("kafka", ["replayed"], replay_of=1)
HELD_LINE = SampleLine("kafka", ["held quiet_hours"], "low", {})
REJECTED = NotificationResult(State.REJECTED, "expired", [])


class FakeStack:
    """A history with rows from `recorded_at` on, a router that has read all from `read_at` on, and an outage until `down_until`."""

    def __init__(self, recorded_at: dict[str, float], read_at: float = 0.0, down_until: float = 0.0) -> None:
        self.recorded_at, self.read_at, self.down_until = recorded_at, read_at, down_until
        self.results = dict.fromkeys(recorded_at, REJECTED)
        self.now = 0.0
        self.queried_ids: list[list[str]] = []
        self.final_counts: list[int] = []

    async def get_many(self, ids: Sequence[str]) -> NotificationResults:
        if self.now < self.down_until:
            raise UnavailableError("down")
        self.queried_ids.append(list(ids))
        recorded = [notification_id for notification_id in ids if self.recorded_at.get(notification_id, 1e9) <= self.now]
        return NotificationResults({one: self.results[one] for one in recorded}, {})

    async def fetch_lag(self) -> int:
        return int(self.now < self.read_at)

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def set_final(self, lines: int) -> None:
        self.final_counts.append(lines)

    def build_poller(self, *lines: tuple[str, SampleLine]) -> ResultPoller:
        submitted = [SubmittedLine(line, 0.0, notification_id, "low") for notification_id, line in lines]
        return ResultPoller(submitted, self, self.fetch_lag, dict.fromkeys(CHANNEL_NAMES, 0), lambda: self.now, self.sleep)


async def test_polling_ends_when_all_lines_are_final() -> None:
    stack = FakeStack({"a": 0.0, "b": 1.0})
    poller = stack.build_poller(("a", LINE), ("b", LINE))
    assert await poller.poll_until_final(60.0, stack.set_final)
    assert stack.now == pytest.approx(1.0, abs=POLL_INTERVAL)
    assert (stack.final_counts[0], stack.final_counts[-1]) == (1, 2)
    assert stack.queried_ids[0] == ["a", "b"]
    assert stack.queried_ids[-1] == ["b"], "final lines are not read again"


async def test_polling_ends_at_the_deadline() -> None:
    stack = FakeStack({"a": 0.0})
    poller = stack.build_poller(("a", LINE), ("b", LINE))
    assert not await poller.poll_until_final(2.0, stack.set_final)
    assert [line.notification_id for line in poller.list_unfinished()] == ["b"]
    assert (count_lost(poller, total_lag=3), count_lost(poller, total_lag=0)) == (0, 1)


async def test_a_replay_is_final_when_the_router_has_read_it() -> None:
    stack = FakeStack({"a": 0.0}, read_at=3.0)
    poller = stack.build_poller(("a", LINE), ("a", REPLAY_LINE))
    assert await poller.poll_until_final(60.0, stack.set_final)
    assert stack.now == pytest.approx(3.0, abs=POLL_INTERVAL)
    assert [result.state for result in poller.results] == ["rejected expired", "replayed"]


async def test_what_is_held_is_read_until_all_others_are_final() -> None:
    stack = FakeStack({"a": 0.0, "b": 2.0}, read_at=3.0)
    stack.results["a"] = NotificationResult(State.HELD, "quiet_hours", [])
    poller = stack.build_poller(("a", HELD_LINE), ("b", LINE))
    assert await poller.poll_until_final(60.0, stack.set_final)
    assert stack.now == pytest.approx(3.0, abs=POLL_INTERVAL)
    assert (poller.results[0].state, stack.queried_ids[-1]) == ("held quiet_hours", ["a"])


async def test_polling_continues_after_an_outage_of_the_history() -> None:
    stack = FakeStack({"a": 0.0}, down_until=5.0)
    assert await stack.build_poller(("a", LINE)).poll_until_final(60.0, stack.set_final)
    assert stack.now == pytest.approx(5.0, abs=POLL_INTERVAL)
