"""The assigned partitions follow each assignment of Faust.

The watchdog stops a worker without confirmed heartbeats if Kafka is reachable; while Kafka is unreachable it waits.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from app.streaming.consumer.membership import ConsumerMembership, CoordinatorSilentError, CoordinatorWatchdog

CHANGELOG = TP("t-router-seen-changelog", 3)
SOURCE = TP("t-notifications.high", 0)


def build_membership(app: Any) -> ConsumerMembership:
    return ConsumerMembership(app, SimpleNamespace(), lambda tp: tp == CHANGELOG)


def test_a_standby_partition_is_not_assigned() -> None:
    membership = build_membership(SimpleNamespace(_assignment={SOURCE, CHANGELOG}))
    assert [membership.is_assigned(number) for number in (0, 3, 1)] == [True, False, False]
    assert membership.count_assigned() == 1


def test_is_assigned_follows_each_assignment() -> None:
    app = SimpleNamespace(_assignment=None)
    membership, results = build_membership(app), []
    for assignment in (None, {TP("t", 1)}, {TP("t", 1), TP("t", 2)}, set()):
        app._assignment = assignment
        results.append([membership.is_assigned(number) for number in (1, 2)])
    assert results == [[False, False], [True, False], [True, True], [False, False]]


class WatchdogHarness:
    def __init__(self, silence: float, is_reachable: bool) -> None:
        self.silence, self.is_reachable, self.probe_count = silence, is_reachable, 0
        self.failures: list[BaseException] = []
        self.watchdog = CoordinatorWatchdog(
            self, 5.0, get_silence=lambda: self.silence, is_kafka_reachable=self.probe_kafka, timeout=75.0, on_failure=self.failures.append
        )

    async def probe_kafka(self) -> bool:
        self.probe_count += 1
        return self.is_reachable

    async def check_heartbeat(self, times: int) -> None:
        for _ in range(times):
            await self.watchdog.check_heartbeat()


async def test_a_stop_does_not_wait_for_a_check() -> None:
    harness = WatchdogHarness(silence=1000.0, is_reachable=True)
    await harness.watchdog.start()
    await asyncio.sleep(0)  # its task waits for the first check
    await harness.watchdog.stop()
    assert harness.probe_count == 0


async def test_confirmed_heartbeats_cause_no_probe() -> None:
    harness = WatchdogHarness(silence=3.0, is_reachable=True)
    await harness.check_heartbeat(20)
    assert (harness.failures, harness.probe_count) == ([], 0)


async def test_the_worker_waits_while_kafka_is_unreachable() -> None:
    harness = WatchdogHarness(silence=1000.0, is_reachable=False)
    await harness.check_heartbeat(20)
    assert harness.failures == []


async def test_a_silent_coordinator_stops_the_worker_if_kafka_is_reachable(caplog: pytest.LogCaptureFixture) -> None:
    harness = WatchdogHarness(silence=80.0, is_reachable=True)
    await harness.check_heartbeat(15)
    assert harness.failures == []
    await harness.check_heartbeat(1)
    (error,) = harness.failures
    assert isinstance(error, CoordinatorSilentError)
    assert "no heartbeat was confirmed for 80 s" in caplog.text


async def test_the_timeout_starts_again_when_kafka_is_reachable_again() -> None:
    harness = WatchdogHarness(silence=1000.0, is_reachable=False)
    await harness.check_heartbeat(20)
    harness.is_reachable = True
    await harness.check_heartbeat(15)
    harness.silence = 0.1
    await harness.check_heartbeat(1)
    harness.silence = 1000.0
    await harness.check_heartbeat(15)
    assert harness.failures == []
