"""The worker's clock while the host's clock steps in both directions."""

import asyncio
from math import inf

import pytest

from app.streaming.broker_clock import MAX_CLOCK_ERROR, OBSERVATION_WINDOW, BrokerClock, ObservedProducer
from tests.fakes import run_pending_tasks
from tests.unit.app.streaming.fake_producer import FakeRecordMetadata

NOW = 1_760_000_000.0
DAY = 86_400.0


class Host:
    """A host whose clock is `error` seconds off; `passed` is its monotonic clock."""

    def __init__(self) -> None:
        self.passed = self.error = 0.0
        self.clock = BrokerClock(lambda: NOW + self.passed + self.error, lambda: 500.0 + self.passed)

    @property
    def true_time(self) -> float:
        return NOW + self.passed


def test_the_hosts_clock_counts_while_it_agrees_with_the_brokers() -> None:
    host = Host()
    host.clock.observe_acknowledgement(host.true_time)
    for host.error in (0.0, MAX_CLOCK_ERROR, -MAX_CLOCK_ERROR):
        assert host.clock() == host.true_time + host.error
        assert host.clock.is_confirmed


@pytest.mark.parametrize("step", [DAY, -DAY, MAX_CLOCK_ERROR + 1, -MAX_CLOCK_ERROR - 1])
def test_a_step_of_the_hosts_clock_changes_nothing_and_is_not_confirmed(step: float) -> None:
    host = Host()
    host.clock.observe_acknowledgement(host.true_time)
    for host.passed, host.error in ((10.0, step), (7200.0, step)):
        assert host.clock() == host.true_time
        assert host.clock.error == step
        assert not host.clock.is_confirmed
    host.error = 0.0
    assert host.clock.is_confirmed


def test_before_the_first_acknowledgement_a_record_only_keeps_the_clock_from_being_behind() -> None:
    host = Host()
    assert host.clock() == host.true_time
    assert host.clock.error == inf
    assert not host.clock.is_confirmed
    host.clock.observe_record(host.true_time - 2 * DAY)  # from a backlog
    assert host.clock() == host.true_time
    assert not host.clock.is_confirmed
    host.error = -DAY
    host.clock.observe_record(host.true_time)
    assert host.clock() == host.true_time
    host.error = 0.0
    assert host.clock.is_confirmed


def test_old_records_and_late_acknowledgements_do_not_set_the_time_back() -> None:
    host = Host()
    for timestamp in (host.true_time, host.true_time - 30):
        host.clock.observe_acknowledgement(timestamp)
    host.clock.observe_record(host.true_time - DAY)
    assert host.clock.error == 0.0


def test_after_a_sleep_of_the_host_the_first_record_sets_the_time() -> None:
    host = Host()
    host.clock.observe_acknowledgement(host.true_time)
    host.error = DAY  # the monotonic clock did not count the sleep
    assert not host.clock.is_confirmed
    host.clock.observe_record(host.true_time + DAY)
    assert host.clock.is_confirmed
    assert host.clock() == host.true_time + DAY


def test_a_brokers_clock_that_was_set_back_counts_after_a_window() -> None:
    host = Host()
    host.clock.observe_acknowledgement(host.true_time + DAY)
    for host.passed in (1.0, OBSERVATION_WINDOW, 2 * OBSERVATION_WINDOW):
        host.clock.observe_acknowledgement(host.true_time)
    assert host.clock.error == 0.0


async def test_only_times_of_the_broker_are_observed() -> None:
    host, futures = Host(), [asyncio.get_running_loop().create_future() for _ in range(4)]

    class Producer:
        def create_batch(self) -> None: ...
        async def send_batch(self, builder: object, topic: str, *, partition: int) -> asyncio.Future[FakeRecordMetadata]:
            return futures[partition]

    producer = ObservedProducer(Producer(), host.clock)
    sent = [await producer.send_batch(None, "t", partition=partition) for partition in range(4)]
    futures[0].set_result(FakeRecordMetadata(0, -1, 0))  # CreateTime
    futures[1].set_exception(OSError())
    futures[2].cancel()
    await asyncio.gather(*sent[:3], return_exceptions=True)
    assert host.clock.error == inf
    futures[3].set_result(FakeRecordMetadata(0, int(NOW * 1000), 1))
    await run_pending_tasks()
    assert host.clock.error == 0.0


def test_the_brokers_time_is_never_ahead_whatever_the_hosts_clock_says_and_unknown_without_a_recent_acknowledgement() -> None:
    host = Host()
    host.clock.observe_record(host.true_time)
    assert host.clock.get_broker_time() is None
    host.error = MAX_CLOCK_ERROR / 2  # the host's clock counts, and is ahead
    host.clock.observe_acknowledgement(host.true_time - 0.25)
    assert host.clock() == host.true_time + host.error
    assert host.clock.get_broker_time() == host.true_time - 0.25
    host.passed = OBSERVATION_WINDOW
    assert host.clock.get_broker_time() == host.true_time - 0.25
    host.passed += 0.1
    assert host.clock.get_broker_time() is None
