"""Simulators in a process of their own: one for all tests, with a new ledger each, or one of a test's own."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agents.providers.http import HttpLimits, PooledHttpClient
from tests.integration.simulators.simulator_process import SimulatorProcess


@pytest.fixture
def start_simulators(tmp_path: Path) -> Iterator[Callable[..., SimulatorProcess]]:
    """Starts simulators over one ledger, and ends them all."""
    started: list[SimulatorProcess] = []

    def begun(**how: int) -> SimulatorProcess:
        started.append(SimulatorProcess(tmp_path / "requests.jsonl", **how))
        return started[-1]

    yield begun
    for simulator in started:
        if simulator.process.returncode is None:
            simulator.stop(kill=True)


@pytest.fixture(scope="session")
def shared_simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    simulator = SimulatorProcess(tmp_path_factory.mktemp("simulators") / "requests.jsonl")
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def simulators(shared_simulators: SimulatorProcess) -> SimulatorProcess:
    """Simulators with an empty ledger."""
    shared_simulators.fetch("/requests/reset", "POST")
    return shared_simulators


@pytest.fixture
async def client() -> AsyncIterator[PooledHttpClient]:
    client = PooledHttpClient(HttpLimits(request_timeout=60.0, pool_timeout=60.0))
    yield client
    await client.close()
