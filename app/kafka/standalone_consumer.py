"""A consumer of Kafka without a group, for reading what the topics still have."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from app.connection_settings import KafkaSection
from app.kafka.client_options import build_client_options
from app.kafka.connection_problem import describe_connection_problem
from app.streaming.aiokafka_patches import patch_aiokafka
from schemas.errors import RecordedNotificationsUnavailableError

FETCH_WAIT_MS: Final = 50  # that a broker may keep a fetch; it answers what is asked on the same connection only afterwards


@asynccontextmanager
async def open_standalone_consumer(kafka: KafkaSection, request_timeout_ms: int) -> AsyncIterator[Any]:
    """A started consumer that has no assignment, stopped at the end.

    Raises RecordedNotificationsUnavailableError if Kafka does not answer, also inside.
    """
    patch_aiokafka()
    options = build_client_options(kafka)
    consumer = AIOKafkaConsumer(
        **options,
        enable_auto_commit=False,
        request_timeout_ms=request_timeout_ms,
        fetch_max_wait_ms=FETCH_WAIT_MS,
        isolation_level="read_committed",
    )
    try:
        await consumer.start()
        yield consumer
    except (KafkaError, OSError) as error:
        problem = await describe_connection_problem(options, error)
        raise RecordedNotificationsUnavailableError(f"Kafka at {kafka.bootstrap_servers}: {problem}") from error
    finally:
        await consumer.stop()
