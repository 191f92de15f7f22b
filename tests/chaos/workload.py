"""Notifications that flow while routers come and go, and what must become of each: so that a judge knows what to look for."""

import asyncio
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import msgspec
from aiokafka import AIOKafkaProducer

from schemas.enums import PRIORITIES, Channel, Priority
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, make_id
from schemas.notification import Notification
from schemas.topics import STATUS_TOPIC, get_notifications_topic
from tests import topic_reader
from tests.cluster import PARTITIONS, HeroldCluster, wait_until

SMS_PER_HOUR = 10  # the seed's limit
SMS_PER_LIMITED_USER = 20  # notifications of a user who is limited

encode = msgspec.json.Encoder().encode


class WorkloadRecord(NamedTuple):
    """A submission. `address` tells what it is about: one delivery goes there at most, whatever else has the same address."""

    priority: Priority
    user: str
    value: bytes
    id: str
    key: str
    channel: Channel
    address: str
    uses_murmur2: bool


@dataclass(frozen=True)
class WorkloadMix:
    """What flows: most are e-mails, one each; others are SMS of users with too many of them.

    `foreign`: the share by a producer that partitions with murmur2; half of these have no id. `doubled`: the share of e-mails that are said
    twice with one idempotency key, by different producers and in any priorities.
    """

    count: int
    limited_user_count: int
    murmur2_share: float = 0.0
    duplicate_share: float = 0.0


def generate_records(mix: WorkloadMix, seed: int) -> list[WorkloadRecord]:
    """The submissions of a mix, in a random order."""
    rng = random.Random(seed)
    found = [_build_limited_sms(rng, mix, number) for number in range(mix.limited_user_count) for _ in range(SMS_PER_LIMITED_USER)]
    while len(found) < mix.count:
        found += _build_emails(rng, mix, len(found))
    rng.shuffle(found)
    return found


def _build_limited_sms(rng: random.Random, mix: WorkloadMix, number: int) -> WorkloadRecord:
    return _build_record(rng, mix, f"limited-{number}", "sms", f"+4915{number:09}")


def _build_emails(rng: random.Random, mix: WorkloadMix, number: int) -> list[WorkloadRecord]:
    user = f"user-{rng.randrange(20_000)}"
    if rng.random() >= mix.duplicate_share:
        return [_build_record(rng, mix, user, "email", f"n{number}@example.org")]
    return [_build_record(rng, mix, user, "email", f"k{number}@example.org", f"order-{number}", foreign) for foreign in (True, False)]


def _build_record(
    rng: random.Random, mix: WorkloadMix, user: str, channel: Channel, address: str, key: str = "", uses_murmur2: bool | None = None
) -> WorkloadRecord:
    now, priority = time.time(), rng.choice(PRIORITIES)
    foreign = rng.random() < mix.murmur2_share if uses_murmur2 is None else uses_murmur2
    an_id = "" if foreign and rng.random() < 0.5 else make_id(NOTIFICATION_PREFIX, now, rng.getrandbits(74))
    mail, data = channel == "email", {"order": 17, "name": "Ada", "eta": "tomorrow", "items": ["book"], "code": "1234", "minutes": 5}
    value = Notification(
        user_id=user,
        type="order.shipped" if mail else "account.otp",
        id=an_id or None,
        channels=[channel],
        data=data,
        locale="en",
        to={channel: address},
        idempotency_key=key or None,
        created_at=now,
    )
    return WorkloadRecord(priority, user, encode(value), an_id, key, channel, address, foreign)


class Workload:
    """Pours submissions into Kafka, slice by slice, and watches the routers work them off."""

    def __init__(self, stand: HeroldCluster, records: Sequence[WorkloadRecord]) -> None:
        self._cluster, self._unsent_records = stand, iter(records)
        self._produced = dict.fromkeys(range(PARTITIONS), 0)
        self._decided_before: dict[int, int] = {}
        self._exit_stack = AsyncExitStack()
        self._crc32_producer, self._murmur2_producer = (
            AIOKafkaProducer(bootstrap_servers=stand.urls.kafka, max_batch_size=200_000) for _ in range(2)
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
        """The topics that are poured into."""
        return [self._cluster.prefix + get_notifications_topic(priority) for priority in PRIORITIES]

    async def produce_slice(self, many: int) -> None:
        """When all before is worked off, pour the next ones in one go."""
        await self.wait_until_drained()
        self._decided_before = await self._count_decided()
        self._produced = dict.fromkeys(range(PARTITIONS), 0)
        await self.produce(many)

    async def produce(self, many: int) -> None:
        """Pour the next ones; returns when Kafka has them."""
        some = list(islice(self._unsent_records, many))
        for one in some:
            self._produced[compute_partition(one.user, PARTITIONS)] += 1
        sent = [
            await self._murmur2_producer.send(
                self._cluster.prefix + get_notifications_topic(one.priority), one.value, key=one.user.encode()
            )
            for one in some
            if one.uses_murmur2
        ]
        sent += [await self._send_batch(*place, values) for place, values in _group_batches(one for one in some if not one.uses_murmur2)]
        await asyncio.gather(*sent)

    async def _send_batch(self, priority: Priority, partition: int, records: list[tuple[bytes, bytes]]) -> Any:
        builder = self._crc32_producer.create_batch()
        for key, value in records:
            builder.append(timestamp=None, key=key, value=value)
        return await self._crc32_producer.send_batch(builder, self._cluster.prefix + get_notifications_topic(priority), partition=partition)

    async def produce_until(self, done: "asyncio.Task[None]", many: int) -> None:
        """Pour so many, a tenth whenever the routers have worked off what was poured before, and wait until something else is done."""
        for _ in range(10):
            while not done.done() and sum((await self.count_undecided()).values()) > 0:
                await asyncio.wait([done], timeout=0.05)
            await self.produce(many // 10)
        await done

    async def produce_rest(self) -> None:
        """Pour what is left."""
        await self.produce(1_000_000)

    async def wait_until_started(self) -> None:
        """Wait until the routers have begun with the slice; on each partition something of it waits then."""

        async def begun() -> bool:
            decided = await self._count_decided()
            return sum(decided.values()) > sum(self._decided_before.values())

        await wait_until(begun, 150, "routers working on the slice", interval=0.005)

    async def count_undecided(self) -> dict[int, int]:
        """How many of the slice are not decided yet, by partition."""
        decided = await self._count_decided()
        return {number: self._produced[number] - decided[number] + self._decided_before.get(number, 0) for number in self._produced}

    async def _count_decided(self) -> dict[int, int]:
        return {tp.partition: end for tp, end in (await self.topic_reader.get_end_offsets([self._cluster.prefix + STATUS_TOPIC])).items()}

    async def wait_until_drained(self, seconds: float = 150.0) -> None:
        """Wait until everything poured was acknowledged by the routers."""

        async def nothing_left() -> bool:
            return await self.topic_reader.compute_lag(self._cluster.prefix + "router", self.input_topics) == 0

        await wait_until(nothing_left, seconds, "routers having acknowledged everything", interval=0.1)


def _group_batches(some: Iterable[WorkloadRecord]) -> Iterator[tuple[tuple[Priority, int], list[tuple[bytes, bytes]]]]:
    """The records of each topic and partition, in pieces that fit a Kafka batch."""
    places: dict[tuple[Priority, int], list[tuple[bytes, bytes]]] = {}
    for one in some:
        records = places.setdefault((one.priority, compute_partition(one.user, PARTITIONS)), [])
        records.append((one.user.encode(), one.value))
    for place, records in places.items():
        for start in range(0, len(records), 300):
            yield place, records[start : start + 300]
