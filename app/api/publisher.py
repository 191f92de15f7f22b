"""Writes notifications to Kafka; requests that come together share whole Kafka batches (group commit)."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.api.ports import Outgoing
from app.telemetry import log_line
from schemas.ports import Clock
from schemas.sizes import FRAME_OVERHEAD
from schemas.topics import MAX_NOTIFICATION_BYTES

BATCH_BYTES = MAX_NOTIFICATION_BYTES - FRAME_OVERHEAD  # the broker's limit is on a batch as it arrives, compressed
WAITING_MOST = 50_000  # records that wait for a partition; more are refused at once
PAUSE = 0.5  # seconds between attempts to connect
ENDING = 2.0  # seconds that a producer has to say goodbye


class Ticket:
    """A request's records; its future has, once all are decided, whether each is confirmed."""

    __slots__ = ("confirmed", "done", "left")

    def __init__(self, size: int) -> None:
        self.confirmed = [False] * size
        self.left = size
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, index: int, confirmed: bool) -> None:
        self.confirmed[index] = confirmed
        self.left -= 1
        if not self.left and not self.done.done():
            self.done.set_result(None)


class Waiting(NamedTuple):
    """A record that is in no batch yet, and its place in its ticket."""

    record: Outgoing
    ticket: Ticket
    place: int


