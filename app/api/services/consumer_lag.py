"""The consumer lag of the roles: a role with waiting records that commits no offset is stalled."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from app.kafka.client_options import ClientOptions
from app.topology import TOPOLOGY
from schemas.ports import Clock

STALL_TIMEOUT = 30.0  # seconds without a committed record, with records waiting, after which a role is stalled
FETCH_INTERVAL = 10.0  # seconds between two requests for the offsets


class GroupLag(NamedTuple):
    """Committed offset and lag of a consumer group, each summed over its partitions; in records."""

    committed: int
    lag: int


class StallDetector:
    """Compares the committed offsets of each role with those of the call before; `clock` is monotonic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_progress: dict[str, tuple[int, float]] = {}

    def describe_stalled_roles(self, lags: Mapping[str, GroupLag]) -> str:
        """The stalled roles, as text; empty if there are none."""
        now = self._clock()
        return "; ".join(filter(None, (self._describe_stall(role, lag, now) for role, lag in lags.items())))

    def _describe_stall(self, role: str, lag: GroupLag, now: float) -> str:
        committed, since = self._last_progress.get(role, (-1, now))
        if lag.committed != committed or not lag.lag:
            self._last_progress[role] = lag.committed, now
            return ""
        if now - since <= STALL_TIMEOUT:
            return ""
        return f"{role}: {lag.lag} records are waiting, none was committed for {now - since:.0f} s"


class ConsumerLagProbe:
    """Reads the offsets of the roles' consumer groups, named `<topic_prefix><role>`, at most every 10 s; `clock` is monotonic."""

    def __init__(self, options: ClientOptions, topic_prefix: str, partitions: int, clock: Clock) -> None:
        self._options, self._clock, self._stall_detector = options, clock, StallDetector(clock)
        self._partitions_by_role = {
            spec.role: [TopicPartition(topic_prefix + topic, partition) for topic in spec.source_topics for partition in range(partitions)]
            for spec in TOPOLOGY
        }
        self._topic_prefix = topic_prefix
        self._next_fetch_at = 0.0
        self._last_error = ""

    async def probe(self) -> str:
        """The stalled roles, as text; empty if there are none. Raises KafkaError if Kafka does not answer."""
        if self._clock() >= self._next_fetch_at:
            self._next_fetch_at, self._last_error = self._clock() + FETCH_INTERVAL, "the offsets of the consumer groups cannot be read"
            self._last_error = self._stall_detector.describe_stalled_roles(await self._fetch_lags())
        return self._last_error

    async def _fetch_lags(self) -> dict[str, GroupLag]:
        async with AsyncExitStack() as stack:
            consumer = AIOKafkaConsumer(**self._options, enable_auto_commit=False)
            stack.push_async_callback(consumer.stop)
            await consumer.start()
            admin = AIOKafkaAdminClient(**self._options)
            stack.push_async_callback(admin.close)
            await admin.start()
            all_partitions = [partition for partitions in self._partitions_by_role.values() for partition in partitions]
            ends, starts = await consumer.end_offsets(all_partitions), await consumer.beginning_offsets(all_partitions)
            groups = {
                role: await admin.list_consumer_group_offsets(self._topic_prefix + role, partitions=partitions)
                for role, partitions in self._partitions_by_role.items()
            }
        return {role: compute_lag(partitions, groups[role], starts, ends) for role, partitions in self._partitions_by_role.items()}


def compute_lag(partitions: Sequence[Any], committed: Mapping[Any, Any], starts: Mapping[Any, int], ends: Mapping[Any, int]) -> GroupLag:
    """The lag over these partitions; a partition without a committed offset, that is, with -1, counts from its first record.

    Raises GroupCoordinatorNotAvailableError if an offset is missing: a coordinator that is not ready answers without the partitions.
    """
    missing = set(partitions) - committed.keys()
    if missing:
        raise GroupCoordinatorNotAvailableError(f"the coordinator did not report the offsets of {len(missing)} partitions")
    offsets = {
        partition: committed[partition].offset if committed[partition].offset >= 0 else starts[partition] for partition in partitions
    }
    return GroupLag(sum(offsets.values()), sum(max(0, ends[partition] - offsets[partition]) for partition in partitions))
