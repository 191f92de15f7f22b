"""Whether the pipeline behind the gateway moves: a role that has records waiting and reads none of them is stuck."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from app.topology import TOPOLOGY
from schemas.ports import Clock

STALL_TIMEOUT = 30.0  # seconds without a read record, while some wait, after which a role counts as stuck
FETCH_INTERVAL = 10.0  # seconds between two looks at Kafka


class GroupLag(NamedTuple):
    """How far a role has read, summed over its partitions, and how many records wait for it."""

    committed: int
    lag: int


class StallDetector:
    """Compares what each role has read from look to look; `clock` is monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_progress: dict[str, tuple[int, float]] = {}

    def describe_stalled_roles(self, lags: Mapping[str, GroupLag]) -> str:
        """The roles that are stuck, in words; empty if none is."""
        now = self._clock()
        return "; ".join(filter(None, (self._describe_stall(role, lag, now) for role, lag in lags.items())))

    def _describe_stall(self, role: str, lag: GroupLag, now: float) -> str:
        read, since = self._last_progress.get(role, (-1, now))
        if lag.committed != read or not lag.lag:
            self._last_progress[role] = lag.committed, now
            return ""
        waits = f"{role}: {lag.lag} records wait, none was read for {now - since:.0f} s"
        return waits if now - since > STALL_TIMEOUT else ""


class ConsumerLagProbe:
    """Looks at the roles' consumer groups, which are named `<topic_prefix><role>`, at most every 10 s."""

    def __init__(self, bootstrap_servers: str, topic_prefix: str, partitions: int, clock: Clock) -> None:
        self._bootstrap_servers, self._clock, self._stall_detector = bootstrap_servers, clock, StallDetector(clock)
        self._partitions_by_role = {
            stage.role: [TopicPartition(topic_prefix + topic, number) for topic in stage.source_topics for number in range(partitions)]
            for stage in TOPOLOGY
        }
        self._topic_prefix = topic_prefix
        self._next_fetch_at = 0.0
        self._last_error = ""

    async def probe(self) -> str:
        """The roles that are stuck, in words; empty if none is. Raises what aiokafka raises if Kafka does not answer."""
        if self._clock() >= self._next_fetch_at:
            self._next_fetch_at, self._last_error = self._clock() + FETCH_INTERVAL, "Kafka does not tell how far the roles have read"
            self._last_error = self._stall_detector.describe_stalled_roles(await self._fetch_lags())
        return self._last_error

    async def _fetch_lags(self) -> dict[str, GroupLag]:
        async with AsyncExitStack() as stack:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap_servers, enable_auto_commit=False)
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap_servers)
            stack.push_async_callback(admin.close)
            await admin.start()
            every = [place for places in self._partitions_by_role.values() for place in places]
            ends, starts = await consumer.end_offsets(every), await consumer.beginning_offsets(every)
            groups = {role: await admin.list_consumer_group_offsets(self._topic_prefix + role) for role in self._partitions_by_role}
        return {role: compute_lag(places, groups[role], starts, ends) for role, places in self._partitions_by_role.items()}


def compute_lag(partitions: list[Any], committed: Mapping[Any, Any], starts: Mapping[Any, int], ends: Mapping[Any, int]) -> GroupLag:
    """The lag over these partitions; one without a committed offset will be read from its start."""
    read = {
        place: committed[place].offset if place in committed and committed[place].offset >= 0 else starts[place] for place in partitions
    }
    return GroupLag(sum(read.values()), sum(max(0, ends[place] - read[place]) for place in partitions))
