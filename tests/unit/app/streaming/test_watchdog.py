"""A worker of which its group hears nothing ends, if Kafka answers otherwise; while Kafka is away it waits."""

import pytest

from app.streaming.watchdog import CoordinatorWatchdog, GroupSilent


class World:
    def __init__(self, silence: float, answers: bool) -> None:
        self.silence, self.answers, self.asked = silence, answers, 0
        self.ended: list[BaseException] = []
        self.watchdog = CoordinatorWatchdog(
            None, 5.0, silence=lambda: self.silence, answers=self.answer, patience=75.0, end=self.ended.append
        )

    async def answer(self) -> bool:
        self.asked += 1
        return self.answers

    async def look(self, times: int) -> None:
        for _ in range(times):
            await self.watchdog.look()


async def test_a_group_that_hears_of_its_worker_is_left_alone() -> None:
    world = World(silence=3.0, answers=True)
    await world.look(20)
    assert (world.ended, world.asked) == ([], 0)


async def test_while_kafka_is_away_the_worker_waits() -> None:
    world = World(silence=1000.0, answers=False)
    await world.look(20)
    assert world.ended == []


async def test_a_silent_group_beside_a_kafka_that_answers_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    world = World(silence=80.0, answers=True)
    await world.look(15)
    assert world.ended == []
    await world.look(1)
    (error,) = world.ended
    assert isinstance(error, GroupSilent)
    assert "has not heard of this worker for 80 s" in caplog.text


async def test_a_kafka_that_came_back_has_time_to_hear_of_the_worker() -> None:
    world = World(silence=1000.0, answers=False)
    await world.look(20)
    world.answers = True
    await world.look(15)
    world.silence = 0.1
    await world.look(1)
    world.silence = 1000.0
    await world.look(15)
    assert world.ended == []
