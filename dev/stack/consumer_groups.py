"""Waits until Kafka can coordinate the consumer groups of the roles: a new broker creates its offsets topic at the first request."""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from app.kafka.client_options import ClientOptions
from schemas.errors import UnavailableError

COORDINATOR_TIMEOUT = 30.0  # seconds
POLL_INTERVAL = 0.1  # seconds
ANY_PARTITION = TopicPartition("any", 0)  # need not exist


async def wait_for_coordinators(options: ClientOptions, groups: Sequence[str]) -> None:
    """Wait until all these groups, which need not exist, have a coordinator. Raises UnavailableError after COORDINATOR_TIMEOUT."""
    admin = AIOKafkaAdminClient(**options, client_id="herold-groups")
    try:
        async with asyncio.timeout(COORDINATOR_TIMEOUT):
            await admin.start()
            while not await _has_coordinators(admin, groups):  # noqa: ASYNC110 - the broker offers no event for it
                await asyncio.sleep(POLL_INTERVAL)
    except (KafkaError, OSError, TimeoutError) as error:
        raise UnavailableError(f"Kafka at {options['bootstrap_servers']} does not coordinate consumer groups: {error!r}") from error
    finally:
        await admin.close()


async def _has_coordinators(admin: Any, groups: Sequence[str]) -> bool:
    try:
        # the response of a coordinator that is not ready lacks the requested partition
        return all([await admin.list_consumer_group_offsets(group, partitions=[ANY_PARTITION]) for group in groups])
    except KafkaError as error:
        if error.retriable:
            return False
        raise
