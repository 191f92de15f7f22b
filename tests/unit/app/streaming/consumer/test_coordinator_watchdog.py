"""A worker of which its group hears nothing ends, if Kafka answers otherwise; while Kafka is away it waits."""

import pytest

from app.streaming.consumer.coordinator_watchdog import CoordinatorSilentError, CoordinatorWatchdog


class WatchdogHarness:
    def __init__(self, silence: float, is_reachable: bool) -> None:
        self.silence, self.is_reachable, self.probe_count = silence, is_reachable, 0
        self.failures: list[BaseException] = []
        self.watchdog = CoordinatorWatchdog(
            None, 5.0, get_silence=lambda: self.silence, is_kafka_reachable=self.probe_kafka, timeout=75.0, on_failure=self.failures.append
        )

    async def probe_kafka(self) -> bool:
        self.probe_count += 1
        return self.is_reachable

    async def check_heartbeat(self, times: int) -> None:
        for _ in range(times):
            await self.watchdog.check_heartbeat()


async def test_a_group_that_hears_of_its_worker_is_left_alone() -> None:
    world = WatchdogHarness(silence=3.0, is_reachable=True)
    await world.check_heartbeat(20)
    assert (world.failures, world.probe_count) == ([], 0)


async def test_while_kafka_is_away_the_worker_waits() -> None:
    world = WatchdogHarness(silence=1000.0, is_reachable=False)
    await world.check_heartbeat(20)
    assert world.failures == []


async def test_a_silent_group_beside_a_kafka_that_answers_ends_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    world = WatchdogHarness(silence=80.0, is_reachable=True)
    await world.check_heartbeat(15)
    assert world.failures == []
    await world.check_heartbeat(1)
    (error,) = world.failures
    assert isinstance(error, CoordinatorSilentError)
    assert "has not heard of this worker for 80 s" in caplog.text


async def test_a_kafka_that_came_back_has_time_to_hear_of_the_worker() -> None:
    world = WatchdogHarness(silence=1000.0, is_reachable=False)
    await world.check_heartbeat(20)
    world.is_reachable = True
    await world.check_heartbeat(15)
    world.silence = 0.1
    await world.check_heartbeat(1)
    world.silence = 1000.0
    await world.check_heartbeat(15)
    assert world.failures == []
