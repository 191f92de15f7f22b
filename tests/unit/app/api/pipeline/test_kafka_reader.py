"""When the connections to Kafka are closed, and whose; with clients in memory in the place of aiokafka's."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import CoordinatorNotAvailableError, KafkaConnectionError

from app.api.pipeline.kafka_reader import KafkaReader
from app.topology import TOPOLOGY

COORDINATOR_NOT_AVAILABLE = 15


class Clients:
    """The connections of a reader; `opened` and `closed` count those of the admin client."""

    def __init__(self) -> None:
        self.opened = self.closed = self.code = 0
        self.is_away = self.has_no_offsets = False
        self.asked, self.released = asyncio.Event(), asyncio.Event()

    def build_consumer(self, **_: Any) -> Any:
        return SimpleNamespace(
            start=self.do_nothing, stop=self.do_nothing, end_offsets=self.list_offsets, beginning_offsets=self.list_offsets
        )

    def build_admin(self, **_: Any) -> Any:
        return SimpleNamespace(
            start=self.open, close=self.close, describe_consumer_groups=self.describe, list_consumer_group_offsets=self.list_committed
        )

    async def do_nothing(self) -> None:
        pass

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None:
        self.closed += 1

    async def list_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        if self.is_away:
            self.asked.set()
            await self.released.wait()
            raise KafkaConnectionError
        return dict.fromkeys(partitions, 0)

    async def list_committed(self, group: str, partitions: list[Any]) -> dict[Any, Any]:
        return {} if self.has_no_offsets else {one: SimpleNamespace(offset=0) for one in partitions}

    async def describe(self, groups: list[str]) -> list[Any]:
        if self.is_away:
            raise KafkaConnectionError
        return [SimpleNamespace(groups=[(self.code, groups[0], "Empty", "", "", [])])]


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Clients:
    clients = Clients()
    monkeypatch.setattr("app.api.pipeline.kafka_reader.AIOKafkaConsumer", clients.build_consumer)
    monkeypatch.setattr("app.api.pipeline.kafka_reader.AIOKafkaAdminClient", clients.build_admin)
    return clients


def build_reader() -> KafkaReader:
    return KafkaReader({}, "t.", 2, lambda: 100.0)  # type: ignore[typeddict-item]


async def test_a_group_that_cannot_be_described_closes_no_connection(clients: Clients) -> None:
    reader, clients.code, clients.has_no_offsets = build_reader(), COORDINATOR_NOT_AVAILABLE, True
    with pytest.raises(CoordinatorNotAvailableError):
        await reader.read_groups()
    with pytest.raises(CoordinatorNotAvailableError):
        await reader.read_offsets()
    clients.code, clients.has_no_offsets = 0, False
    assert len(await reader.read_groups()) == len(TOPOLOGY)
    assert set((await reader.read_offsets()).committed) == {spec.role for spec in TOPOLOGY}
    assert (clients.opened, clients.closed) == (1, 0)


async def test_a_reading_that_fails_late_leaves_the_connections_that_were_opened_meanwhile(clients: Clients) -> None:
    reader, clients.is_away = build_reader(), True
    late = asyncio.create_task(reader.read_offsets())
    await clients.asked.wait()
    with pytest.raises(KafkaConnectionError):
        await reader.read_groups()
    clients.is_away = False
    await reader.read_groups()
    clients.released.set()
    with pytest.raises(KafkaConnectionError):
        await late
    assert (clients.opened, clients.closed) == (2, 1)
