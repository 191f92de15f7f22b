"""Twins in a process of their own: one for all tests, with a new ledger each, or one of a test's own."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from agents.providers.http import Limits, PoolClient
from tests.integration.twins.process import TwinProcess


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., TwinProcess]]:
    """Starts twins over one ledger, and ends them all."""
    started: list[TwinProcess] = []

    def begun(**how: int) -> TwinProcess:
        started.append(TwinProcess(tmp_path / "ledger.jsonl", **how))
        return started[-1]

    yield begun
    for twin in started:
        if twin.process.returncode is None:
            twin.end(kill=True)


@pytest.fixture(scope="session")
def shared_twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwinProcess]:
    twin = TwinProcess(tmp_path_factory.mktemp("twins") / "ledger.jsonl")
    yield twin
    assert twin.end() == 0


@pytest.fixture
def twin(shared_twin: TwinProcess) -> TwinProcess:
    """Twins with an empty ledger."""
    shared_twin.ask("/ledger/reset", "POST")
    return shared_twin


@pytest.fixture
async def client() -> AsyncIterator[PoolClient]:
    client = PoolClient(Limits(read_timeout=60.0, wait_timeout=60.0))
    yield client
    await client.close()
