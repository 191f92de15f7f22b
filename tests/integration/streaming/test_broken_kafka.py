"""Workers beside a broker that freezes and one that dies: nothing is lost or acknowledged meanwhile; then the work goes on."""

import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.streaming.settings import LANE_RULES
from tests.integration.streaming.live import PARTITIONS, Scene, scene
from tests.servers import Broker

pytestmark = pytest.mark.slow

LONGER_THAN_A_SESSION = 8.0  # seconds; the workers' session lasts 6


@pytest.fixture
async def here(broker: Broker, prefix: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene on a broker that may be hurt."""
    await broker.until_back()
    with scene(broker.url, prefix, tmp_path) as made:
        await made.make_topics()
        yield made


async def all_of_it(here: Scene, expected: set[bytes], doubled: int = 0) -> None:
    """The one worker goes on by itself to the end: all is written, at most so much of it twice, and the table equals its changelog."""
    (worker,) = here.workers
    await here.until_written(len(expected))
    assert worker.end() == 0
    values = await here.values()
    assert set(values) == expected
    assert len(values) - len(expected) <= doubled
    replay = await here.changelog()
    for partition in range(PARTITIONS):
        assert here.rows("one", partition) == replay[partition]


# A broker that thaws may take the worker for dead before it hears from it again. What was sent and has no row yet comes again then, and is
# told again: the batches in hand.
IN_HAND = PARTITIONS * LANE_RULES[2].depth * LANE_RULES[2].records


@pytest.mark.parametrize("kind", ["copy", "held"])
async def test_a_broker_that_froze_for_longer_than_a_session(broker: Broker, here: Scene, kind: str) -> None:
    expected = await here.send("low", 0, 15_000)
    worker = here.start(kind)
    await here.until_written(100)
    async with broker.frozen():
        with pytest.raises(subprocess.TimeoutExpired):  # it lives on
            worker.process.wait(timeout=LONGER_THAN_A_SESSION)
    await all_of_it(here, expected, doubled=IN_HAND)


async def test_a_broker_that_died_and_came_back(broker: Broker, here: Scene) -> None:
    expected = await here.send("low", 0, 15_000)
    here.start()
    await here.until_written(100)
    broker.kill()
    await broker.until_back()
    await all_of_it(here, expected)


async def test_a_worker_told_to_stop_without_kafka_does_so_within_its_time(broker: Broker, here: Scene) -> None:
    expected = await here.send("low", 0, 15_000)
    worker = here.start(settings={"drain": 1.0, "end_after": 1.0})
    await here.until_written(100)
    async with broker.frozen():
        worker.end()
    again = here.start()
    await here.until_written(len(expected))
    assert again.end() == 0
    assert set(await here.values()) == expected
