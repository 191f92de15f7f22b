"""A group continues at its committed offset whatever errors the coordinator gives before it."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import GroupAuthorizationFailedError

from app.streaming.aiokafka_patches import _original_fetch, parse_committed_offsets, patch_aiokafka
from tests.unit.app.streaming.aiokafka_patches.scripted_broker import PARTITION, Answer, ScriptedBroker, open_broker

COMMITTED: Answer = ([(0, 7, "", 0)], 0)
NO_COMMIT: Answer = ([(0, -1, "", 0)], 0)
COORDINATOR_LOADING, NOT_COORDINATOR, UNKNOWN_TOPIC, UNSTABLE_COMMIT, NOT_YET_DEFINED = 14, 16, 3, 88, 9999
FAILURES: dict[str, Answer] = {
    "the coordinator loads": ([], COORDINATOR_LOADING),
    "the coordinator moved": ([], NOT_COORDINATOR),
    "the topic is unknown": ([(0, -1, "", UNKNOWN_TOPIC)], 0),
    "a transaction is open": ([(0, -1, "", UNSTABLE_COMMIT)], 0),
    "an error of a later release": ([(0, -1, "", NOT_YET_DEFINED)], 0),
    "no partition": ([], 0),
}


@pytest.fixture(autouse=True)
def restore_aiokafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GroupCoordinator, "_do_fetch_commit_offsets", _original_fetch)


async def fetch_position(broker: ScriptedBroker) -> int:
    """Where a consumer of the group begins to read."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=f"127.0.0.1:{broker.port}", group_id="router", auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([PARTITION])
        async with asyncio.timeout(60):
            position: int = await consumer.position(PARTITION)
            return position
    finally:
        await consumer.stop()


@pytest.mark.parametrize("failure", FAILURES)
async def test_after_an_error_the_group_continues_at_its_commit(failure: str) -> None:
    patch_aiokafka()
    async with open_broker(FAILURES[failure], FAILURES[failure], COMMITTED) as broker:
        assert await fetch_position(broker) == 7
        assert broker.remaining == [COMMITTED]


async def test_only_a_group_without_a_commit_starts_at_the_beginning() -> None:
    patch_aiokafka()
    async with open_broker(NO_COMMIT) as broker:
        assert await fetch_position(broker) == 0


async def test_unpatched_aiokafka_still_takes_an_error_for_no_commit() -> None:
    async with open_broker(FAILURES["the coordinator moved"], COMMITTED) as broker:
        assert await fetch_position(broker) == 0


def test_an_error_of_authorization_is_not_retried() -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        parse_committed_offsets(ScriptedBroker(([], 30)).respond(9), [PARTITION])
