"""The gateway's connection to Kafka: an idempotent producer, replaced by a new one when it fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.kafka.client_options import ClientOptions
from app.telemetry import log_event
from schemas.record_size import FRAME_OVERHEAD
from schemas.topics import MAX_NOTIFICATION_BYTES

MAX_BATCH_BYTES = MAX_NOTIFICATION_BYTES - FRAME_OVERHEAD  # the broker limits the batch as it arrives, compressed
RECONNECT_DELAY = 0.5  # seconds between two attempts to connect
CLOSE_TIMEOUT = 2.0  # seconds that a producer may take to stop


class ProducerConnection:
    """The current producer. Each of `topics` must have `partitions` partitions; `timeout` in seconds, for one attempt to connect.

    `describe_problem`: finds out why Kafka cannot be connected, from the error of a producer.
    """

    def __init__(
        self,
        producer_factory: Callable[[], AIOKafkaProducer],
        describe_problem: Callable[[BaseException], Awaitable[str]],
        topics: Sequence[str],
        partitions: int,
        timeout: float,
    ) -> None:
        self._producer_factory, self._describe_problem = producer_factory, describe_problem
        self._topics, self._partitions, self._timeout = topics, partitions, timeout
        self._connected_producer: asyncio.Future[AIOKafkaProducer] | None = None
        self._connect_task: asyncio.Task[None] | None = None
        self._close_tasks: set[asyncio.Task[None]] = set()
        self.producer_failure: asyncio.Future[None]  # done when the current producer has failed
        self.error = "not connected to Kafka yet"
        self.has_connect_failed = False

    def start(self) -> None:
        """Connect in the background, with retries until Kafka answers."""
        loop = asyncio.get_running_loop()
        self._connected_producer, self.producer_failure = loop.create_future(), loop.create_future()
        self._connect_task = asyncio.create_task(self._connect(self._connected_producer))

    async def stop(self) -> None:
        """Close the producers; unconfirmed records stay unconfirmed."""
        if self._connect_task:
            self._connect_task.cancel()
            await asyncio.gather(self._connect_task, return_exceptions=True)
        if self._connected_producer and self._connected_producer.done() and not self._connected_producer.cancelled():
            await _close_producer(self._connected_producer.result())
        await asyncio.gather(*self._close_tasks)

    async def get_producer(self) -> AIOKafkaProducer:
        """The current producer; waits until it is connected."""
        assert self._connected_producer is not None, "call start() first"
        return await asyncio.shield(self._connected_producer)

    async def probe(self) -> str:
        """Why no broker answers a metadata request; empty if one does."""
        if self._connected_producer is None or not self._connected_producer.done():
            return self.error
        return "" if await self._connected_producer.result().client.force_metadata_update() else "no broker answers"

    def replace_producer(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Close a failed producer and connect a new one; does nothing if it was replaced before."""
        if self._connected_producer is None or not self._connected_producer.done() or self._connected_producer.result() is not producer:
            return
        log_event("gateway.produce_failed", logging.WARNING, cause=f"{type(error).__name__}: {error}")
        self.producer_failure.set_result(None)
        task = asyncio.create_task(_close_producer(producer))
        self._close_tasks.add(task)
        task.add_done_callback(self._close_tasks.discard)
        self.start()

    async def _connect(self, connected: asyncio.Future[AIOKafkaProducer]) -> None:
        while not connected.done():
            producer = self._producer_factory()
            try:
                async with asyncio.timeout(self._timeout):
                    await producer.start()
                    await self._fetch_metadata(producer)
            except (KafkaError, OSError, TimeoutError) as error:
                self.has_connect_failed = True
                await _close_producer(producer)
                self.error = f"Kafka does not answer: {await self._describe_problem(error)}"
                await asyncio.sleep(RECONNECT_DELAY)
            except asyncio.CancelledError:
                await _close_producer(producer)
                raise
            else:
                self.has_connect_failed, self.error = False, ""
                connected.set_result(producer)

    async def _fetch_metadata(self, producer: AIOKafkaProducer) -> None:
        """Fetch the topics' metadata before the first request, which would wait about 100 ms for it."""
        for topic in self._topics:
            partitions = len(await producer.partitions_for(topic))
            if partitions != self._partitions:
                raise KafkaError(
                    f"{topic} has {partitions} partitions, kafka.topic_partitions is {self._partitions}; run `herold topics check`"
                )


def create_producer(options: ClientOptions, timeout: float) -> AIOKafkaProducer:
    """A producer that confirms a record when all in-sync replicas have it; `timeout` in seconds, for one request."""
    return AIOKafkaProducer(
        **options,
        client_id="herold-gateway",
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_NOTIFICATION_BYTES * 4,
        request_timeout_ms=int(timeout * 1000),
        retry_backoff_ms=50,
    )


async def _close_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer. Without a broker, its stop() waits forever for the batches in flight: then it is closed by force."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await producer.stop()
    except TimeoutError:
        await _force_close_producer(producer)
    except (KafkaError, OSError) as error:
        log_event("gateway.produce_failed", logging.WARNING, cause=f"closing a producer: {type(error).__name__}")


async def _force_close_producer(producer: AIOKafkaProducer) -> None:
    """End the tasks of a producer that does not stop, the client first and its sender second.

    aiokafka 0.14 has no public method for it. The sender's own error callback needs a transaction, which this producer does not have.
    The batches in flight stay without a result; therefore a writer waits for `producer_failure` too.
    """
    sender = producer._sender.sender_task
    await producer.client.close()
    if sender is not None:
        sender.remove_done_callback(producer._sender._fail_all)
        sender.cancel()
        await asyncio.wait([sender], timeout=CLOSE_TIMEOUT)
