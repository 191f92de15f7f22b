"""Reads the output of routers from Kafka: deliveries, decisions and repartitioned records."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

import msgspec

from agents.router.gates.decode import REPARTITION_HEADER
from schemas.channels import CHANNEL_NAMES
from schemas.delivery import Delivery
from schemas.enums import PRIORITIES
from schemas.events import DecidedEvent, StatusEvent
from schemas.ids import compute_partition
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic
from tests.cluster import PARTITIONS, HeroldCluster
from tests.topic_reader import TopicReader

_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_event = msgspec.json.Decoder(DecidedEvent | StatusEvent).decode


@dataclass
class RouterOutput:
    """All output of the routers of a cluster.

    `record_counts`: records of each delivery by its id; `delivery_ids`: the distinct deliveries by address; `states`: the distinct
    decisions by notification id; `decided_count`: records of decisions; `planned_delivery_ids`: the deliveries of all decisions;
    `wrong_partition_ids`: deliveries on another partition than their user's.
    """

    record_counts: Counter[str] = field(default_factory=Counter)
    delivery_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    states: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    decided_count: int = 0
    planned_delivery_ids: set[str] = field(default_factory=set)
    wrong_partition_ids: list[str] = field(default_factory=list)
    dead_letter_count: int = 0

    @property
    def duplicate_count(self) -> int:
        """Further records of deliveries."""
        return sum(self.record_counts.values()) - len(self.record_counts)

    @property
    def conflicting_states(self) -> dict[str, set[str]]:
        """The notifications with different decisions."""
        return {notification_id: states for notification_id, states in self.states.items() if len(states) > 1}


async def read_router_output(cluster: HeroldCluster, reader: TopicReader) -> RouterOutput:
    """Read the deliveries, decisions and dead letters."""
    output = RouterOutput()
    topics = [cluster.prefix + get_deliveries_topic(channel, priority) for channel in CHANNEL_NAMES for priority in PRIORITIES]
    async for record in reader.read_records(topics):
        delivery = _decode_delivery(record.value)
        output.record_counts[delivery.id] += 1
        output.delivery_ids[delivery.address].add(delivery.id)
        if record.partition != compute_partition(delivery.user_id, PARTITIONS) or record.key != delivery.user_id.encode():
            output.wrong_partition_ids.append(delivery.id)
    async for record in reader.read_records([cluster.prefix + STATUS_TOPIC]):
        event = _decode_event(record.value)
        assert isinstance(event, DecidedEvent)
        output.states[event.id].add(f"{event.state}:{event.reason}")
        output.decided_count += 1
        output.planned_delivery_ids.update(planned.id for planned in event.deliveries)
    output.dead_letter_count = sum((await reader.get_end_offsets([cluster.prefix + DEAD_LETTER_TOPIC])).values())
    return output


async def count_repartitions(cluster: HeroldCluster, reader: TopicReader) -> tuple[int, int]:
    """Count the notifications that a producer wrote to another partition than the user's, and the most repartitions of a record."""
    misplaced = max_repartitions = 0
    async for record in reader.read_records([cluster.prefix + get_notifications_topic(priority) for priority in PRIORITIES]):
        repartitions = sum(name == REPARTITION_HEADER for name, _ in record.headers)
        misplaced += not repartitions and record.partition != compute_partition(record.key.decode(), PARTITIONS)
        max_repartitions = max(max_repartitions, repartitions)
    return misplaced, max_repartitions
