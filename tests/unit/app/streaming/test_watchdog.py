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


async def test_a_group_that_hears_of_its_worker_is_left_alone() -> None:
    world = World(silence=74.0, answers=True)
    await world.watchdog.look()
    assert (world.ended, world.asked) == ([], 0)


async def test_while_kafka_is_away_the_worker_waits() -> None:
    world = World(silence=1000.0, answers=False)
    await world.watchdog.look()
    assert world.ended == []


async def test_a_silent_group_beside_a_kafka_that_answers_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    world = World(silence=76.0, answers=True)
    await world.watchdog.look()
    (error,) = world.ended
    assert isinstance(error, GroupSilent)
    assert "has not heard of this worker for 76 s" in caplog.text


async def test_a_heartbeat_that_comes_while_kafka_is_asked_is_enough() -> None:
    world = World(silence=76.0, answers=True)

    async def back() -> bool:
        world.silence = 0.1
        return True

    world.watchdog._answers = back
    await world.watchdog.look()
    assert world.ended == []
