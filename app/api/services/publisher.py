"""Writes notifications to Kafka; requests that come together share whole Kafka batches (group commit)."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.api.ports import ProducerRecord
from app.telemetry import log_event
from schemas.ports import Clock
from schemas.record_size import FRAME_OVERHEAD
from schemas.topics import MAX_NOTIFICATION_BYTES

MAX_BATCH_BYTES = MAX_NOTIFICATION_BYTES - FRAME_OVERHEAD  # the broker's limit is on a batch as it arrives, compressed
MAX_QUEUED_RECORDS = 50_000  # records that wait for a partition; more are refused at once
RECONNECT_DELAY = 0.5  # seconds between attempts to connect
CLOSE_TIMEOUT = 2.0  # seconds that a producer has to say goodbye


class PublishRequest:
    """A request's records; its future has, once all are decided, whether each is confirmed."""

    __slots__ = ("completed", "confirmed", "remaining")

    def __init__(self, size: int) -> None:
        self.confirmed = [False] * size
        self.remaining = size
        self.completed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def record_result(self, index: int, confirmed: bool) -> None:
        self.confirmed[index] = confirmed
        self.remaining -= 1
        if not self.remaining and not self.completed.done():
            self.completed.set_result(None)


class QueuedRecord(NamedTuple):
    """A record that is in no batch yet, and its place in its ticket."""

    record: ProducerRecord
    request: PublishRequest
    position: int


