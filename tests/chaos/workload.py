"""A workload of notifications with known results, produced while routers are stopped and started."""

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.channels import ChannelName
from schemas.enums import PRIORITIES, Priority
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from schemas.topics import STATUS_TOPIC, get_notifications_topic
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

SMS_PER_HOUR = 10  # the rate limit of tables/postgres/seed.yml
SMS_PER_LIMITED_USER = 20  # notifications to a user over the rate limit
DELAYED_SECONDS = (1.0, 5.0)  # from when a notification with `send_at` is produced until then
HELD_POLICY = b"""
rules: [{type: order.delayed, category: delays, channels: [email], template: order-shipped, over_limit: hold}]
rate_limits: [{channel: email, category: delays, max_count: 1, window_seconds: 4}]
"""
"""What the e-mails to held users need: over the rate limit they wait."""
EMAILS_PER_HELD_USER = 3
BATCH_RECORDS = 300  # of a Kafka batch

_encode = msgspec.json.Encoder().encode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class WorkloadRecord(NamedTuple):
    """A notification to produce. An e-mail address has at most one delivery, although several notifications may have the address.

    `delay`: seconds from when it is produced until its `send_at`; 0 if it has none.
    """

    priority: Priority
    user: str
    value: bytes
    id: str
    key: str
    channel: ChannelName
    address: str
    uses_murmur2: bool
    delay: float = 0.0


@dataclass(frozen=True)
class WorkloadMix:
    """The composition of a workload: e-mails to one address each, and SMS to users over the rate limit.

    `murmur2_share`: records of a producer that partitions with murmur2; half of these have no id. `duplicate_share`: e-mails that are
    produced twice with one idempotency key, by both producers and with any priority. `name`: part of each address and key, so that several
    workloads can go to one cluster. `delayed_share`: e-mails with `send_at`. `held_user_count`: users with more e-mails than HELD_POLICY
    lets pass at once, each to an address of its own.
    """

    count: int
    limited_user_count: int
    murmur2_share: float = 0.0
    duplicate_share: float = 0.0
    name: str = ""
    delayed_share: float = 0.0
    held_user_count: int = 0


def generate_records(mix: WorkloadMix, seed: int) -> list[WorkloadRecord]:
    """Generate the records of a mix in random order."""
    rng = random.Random(seed)
    records = [_build_limited_sms(rng, mix, number) for number in range(mix.limited_user_count) for _ in range(SMS_PER_LIMITED_USER)]
    records += [_build_held_email(rng, mix, *numbers) for numbers in product(range(mix.held_user_count), range(EMAILS_PER_HELD_USER))]
    while len(records) < mix.count:
        records += _build_emails(rng, mix, len(records))
    rng.shuffle(records)
    return records


def _build_limited_sms(rng: random.Random, mix: WorkloadMix, number: int) -> WorkloadRecord:
    return _build_record(rng, mix, f"limited-{number}", "sms", f"+4915{number:09}", type_="account.otp")


def _build_held_email(rng: random.Random, mix: WorkloadMix, user: int, number: int) -> WorkloadRecord:
    address = f"h{user}-{number}{mix.name}@example.org"
    return _build_record(rng, mix, f"held-{user}{mix.name}", "email", address, type_="order.delayed")


def _build_emails(rng: random.Random, mix: WorkloadMix, number: int) -> list[WorkloadRecord]:
    user = f"user-{rng.randrange(20_000)}"
    if rng.random() >= mix.duplicate_share:
        delay = rng.uniform(*DELAYED_SECONDS) if rng.random() < mix.delayed_share else 0.0
        return [_build_record(rng, mix, user, "email", f"n{number}{mix.name}@example.org")._replace(delay=delay)]
    address, key = f"k{number}{mix.name}@example.org", f"order-{number}{mix.name}"
    return [_build_record(rng, mix, user, "email", address, key=key, uses_murmur2=uses_murmur2) for uses_murmur2 in (True, False)]


