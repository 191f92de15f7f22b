"""Watching ends when all are final or time is up, asks only for what is open, and bears servers that do not answer."""

from collections.abc import Sequence

import pytest

from app.demo.sample import Line
from app.demo.submitted import Submitted
from app.demo.watch import LOOK_AGAIN, Watch, lost
from schemas.errors import Unavailable
from schemas.words import CHANNELS, State
from tables.postgres.fates import Decided, Fates

LINE = Line("kafka", ["refused expired"], "low", {})
AGAIN = Line("kafka", ["repeated"], again=1)
REFUSED = Decided(State.REFUSED, "expired", [])


class World:
    """A history that fills as time goes by, and a router that reads."""

    def __init__(self, recorded_at: dict[str, float], read_at: float = 0.0, down_until: float = 0.0) -> None:
        self.recorded_at, self.read_at, self.down_until = recorded_at, read_at, down_until
        self.now = 0.0
        self.asked: list[list[str]] = []
        self.shown: list[int] = []

    async def of_ids(self, ids: Sequence[str]) -> Fates:
        if self.now < self.down_until:
            raise Unavailable("down")
        self.asked.append(list(ids))
        return Fates({each: REFUSED for each in ids if self.recorded_at.get(each, 1e9) <= self.now}, {})

    async def unread(self) -> int:
        return int(self.now < self.read_at)

    async def pause(self, seconds: float) -> None:
        self.now += seconds

    def final(self, lines: int) -> None:
        self.shown.append(lines)

    def watch(self, *lines: tuple[str, Line]) -> Watch:
        submitted = [Submitted(line, 0.0, an_id, "low") for an_id, line in lines]
        return Watch(submitted, self, self.unread, dict.fromkeys(CHANNELS, 0), lambda: self.now, self.pause)


async def test_watching_ends_when_all_are_final() -> None:
    world = World({"a": 0.0, "b": 1.0})
    watch = world.watch(("a", LINE), ("b", LINE))
    assert await watch.until_final(60.0, world)
    assert world.now == pytest.approx(1.0, abs=LOOK_AGAIN)
    assert (world.shown[0], world.shown[-1]) == (1, 2)
    assert world.asked[0] == ["a", "b"]
    assert world.asked[-1] == ["b"], "what is final is not asked for again"


async def test_watching_ends_when_time_is_up() -> None:
    world = World({"a": 0.0})
    watch = world.watch(("a", LINE), ("b", LINE))
    assert not await watch.until_final(2.0, world)
    assert [each.id for each in watch.unfinished()] == ["b"]
    assert (lost(watch, under_way=3), lost(watch, under_way=0)) == (0, 1)


async def test_a_line_sent_again_waits_for_the_router_alone() -> None:
    world = World({"a": 0.0}, read_at=3.0)
    watch = world.watch(("a", LINE), ("a", AGAIN))
    assert await watch.until_final(60.0, world)
    assert world.now == pytest.approx(3.0, abs=LOOK_AGAIN)
    assert [fate.state for fate in watch.fates] == ["refused expired", "repeated"]


async def test_a_history_that_is_down_for_a_while_delays_only() -> None:
    world = World({"a": 0.0}, down_until=5.0)
    assert await world.watch(("a", LINE)).until_final(60.0, world)
    assert world.now == pytest.approx(5.0, abs=LOOK_AGAIN)