class PartitionWriter:
    """One Kafka batch of a partition in flight at a time; what comes meanwhile goes into the next one."""

    def __init__(self, publisher: "KafkaPublisher", topic: str, partition: int) -> None:
        self._publisher, self._topic, self._partition = publisher, topic, partition
        self._queue: deque[QueuedRecord] = deque()
        self._drain_task: asyncio.Task[None] | None = None
        self.sent_at: float | None = None  # of the batch in flight, by the monotonic clock

    def add(self, queued: QueuedRecord) -> None:
        """Take a record; one too many is refused."""
        if len(self._queue) >= MAX_QUEUED_RECORDS:
            return queued.request.record_result(queued.position, False)
        self._queue.append(queued)
        if self._drain_task is None:
            self._drain_task = asyncio.create_task(self._drain())
        return None

    async def stop(self) -> None:
        """Give up what is waiting and in flight."""
        if self._drain_task is not None:
            self._drain_task.cancel()
            await asyncio.gather(self._drain_task, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while self._queue:
                await self._write_batch()
        finally:
            self._drain_task = None

    async def _write_batch(self) -> None:
        producer = await self._publisher.get_producer()
        batch = producer.create_batch()
        chosen = self._fill_batch(batch)
        if not chosen:
            return
        self.sent_at = self._publisher.clock()
        confirmed = await self._send_batch(producer, batch)
        self.sent_at = None
        if confirmed:
            self._publisher.confirmed_at = self._publisher.clock()
        for _, ticket, place in chosen:
            ticket.record_result(place, confirmed)

    def _fill_batch(self, batch: Any) -> list[QueuedRecord]:
        """Move what fits from the queue into the batch; records whose request has been answered already are dropped."""
        chosen: list[QueuedRecord] = []
        while self._queue:
            first = self._queue[0]
            if not first.request.completed.done():
                if batch.append(timestamp=None, key=first.record.key, value=first.record.value) is None:
                    break
                chosen.append(first)
            self._queue.popleft()
        batch.close()
        return chosen

    async def _send_batch(self, producer: AIOKafkaProducer, batch: Any) -> bool:
        replaced = self._publisher.producer_failure
        try:
            sent = await producer.send_batch(batch, self._topic, partition=self._partition)
            await asyncio.wait((sent, replaced), return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                return False
            await sent
        except (KafkaError, AssertionError, OSError) as error:
            # an idempotent producer that gave a batch up has a gap in its sequence: later batches would fail too
            self._publisher.replace_producer(producer, error)
            return False
        return True


class KafkaPublisher:
    """Confirms records with acks=all; `producer_factory` gives a new producer, `clock` is monotonic, `timeout` in seconds."""

    def __init__(
        self, producer_factory: Callable[[], AIOKafkaProducer], topics: Sequence[str], partitions: int, timeout: float, clock: Clock
    ) -> None:
        self._producer_factory, self._topics, self._partitions, self._timeout, self.clock = (
            producer_factory,
            topics,
            partitions,
            timeout,
            clock,
        )
        self._writers: dict[tuple[str, int], PartitionWriter] = {}
        self._connected_producer: asyncio.Future[AIOKafkaProducer] | None = None
        self.producer_failure: asyncio.Future[None]  # done when the producer of now has failed
        self._connect_task: asyncio.Task[None] | None = None
        self._close_tasks: set[asyncio.Task[None]] = set()
        self._connection_error = "not connected to Kafka yet"
        self._connect_failed = False
        self.confirmed_at = 0.0

    def start(self) -> None:
        """Begin to connect; goes on until Kafka answers."""
        loop = asyncio.get_running_loop()
        self._connected_producer, self.producer_failure = loop.create_future(), loop.create_future()
        self._connect_task = asyncio.create_task(self._connect(self._connected_producer))

    async def stop(self) -> None:
        """Close the connections; what is not confirmed by now stays unconfirmed."""
        if self._connect_task:
            self._connect_task.cancel()
            await asyncio.gather(self._connect_task, return_exceptions=True)
        await asyncio.gather(*(writer.stop() for writer in self._writers.values()))
        if self._connected_producer and self._connected_producer.done() and not self._connected_producer.cancelled():
            await _close_producer(self._connected_producer.result())
        await asyncio.gather(*self._close_tasks)

    async def get_producer(self) -> AIOKafkaProducer:
        """The producer, once it is connected."""
        assert self._connected_producer is not None, "start() comes first"
        return await asyncio.shield(self._connected_producer)

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        """For each record whether all in-sync replicas have it; at once False while Kafka is known to be away."""
        ticket = PublishRequest(len(records))
        for index, record in enumerate(records):
            if self._connect_failed or (writer := self._get_writer(record)) is None:
                ticket.record_result(index, False)
            else:
                writer.add(QueuedRecord(record, ticket, index))
        try:
            async with asyncio.timeout(self._timeout):
                await ticket.completed
        except TimeoutError:
            self._log_publish_failure(f"no confirmation within {self._timeout} s")
        return ticket.confirmed

    def get_error(self) -> str:
        """Why records are not confirmed at the moment; empty if nothing is known to keep them."""
        late = [place for place, writer in self._writers.items() if self._is_late(writer)]
        return f"no confirmation from {late[0][0]}[{late[0][1]}]" if late else self._connection_error

    async def probe(self) -> str:
        """What keeps records from being confirmed; asks a broker for metadata, so that it is known without traffic too."""
        if self._connected_producer is None or not self._connected_producer.done():
            return self._connection_error
        answered = await self._connected_producer.result().client.force_metadata_update()
        return self.get_error() if answered else "no broker answers"

    def replace_producer(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Go on with a new producer, because this one has failed."""
        if self._connected_producer is None or not self._connected_producer.done() or self._connected_producer.result() is not producer:
            return
        self._log_publish_failure(f"{type(error).__name__}: {error}")
        self.producer_failure.set_result(None)
        self._close_in_background(producer)
        self.start()

    def _get_writer(self, record: ProducerRecord) -> PartitionWriter | None:
        """The writer for the record's partition; none while its batch in flight is late, for then Kafka is away."""
        place = record.topic, record.partition
        writer = self._writers.get(place)
        if writer is None:
            writer = self._writers[place] = PartitionWriter(self, *place)
        return None if self._is_late(writer) else writer

    def _is_late(self, writer: PartitionWriter) -> bool:
        return writer.sent_at is not None and self.clock() - writer.sent_at > self._timeout

    async def _connect(self, connected: asyncio.Future[AIOKafkaProducer]) -> None:
        while not connected.done():
            producer = self._producer_factory()
            try:
                async with asyncio.timeout(self._timeout):
                    await producer.start()
                    await self._fetch_metadata(producer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._connect_failed, self._connection_error = True, f"Kafka does not answer: {type(error).__name__} {error}"
                await _close_producer(producer)
                await asyncio.sleep(RECONNECT_DELAY)
            except asyncio.CancelledError:
                await _close_producer(producer)
                raise
            else:
                self._connect_failed, self._connection_error = False, ""
                connected.set_result(producer)

    async def _fetch_metadata(self, producer: AIOKafkaProducer) -> None:
        """Learn where the topics are before the first request; the first produce would wait about 100 ms for it."""
        for topic in self._topics:
            found = len(await producer.partitions_for(topic))
            if found != self._partitions:
                raise KafkaError(f"{topic} has {found} partitions, the setting says {self._partitions}: see `herold topics check`")

    def _log_publish_failure(self, cause: str) -> None:
        log_event("gateway.produce_failed", logging.WARNING, cause=cause)

    def _close_in_background(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(_close_producer(producer))
        self._close_tasks.add(task)
        task.add_done_callback(self._close_tasks.discard)


async def _close_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer, also one whose broker is away: its own stop() would wait for ever for what is in flight."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await producer.stop()
    except TimeoutError:
        await _force_close_producer(producer)
    except (KafkaError, OSError) as error:
        log_event("gateway.produce_failed", logging.WARNING, cause=f"ending a producer: {type(error).__name__}")


async def _force_close_producer(producer: AIOKafkaProducer) -> None:
    """End the tasks of a producer that cannot say goodbye, in an order in which none trips over another.

    aiokafka 0.14 has no public way. What its sender does when it ends with an error needs a transaction, which we have not; and
    the batches that it held stay without an answer, which is why a writer also waits for the end of its producer.
    """
    sender = producer._sender.sender_task
    await producer.client.close()
    if sender is not None:
        sender.remove_done_callback(producer._sender._fail_all)
        sender.cancel()
        await asyncio.wait([sender], timeout=CLOSE_TIMEOUT)


def create_producer(bootstrap_servers: str, timeout: float) -> AIOKafkaProducer:
    """A producer with the settings that a 202 needs; `timeout` in seconds."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id="herold-gateway",
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=MAX_NOTIFICATION_BYTES * 4,
        request_timeout_ms=int(timeout * 1000),
        retry_backoff_ms=50,
    )
