"""Whether Kafka can coordinate the roles' consumer groups: a new broker first makes its topic of offsets, when first asked."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from schemas.errors import Unavailable

PATIENCE = 30.0  # seconds
LOOK_AGAIN = 0.1  # seconds between two looks
ANY = TopicPartition("any", 0)  # need not exist


async def await_coordinators(kafka: str, groups: Sequence[str]) -> None:
    """Wait until the broker can coordinate all these groups, which need not exist. Raises Unavailable after 30 s."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka, client_id="herold-groups")
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            while not await _coordinated(admin, groups):  # noqa: ASYNC110 - the broker offers no event for it
                await asyncio.sleep(LOOK_AGAIN)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(f"Kafka at {kafka} does not coordinate consumer groups: {error!r}") from error
    finally:
        await admin.close()


async def _coordinated(admin: Any, groups: Sequence[str]) -> bool:
    try:
        # a coordinator that is not ready answers without the partition that it was asked for
        return all([await admin.list_consumer_group_offsets(group, partitions=[ANY]) for group in groups])
    except KafkaError as error:
        if error.retriable:
            return False
        raise
