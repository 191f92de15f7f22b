"""Simulators in a process of their own: one shared by all tests, with an empty request log for each, or one per test."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.providers.http import PooledHttpClient
from tests.integration.simulators.simulator_process import SimulatorProcess
from tests.settings_builders import build_http_limits


@pytest.fixture
def start_simulators(tmp_path: Path) -> Iterator[Callable[..., SimulatorProcess]]:
    """Start simulators that share one request log, and stop all at the end."""
    processes: list[SimulatorProcess] = []

    def start(**options: Any) -> SimulatorProcess:
        processes.append(SimulatorProcess(tmp_path / "requests.jsonl", **options))
        return processes[-1]

    yield start
    for process in processes:
        if process.process.returncode is None:
            process.stop(kill=True)


@pytest.fixture(scope="session")
def shared_simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatorProcess]:
    simulator = SimulatorProcess(tmp_path_factory.mktemp("simulators") / "requests.jsonl")
    yield simulator
    assert simulator.stop() == 0


@pytest.fixture
def simulators(shared_simulators: SimulatorProcess) -> SimulatorProcess:
    """Simulators with an empty request log."""
    shared_simulators.fetch("/requests/reset", "POST")
    return shared_simulators


@pytest.fixture
async def client() -> AsyncIterator[PooledHttpClient]:
    client = PooledHttpClient(build_http_limits(request_timeout=60.0, pool_timeout=60.0))
    yield client
    await client.close()
