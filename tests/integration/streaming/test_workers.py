"""Workers on a real broker: killed, failing, rebalancing and recovering; nothing is lost, and tables equal their changelogs."""

import shutil
import signal

import pytest

from tests.integration.streaming.live import LANES, PARTITIONS, Scene

pytestmark = pytest.mark.slow


async def equal_to_a_replay(here: Scene, name: str) -> None:
    """Every partition that the stopped worker had is what its changelog says."""
    replay = await here.changelog()
    for partition in range(PARTITIONS):
        assert here.rows(name, partition) == replay[partition]


async def test_all_lanes_are_consumed_and_committed(here: Scene) -> None:
    expected = set[bytes]()
    for lane in LANES:
        expected |= await here.send(lane, 0, 1000)
    worker = here.start()
    await here.until_written(len(expected))
    assert worker.end() == 0
    values = await here.values()
    assert set(values) == expected
    assert len(values) == len(expected)
    assert await here.committed() == {(f"in.{lane}", number): 500 for lane in LANES for number in range(PARTITIONS)}
    await equal_to_a_replay(here, "one")


async def test_a_worker_killed_in_the_middle_loses_nothing(here: Scene) -> None:
    expected = await here.send("low", 0, 10_000)
    worker = here.start()
    worker.wait_ready()
    await here.until_written(1000)
    worker.end(signal.SIGKILL)
    again = here.start()
    await here.until_written(len(expected))
    assert again.end() == 0
    values = await here.values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # one batch of each partition is worked on at a time
    assert len(values) - len(expected) <= in_flight
    await equal_to_a_replay(here, "one")


async def test_an_agents_error_ends_the_worker_and_its_batch_comes_again(here: Scene) -> None:
    expected = await here.send("high", 0, 2000)
    worker = here.start("fail", fail_at="high-1200")
    assert worker.wait() not in (0, -signal.SIGKILL)
    assert "ValueError: told to fail" in "".join(worker.lines)
    assert b"high-1200" not in await here.values()
    again = here.start()
    await here.until_written(len(expected))
    assert again.end() == 0
    values = await here.values()
    assert set(values) == expected
    assert len(values) == len(expected)
    await equal_to_a_replay(here, "one")


async def test_workers_that_come_and_go_share_the_work(here: Scene) -> None:
    expected = await here.send("low", 0, 10_000)
    first = here.start(name="one")
    first.wait_ready()
    second = here.start(name="two")
    second.wait_ready()
    expected |= await here.send("medium", 0, 10_000)
    assert first.end() == 0
    third = here.start(name="three")
    second.end(signal.SIGKILL)
    expected |= await here.send("high", 0, 10_000)
    await here.until_written(len(expected))
    assert third.end() == 0
    values = await here.values()
    assert set(values) == expected
    assert len(values) - len(expected) <= 500 * PARTITIONS * len(LANES)
    await equal_to_a_replay(here, "three")


async def test_recovery_from_nothing_equals_a_replay(here: Scene) -> None:
    expected = await here.send("low", 0, 10_000)
    worker = here.start()
    await here.until_written(len(expected))
    assert worker.end() == 0
    shutil.rmtree(here.datadir("one"))
    again = here.start()
    again.wait_ready()
    assert again.end() == 0
    await equal_to_a_replay(here, "one")


async def test_held_batches_end_out_of_order_and_nothing_is_lost(here: Scene) -> None:
    expected = set[bytes]()
    for lane in LANES:
        expected |= await here.send(lane, 0, 3000)
    worker = here.start("held")
    worker.wait_ready()
    await here.until_written(500)
    worker.end(signal.SIGKILL)
    again = here.start("held")
    await here.until_written(len(expected))
    assert again.end() == 0
    values = await here.values()
    assert set(values) == expected
    assert await here.committed() == {(f"in.{lane}", number): 1500 for lane in LANES for number in range(PARTITIONS)}
    await equal_to_a_replay(here, "one")


async def test_topics_with_other_partitions_stop_the_start(here: Scene) -> None:
    here.prefix = f"{here.prefix}wide-"
    await here.make_topics(partitions=3)
    worker = here.start()
    assert worker.wait() != 0
    assert f"{here.prefix}out: 3 partitions, wanted 2" in "".join(worker.lines)


async def test_a_worker_that_slept_through_its_session_writes_nothing_it_must_not(here: Scene) -> None:
    expected = await here.send("low", 0, 10_000)
    sleeper = here.start(name="one")
    await here.until_written(100)
    sleeper.process.send_signal(signal.SIGSTOP)
    try:
        heir = here.start(name="two")
        await here.until_written(len(expected))
    finally:
        sleeper.process.send_signal(signal.SIGCONT)
    expected |= await here.send("high", 0, 2000)
    await here.until_written(len(expected))
    assert sleeper.end() == 0
    # What the sleeper had handed to Kafka before it fell asleep may still arrive. The heir then notices rows in its changelog that it does
    # not have, and ends rather than go on without them.
    heir_failed = heir.end() != 0
    assert heir_failed == ("ChangelogShared" in "".join(heir.lines))
    last = here.start(name="two")  # alone now: it recovers both partitions
    last.wait_ready()
    assert last.end() == 0
    values = await here.values()
    assert set(values) == expected
    in_flight = 500 * PARTITIONS  # of each worker that did not end in order
    assert len(values) - len(expected) <= in_flight * (1 + heir_failed)
    await equal_to_a_replay(here, "two")
