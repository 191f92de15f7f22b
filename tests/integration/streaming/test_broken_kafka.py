"""Workers beside a broker that freezes and one that dies: nothing is lost or acknowledged meanwhile; then the work goes on."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from app.local.launch import await_ready, launch
from app.local.processes import Processes
from app.local.stack import urls_of
from app.local.state import State
from app.streaming.settings import LANE_RULES
from tests.integration.streaming.live import PARTITIONS, Scene, scene

pytestmark = pytest.mark.slow

LONGER_THAN_A_SESSION = 8.0  # seconds; the workers' session lasts 6


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a broker that this test alone may hurt; it comes back after a crash."""
    home = tmp_path / "home"
    env = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    with launch(home, env, ["--only", "kafka"], until_eof=True) as child:
        await_ready(home, child)
        yield home
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


@pytest.fixture
async def here(home: Path, tmp_path: Path) -> AsyncIterator[Scene]:
    """A scene on that broker."""
    with scene(urls_of(State(home), {}).kafka, "t-", tmp_path) as made:
        await made.make_topics()
        yield made


def broker(home: Path) -> psutil.Process:
    process = Processes(home).read()["kafka"].process()
    assert process is not None
    return process


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


# of a held batch the outputs tell what has happened, whoever owns the partition by then: a batch that comes again is told again
IN_HAND = PARTITIONS * LANE_RULES[2].depth * LANE_RULES[2].records


@pytest.mark.parametrize(("kind", "doubled"), [("copy", 0), ("held", IN_HAND)])
async def test_a_broker_that_froze_for_longer_than_a_session(home: Path, here: Scene, kind: str, doubled: int) -> None:
    expected = await here.send("low", 0, 15_000)
    worker = here.start(kind)
    await here.until_written(100)
    broker(home).suspend()
    try:
        with pytest.raises(subprocess.TimeoutExpired):  # it lives on
            worker.process.wait(timeout=LONGER_THAN_A_SESSION)
    finally:
        broker(home).resume()
    await all_of_it(here, expected, doubled)


async def test_a_broker_that_died_and_came_back(home: Path, here: Scene) -> None:
    expected = await here.send("low", 0, 15_000)
    here.start()
    await here.until_written(100)
    broker(home).kill()
    await here.until_back()
    await all_of_it(here, expected)


async def test_a_worker_told_to_stop_without_kafka_does_so_within_its_time(home: Path, here: Scene) -> None:
    expected = await here.send("low", 0, 15_000)
    worker = here.start(settings={"drain": 1.0, "end_after": 1.0})
    await here.until_written(100)
    broker(home).suspend()
    worker.end()
    broker(home).resume()
    again = here.start()
    await here.until_written(len(expected))
    assert again.end() == 0
    assert set(await here.values()) == expected