def _build_record(
    rng: random.Random,
    mix: WorkloadMix,
    user: str,
    channel: ChannelName,
    address: str,
    *,
    type_: str = "order.shipped",
    key: str = "",
    uses_murmur2: bool | None = None,
) -> WorkloadRecord:
    now, priority = time.time(), rng.choice(PRIORITIES)
    if uses_murmur2 is None:
        uses_murmur2 = rng.random() < mix.murmur2_share
    notification_id = "" if uses_murmur2 and rng.random() < 0.5 else make_id(NOTIFICATION_PREFIX, now, rng.getrandbits(74))
    data = {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"], "code": "1234", "minutes": 5}
    notification = Notification(
        user_id=user,
        type=type_,
        id=notification_id or None,
        channels=[channel],
        data=data,
        locale="en",
        to={channel: address},
        idempotency_key=key or None,
        created_at=now,
    )
    return WorkloadRecord(priority, user, _encode(notification), notification_id, key, channel, address, uses_murmur2)


class Workload:
    """Produces records slice by slice, and reads the progress of the routers."""

    def __init__(self, cluster: HeroldCluster, records: Sequence[WorkloadRecord], **producer_options: Any) -> None:
        """`producer_options`: of AIOKafkaProducer."""
        self._cluster, self._unsent_records = cluster, iter(records)
        self._produced = dict.fromkeys(range(PARTITIONS), 0)
        self._decided_before: dict[int, int] = {}
        self.send_times: dict[str, float] = {}
        """The `send_at` of each address that has one."""
        self._exit_stack = AsyncExitStack()
        self._crc32_producer, self._murmur2_producer = (
            AIOKafkaProducer(bootstrap_servers=cluster.urls.kafka, max_batch_size=200_000, **producer_options) for _ in range(2)
        )

    async def __aenter__(self) -> "Workload":
        self.topic_reader = await self._exit_stack.enter_async_context(topic_reader.open_topic_reader(self._cluster.urls.kafka))
        for producer in (self._crc32_producer, self._murmur2_producer):
            await producer.start()
            self._exit_stack.push_async_callback(producer.stop)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._exit_stack.aclose()

    @property
    def input_topics(self) -> list[str]:
        """The topics of notifications."""
        return [self._cluster.prefix + get_notifications_topic(priority) for priority in PRIORITIES]

    async def begin_slice(self, count: int) -> asyncio.Task[None]:
        """Wait until the routers have committed all records, then begin to produce the next `count`; their start can be waited for.

        After all are produced the routers of a busy machine would have decided them before the test goes on.
        """
        await self.wait_until_drained()
        await self._count_anew()
        return asyncio.create_task(self.produce(count))

    async def produce_backlog(self, count: int) -> None:
        """Produce the next `count` records at once, as the slice whose start and rest can be waited for."""
        await self._count_anew()
        await self.produce(count)

    async def _count_anew(self) -> None:
        self._decided_before = await self._count_decided()
        self._produced = dict.fromkeys(range(PARTITIONS), 0)

    async def produce(self, count: int) -> None:
        """Produce the next `count` records and wait for the acknowledgements."""
        records = [self._set_send_time(record) for record in islice(self._unsent_records, count)]
        for record in records:
            self._produced[compute_partition(record.user, PARTITIONS)] += 1
        acknowledgements = [
            await self._murmur2_producer.send(
                self._cluster.prefix + get_notifications_topic(record.priority), record.value, key=record.user.encode()
            )
            for record in records
            if record.uses_murmur2
        ]
        for (priority, partition), batch in _group_batches(record for record in records if not record.uses_murmur2):
            acknowledgements.append(await self._send_batch(priority, partition, batch))
        await asyncio.gather(*acknowledgements)

    def _set_send_time(self, record: WorkloadRecord) -> WorkloadRecord:
        if not record.delay:
            return record
        send_at = self.send_times[record.address] = time.time() + record.delay
        return record._replace(value=_encode({**_decode_fields(record.value), "send_at": send_at}))

    async def _send_batch(self, priority: Priority, partition: int, records: list[tuple[bytes, bytes]]) -> Any:
        builder = self._crc32_producer.create_batch()
        for key, value in records:
            builder.append(timestamp=None, key=key, value=value)
        return await self._crc32_producer.send_batch(builder, self._cluster.prefix + get_notifications_topic(priority), partition=partition)

    async def produce_until(self, task: "asyncio.Task[None]", count: int) -> None:
        """Produce `count` records in ten parts, each when the routers have decided the previous one, and wait for the end of a task."""
        for _ in range(10):
            while not task.done() and sum((await self.count_undecided()).values()) > 0:
                await asyncio.wait([task], timeout=0.05)
            await self.produce(count // 10)
        await task

    async def produce_rest(self) -> None:
        """Produce all remaining records."""
        await self.produce(1_000_000)

    async def wait_until_started(self) -> None:
        """Wait until the routers have decided the first records of the slice."""

        async def has_decisions() -> bool:
            decided = await self._count_decided()
            return sum(decided.values()) > sum(self._decided_before.values())

        await wait_until(has_decisions, 150, "the routers have started with the slice", interval=0.005)

    async def count_undecided(self) -> dict[int, int]:
        """Count the records of the slice that are not decided yet, by partition."""
        decided = await self._count_decided()
        return {number: self._produced[number] - decided[number] + self._decided_before.get(number, 0) for number in self._produced}

    async def _count_decided(self) -> dict[int, int]:
        return {tp.partition: end for tp, end in (await self.topic_reader.get_end_offsets([self._cluster.prefix + STATUS_TOPIC])).items()}

    async def wait_until_drained(self, seconds: float = 150.0) -> None:
        """Wait until the routers have committed all produced records."""

        async def has_no_lag() -> bool:
            return await self.topic_reader.compute_lag(self._cluster.prefix + "router", self.input_topics) == 0

        await wait_until(has_no_lag, seconds, "the routers have committed all records", interval=0.1)


def _group_batches(records: Iterable[WorkloadRecord]) -> Iterator[tuple[tuple[Priority, int], list[tuple[bytes, bytes]]]]:
    """Group records by priority and partition into batches of keys and values."""
    groups: dict[tuple[Priority, int], list[tuple[bytes, bytes]]] = {}
    for record in records:
        group = groups.setdefault((record.priority, compute_partition(record.user, PARTITIONS)), [])
        group.append((record.user.encode(), record.value))
    for priority_and_partition, group in groups.items():
        for start in range(0, len(group), BATCH_RECORDS):
            yield priority_and_partition, group[start : start + BATCH_RECORDS]
