"""Whether the pipeline behind the gateway moves: a role that has records waiting and reads none of them is stuck."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.topology import PIPELINE
from schemas.ports import Clock

PATIENCE = 30.0  # seconds without a read record, while some wait, after which a role counts as stuck
REST = 10.0  # seconds between two looks at Kafka


class Lag(NamedTuple):
    """How far a role has read, summed over its partitions, and how many records wait for it."""

    read: int
    waiting: int


class Progress:
    """Compares what each role has read from look to look; `clock` is monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moved: dict[str, tuple[int, float]] = {}

    def trouble(self, lags: Mapping[str, Lag]) -> str:
        """The roles that are stuck, in words; empty if none is."""
        now = self._clock()
        return "; ".join(filter(None, (self._of(role, lag, now) for role, lag in lags.items())))

    def _of(self, role: str, lag: Lag, now: float) -> str:
        read, since = self._moved.get(role, (-1, now))
        if lag.read != read or not lag.waiting:
            self._moved[role] = lag.read, now
            return ""
        waits = f"{role}: {lag.waiting} records wait, none was read for {now - since:.0f} s"
        return waits if now - since > PATIENCE else ""


class KafkaProgress:
    """Looks at the roles' consumer groups, which are named `<topic_prefix><role>`, at most every 10 s."""

    def __init__(self, bootstrap_servers: str, topic_prefix: str, partitions: int, clock: Clock) -> None:
        self._servers, self._clock, self._progress = bootstrap_servers, clock, Progress(clock)
        self._places = {
            stage.role: [TopicPartition(topic_prefix + topic, number) for topic in stage.reads for number in range(partitions)]
            for stage in PIPELINE
        }
        self._prefix = topic_prefix
        self._next = 0.0
        self._last = ""

    async def probe(self) -> str:
        """The roles that are stuck, in words; empty if none is. Raises what aiokafka raises if Kafka does not answer."""
        if self._clock() >= self._next:
            self._next, self._last = self._clock() + REST, "Kafka does not tell how far the roles have read"
            self._last = self._progress.trouble(await self._lags())
        return self._last

    async def _lags(self) -> dict[str, Lag]:
        async with AsyncExitStack() as stack:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._servers, enable_auto_commit=False)
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            admin = AIOKafkaAdminClient(bootstrap_servers=self._servers)
            stack.push_async_callback(admin.close)
            await admin.start()
            every = [place for places in self._places.values() for place in places]
            ends, starts = await consumer.end_offsets(every), await consumer.beginning_offsets(every)
            groups = {role: await admin.list_consumer_group_offsets(self._prefix + role) for role in self._places}
        return {role: lag_of(places, groups[role], starts, ends) for role, places in self._places.items()}


def lag_of(places: list[Any], committed: Mapping[Any, Any], starts: Mapping[Any, int], ends: Mapping[Any, int]) -> Lag:
    """The lag over these partitions; one without a committed offset will be read from its start."""
    read = {place: committed[place].offset if place in committed and committed[place].offset >= 0 else starts[place] for place in places}
    return Lag(sum(read.values()), sum(max(0, ends[place] - read[place]) for place in places))
