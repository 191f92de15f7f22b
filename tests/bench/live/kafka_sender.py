"""Produces notifications as a plain producer does: one `send` each, without waiting for a batch."""

import asyncio

from aiokafka import AIOKafkaProducer

from schemas.ids import compute_key_partition
from tests.bench.live.http_messages import build_body_template, build_user_id
from tests.bench.live.messages import Load
from tests.bench.live.send_log import SendLog


class KafkaSender:
    """Produces the notifications of a load to the topic of its priority."""

    def __init__(self, load: Load, log: SendLog) -> None:
        self._load, self._log = load, log
        self._template = build_body_template(load.channel, "", load.sink)  # on Kafka the topic is the priority

    async def start(self) -> None:
        """Connect, and fetch the metadata."""
        self._producer = AIOKafkaProducer(bootstrap_servers=self._load.kafka, acks="all", linger_ms=0)
        await self._producer.start()
        await self._producer.partitions_for(self._load.topic)

    async def send(self, number: int) -> None:
        """Produce a notification."""
        key, value = build_user_id(number), self._template % (number, number, number)
        partition = compute_key_partition(key, self._load.partitions)
        confirmation = await self._producer.send(self._load.topic, value, key=key, partition=partition)
        self._log.on_sent(number)
        confirmation.add_done_callback(lambda future: self._on_confirmation(number, future))

    async def close(self) -> None:
        """Disconnect."""
        await self._producer.stop()

    def _on_confirmation(self, number: int, future: "asyncio.Future[object]") -> None:
        if future.exception() is None:
            self._log.on_answer(number)
        else:
            self._log.fail(f"Kafka did not confirm notification {number}: {future.exception()!r}")
