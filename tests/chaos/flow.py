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

from schemas.ids import NOTIFICATION, new_id, partition_of
from schemas.notification import Notification
from schemas.topics import STATUS, notifications
from schemas.words import LANES, Channel, Lane
from tests import kafka_log
from tests.stand import PARTITIONS, Stand, until

SMS_AN_HOUR = 10  # the seed's limit
LIMITED_EACH = 20  # notifications of a user who is limited

encode = msgspec.json.Encoder().encode


class Said(NamedTuple):
    """A submission. `address` tells what it is about: one delivery goes there at most, whatever else has the same address."""

    lane: Lane
    user: str
    value: bytes
    id: str
    key: str
    channel: Channel
    address: str
    by_murmur: bool


@dataclass(frozen=True)
class Mix:
    """What flows: most are e-mails, one each; others are SMS of users with too many of them.

    `foreign`: the share by a producer that partitions with murmur2; half of these have no id. `doubled`: the share of e-mails that are said
    twice with one idempotency key, by different producers and in any lanes.
    """

    many: int
    limited_users: int
    foreign: float = 0.0
    doubled: float = 0.0


def said(mix: Mix, seed: int) -> list[Said]:
    """The submissions of a mix, in a random order."""
    rng = random.Random(seed)
    found = [_limited(rng, mix, number) for number in range(mix.limited_users) for _ in range(LIMITED_EACH)]
    while len(found) < mix.many:
        found += _mails(rng, mix, len(found))
    rng.shuffle(found)
    return found


def _limited(rng: random.Random, mix: Mix, number: int) -> Said:
    return _said(rng, mix, f"limited-{number}", "sms", f"+4915{number:09}")


def _mails(rng: random.Random, mix: Mix, number: int) -> list[Said]:
    user = f"user-{rng.randrange(20_000)}"
    if rng.random() >= mix.doubled:
        return [_said(rng, mix, user, "email", f"n{number}@example.org")]
    return [_said(rng, mix, user, "email", f"k{number}@example.org", f"order-{number}", foreign) for foreign in (True, False)]


def _said(rng: random.Random, mix: Mix, user: str, channel: Channel, address: str, key: str = "", by_murmur: bool | None = None) -> Said:
    now, lane = time.time(), rng.choice(LANES)
    foreign = rng.random() < mix.foreign if by_murmur is None else by_murmur
    an_id = "" if foreign and rng.random() < 0.5 else new_id(NOTIFICATION, now, rng.getrandbits(74))
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
    return Said(lane, user, encode(value), an_id, key, channel, address, foreign)


class Flow:
    """Pours submissions into Kafka, slice by slice, and watches the routers work them off."""

    def __init__(self, stand: Stand, stock: Sequence[Said]) -> None:
        self._stand, self._stock = stand, iter(stock)
        self._poured = dict.fromkeys(range(PARTITIONS), 0)
        self._before: dict[int, int] = {}
        self._open = AsyncExitStack()
        self._ours, self._foreign = (AIOKafkaProducer(bootstrap_servers=stand.urls.kafka, max_batch_size=200_000) for _ in range(2))

    async def __aenter__(self) -> "Flow":
        self.log = await self._open.enter_async_context(kafka_log.reader(self._stand.urls.kafka))
        for producer in (self._ours, self._foreign):
            await producer.start()
            self._open.push_async_callback(producer.stop)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._open.aclose()

    @property
    def inputs(self) -> list[str]:
        """The topics that are poured into."""
        return [self._stand.prefix + notifications(lane) for lane in LANES]

    async def slice(self, many: int) -> None:
        """When all before is worked off, pour the next ones in one go."""
        await self.drained()
        self._before = await self._decided()
        self._poured = dict.fromkeys(range(PARTITIONS), 0)
        await self.pour(many)

    async def pour(self, many: int) -> None:
        """Pour the next ones; returns when Kafka has them."""
        some = list(islice(self._stock, many))
        for one in some:
            self._poured[partition_of(one.user, PARTITIONS)] += 1
        sent = [
            await self._foreign.send(self._stand.prefix + notifications(one.lane), one.value, key=one.user.encode())
            for one in some
            if one.by_murmur
        ]
        sent += [await self._sent(*place, values) for place, values in _batches(one for one in some if not one.by_murmur)]
        await asyncio.gather(*sent)

    async def _sent(self, lane: Lane, partition: int, records: list[tuple[bytes, bytes]]) -> Any:
        builder = self._ours.create_batch()
        for key, value in records:
            builder.append(timestamp=None, key=key, value=value)
        return await self._ours.send_batch(builder, self._stand.prefix + notifications(lane), partition=partition)

    async def pour_until(self, done: "asyncio.Task[None]", many: int) -> None:
        """Pour so many, a tenth whenever the routers have worked off what was poured before, and wait until something else is done."""
        for _ in range(10):
            while not done.done() and sum((await self.waiting()).values()) > 0:
                await asyncio.wait([done], timeout=0.05)
            await self.pour(many // 10)
        await done

    async def rest(self) -> None:
        """Pour what is left."""
        await self.pour(1_000_000)

    async def under_way(self) -> None:
        """Wait until the routers have begun with the slice; on each partition something of it waits then."""

        async def begun() -> bool:
            decided = await self._decided()
            return sum(decided.values()) > sum(self._before.values())

        await until(begun, 150, "routers working on the slice", every=0.005)

    async def waiting(self) -> dict[int, int]:
        """How many of the slice are not decided yet, by partition."""
        decided = await self._decided()
        return {number: self._poured[number] - decided[number] + self._before.get(number, 0) for number in self._poured}

    async def _decided(self) -> dict[int, int]:
        return {tp.partition: end for tp, end in (await self.log.ends([self._stand.prefix + STATUS])).items()}

    async def drained(self, seconds: float = 150.0) -> None:
        """Wait until everything poured was acknowledged by the routers."""

        async def nothing_left() -> bool:
            return await self.log.left(self._stand.prefix + "router", self.inputs) == 0

        await until(nothing_left, seconds, "routers having acknowledged everything", every=0.1)


def _batches(some: Iterable[Said]) -> Iterator[tuple[tuple[Lane, int], list[tuple[bytes, bytes]]]]:
    """The records of each topic and partition, in pieces that fit a Kafka batch."""
    places: dict[tuple[Lane, int], list[tuple[bytes, bytes]]] = {}
    for one in some:
        records = places.setdefault((one.lane, partition_of(one.user, PARTITIONS)), [])
        records.append((one.user.encode(), one.value))
    for place, records in places.items():
        for start in range(0, len(records), 300):
            yield place, records[start : start + 300]