class PartitionWriter:
    """One Kafka batch of a partition in flight at a time; what comes meanwhile goes into the next one."""

    def __init__(self, publisher: "KafkaPublisher", topic: str, partition: int) -> None:
        self._publisher, self._topic, self._partition = publisher, topic, partition
        self._waiting: deque[Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self.sent_at: float | None = None  # of the batch in flight, by the monotonic clock

    def add(self, waiting: Waiting) -> None:
        """Take a record; one too many is refused."""
        if len(self._waiting) >= WAITING_MOST:
            return waiting.ticket.settle(waiting.place, False)
        self._waiting.append(waiting)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return None

    async def stop(self) -> None:
        """Give up what is waiting and in flight."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._write()
        finally:
            self._task = None

    async def _write(self) -> None:
        producer = await self._publisher.producer()
        batch = producer.create_batch()
        chosen = self._fill(batch)
        if not chosen:
            return
        self.sent_at = self._publisher.clock()
        confirmed = await self._send(producer, batch)
        self.sent_at = None
        if confirmed:
            self._publisher.confirmed_at = self._publisher.clock()
        for _, ticket, place in chosen:
            ticket.settle(place, confirmed)

    def _fill(self, batch: Any) -> list[Waiting]:
        """Move what fits from the queue into the batch; records whose request has been answered already are dropped."""
        chosen: list[Waiting] = []
        while self._waiting:
            first = self._waiting[0]
            if not first.ticket.done.done():
                if batch.append(timestamp=None, key=first.record.key, value=first.record.value) is None:
                    break
                chosen.append(first)
            self._waiting.popleft()
        batch.close()
        return chosen

    async def _send(self, producer: AIOKafkaProducer, batch: Any) -> bool:
        replaced = self._publisher.replaced
        try:
            sent = await producer.send_batch(batch, self._topic, partition=self._partition)
            await asyncio.wait((sent, replaced), return_when=asyncio.FIRST_COMPLETED)
            if not sent.done():
                return False
            await sent
        except (KafkaError, AssertionError, OSError) as error:
            # an idempotent producer that gave a batch up has a gap in its sequence: later batches would fail too
            self._publisher.replace(producer, error)
            return False
        return True


class KafkaPublisher:
    """Confirms records with acks=all; `make` gives a new producer, `clock` is monotonic, `timeout` in seconds."""

    def __init__(self, make: Callable[[], AIOKafkaProducer], topics: Sequence[str], partitions: int, timeout: float, clock: Clock) -> None:
        self._make, self._topics, self._partitions, self._timeout, self.clock = make, topics, partitions, timeout, clock
        self._writers: dict[tuple[str, int], PartitionWriter] = {}
        self._producer: asyncio.Future[AIOKafkaProducer] | None = None
        self.replaced: asyncio.Future[None]  # done when the producer of now has failed
        self._connecting: asyncio.Task[None] | None = None
        self._endings: set[asyncio.Task[None]] = set()
        self._trouble = "not connected to Kafka yet"
        self._failed = False
        self.confirmed_at = 0.0

    def start(self) -> None:
        """Begin to connect; goes on until Kafka answers."""
        loop = asyncio.get_running_loop()
        self._producer, self.replaced = loop.create_future(), loop.create_future()
        self._connecting = asyncio.create_task(self._connect(self._producer))

    async def stop(self) -> None:
        """Close the connections; what is not confirmed by now stays unconfirmed."""
        if self._connecting:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        await asyncio.gather(*(writer.stop() for writer in self._writers.values()))
        if self._producer and self._producer.done() and not self._producer.cancelled():
            await _end(self._producer.result())
        await asyncio.gather(*self._endings)

    async def producer(self) -> AIOKafkaProducer:
        """The producer, once it is connected."""
        assert self._producer is not None, "start() comes first"
        return await asyncio.shield(self._producer)

    async def publish(self, records: Sequence[Outgoing]) -> Sequence[bool]:
        """For each record whether all in-sync replicas have it; at once False while Kafka is known to be away."""
        ticket = Ticket(len(records))
        for index, record in enumerate(records):
            if self._failed or (writer := self._writer(record)) is None:
                ticket.settle(index, False)
            else:
                writer.add(Waiting(record, ticket, index))
        try:
            async with asyncio.timeout(self._timeout):
                await ticket.done
        except TimeoutError:
            self._report(f"no confirmation within {self._timeout} s")
        return ticket.confirmed

    def trouble(self) -> str:
        """Why records are not confirmed at the moment; empty if nothing is known to keep them."""
        late = [place for place, writer in self._writers.items() if self._is_late(writer)]
        return f"no confirmation from {late[0][0]}[{late[0][1]}]" if late else self._trouble

    async def probe(self) -> str:
        """What keeps records from being confirmed; asks a broker for metadata, so that it is known without traffic too."""
        if self._producer is None or not self._producer.done():
            return self._trouble
        answered = await self._producer.result().client.force_metadata_update()
        return self.trouble() if answered else "no broker answers"

    def replace(self, producer: AIOKafkaProducer, error: BaseException) -> None:
        """Go on with a new producer, because this one has failed."""
        if self._producer is None or not self._producer.done() or self._producer.result() is not producer:
            return
        self._report(f"{type(error).__name__}: {error}")
        self.replaced.set_result(None)
        self._end_later(producer)
        self.start()

    def _writer(self, record: Outgoing) -> PartitionWriter | None:
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
            producer = self._make()
            try:
                async with asyncio.timeout(self._timeout):
                    await producer.start()
                    await self._warm(producer)
            except (KafkaError, OSError, TimeoutError) as error:
                self._failed, self._trouble = True, f"Kafka does not answer: {type(error).__name__} {error}"
                await _end(producer)
                await asyncio.sleep(PAUSE)
            except asyncio.CancelledError:
                await _end(producer)
                raise
            else:
                self._failed, self._trouble = False, ""
                connected.set_result(producer)

    async def _warm(self, producer: AIOKafkaProducer) -> None:
        """Learn where the topics are before the first request; the first produce would wait about 100 ms for it."""
        for topic in self._topics:
            found = len(await producer.partitions_for(topic))
            if found != self._partitions:
                raise KafkaError(f"{topic} has {found} partitions, the setting says {self._partitions}: see `herold topics check`")

    def _report(self, cause: str) -> None:
        log_line("gateway.unavailable", logging.WARNING, cause=cause)

    def _end_later(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(_end(producer))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)


async def _end(producer: AIOKafkaProducer) -> None:
    """Stop a producer, also one whose broker is away: its own stop() would wait for ever for what is in flight."""
    try:
        async with asyncio.timeout(ENDING):
            await producer.stop()
    except TimeoutError:
        await _abandon(producer)
    except (KafkaError, OSError) as error:
        log_line("gateway.unavailable", logging.WARNING, cause=f"ending a producer: {type(error).__name__}")


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End the tasks of a producer that cannot say goodbye, in an order in which none trips over another.

    aiokafka 0.14 has no public way. What its sender does when it ends with an error needs a transaction, which we have not; and
    the batches that it held stay without an answer, which is why a writer also waits for the end of its producer.
    """
    sender = producer._sender.sender_task
    await producer.client.close()
    if sender is not None:
        sender.remove_done_callback(producer._sender._fail_all)
        sender.cancel()
        await asyncio.wait([sender], timeout=ENDING)


def producer_for(bootstrap_servers: str, timeout: float) -> AIOKafkaProducer:
    """A producer with the settings that a 202 needs; `timeout` in seconds."""
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap_servers,
        client_id="herold-gateway",
        acks="all",
        enable_idempotence=True,
        compression_type="lz4",
        max_batch_size=BATCH_BYTES,
        max_request_size=MAX_NOTIFICATION_BYTES * 4,
        request_timeout_ms=int(timeout * 1000),
        retry_backoff_ms=50,
    )
