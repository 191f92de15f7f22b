"""What routers left behind, read from Kafka and from their folders: deliveries, verdicts, forwards, and tables beside their changelogs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import rocksdict
from faust.stores.rocksdb import Store

from agents.router.gates.repartition import REPARTITION_HEADER
from app.topology import get_role_spec
from schemas.delivery import Delivery
from schemas.enums import CHANNELS, PRIORITIES
from schemas.events import DecidedEvent, StatusEvent
from schemas.ids import compute_partition
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic
from tests.cluster import PARTITIONS, HeroldCluster
from tests.topic_reader import TopicReader

_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_event = msgspec.json.Decoder(DecidedEvent | StatusEvent).decode


@dataclass
class RouterOutput:
    """Everything routers said.

    `copies`: records of each delivery by its id; `ids`: the different deliveries to each address; `states`: the different verdicts on each
    notification, and `verdicts` how many records they are; `planned`: the deliveries that routed notifications promise.
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
        """Deliveries that were said again."""
        return sum(self.record_counts.values()) - len(self.record_counts)

    @property
    def conflicting_states(self) -> dict[str, set[str]]:
        """Notifications with more than one verdict."""
        return {an_id: states for an_id, states in self.states.items() if len(states) > 1}


async def read_router_output(stand: HeroldCluster, log: TopicReader) -> RouterOutput:
    """Read it all."""
    found = RouterOutput()
    topics = [stand.prefix + get_deliveries_topic(channel, priority) for channel in CHANNELS for priority in PRIORITIES]
    async for record in log.read_records(topics):
        delivery = _decode_delivery(record.value)
        found.record_counts[delivery.id] += 1
        found.delivery_ids[delivery.address].add(delivery.id)
        if record.partition != compute_partition(delivery.user_id, PARTITIONS) or record.key != delivery.user_id.encode():
            found.wrong_partition_ids.append(delivery.id)
    async for record in log.read_records([stand.prefix + STATUS_TOPIC]):
        event = _decode_event(record.value)
        assert isinstance(event, DecidedEvent)
        found.states[event.id].add(f"{event.state}:{event.reason}")
        found.decided_count += 1
        found.planned_delivery_ids.update(planned.id for planned in event.deliveries)
    found.dead_letter_count = sum((await log.get_end_offsets([stand.prefix + DEAD_LETTER_TOPIC])).values())
    return found


async def count_repartitions(stand: HeroldCluster, log: TopicReader) -> tuple[int, int]:
    """How many notifications lie on another partition than their user's without having been forwarded there, and most hops of a record."""
    foreign = most = 0
    async for record in log.read_records([stand.prefix + get_notifications_topic(priority) for priority in PRIORITIES]):
        hop = sum(name == REPARTITION_HEADER for name, _ in record.headers)
        foreign += not hop and record.partition != compute_partition(record.key.decode(), PARTITIONS)
        most = max(most, hop)
    return foreign, most


class TableComparison(NamedTuple):
    """A partition of a table in a worker's folder: whether it is what its changelog says, and whether it stands at its end."""

    worker: str
    table: str
    partition: int
    row_count: int
    is_equal: bool
    is_at_end: bool


async def compare_tables(stand: HeroldCluster, log: TopicReader, workers: Iterable[str]) -> list[TableComparison]:
    """Each table partition in the workers' folders beside a replay of its changelog up to the offset at which it stands."""
    found = []
    for table in get_role_spec("router").table_ttls:
        changes: dict[int, list[tuple[bytes, bytes | None]]] = defaultdict(list)
        async for record in log.read_records([f"{stand.prefix}router-{table}-changelog"]):
            changes[record.partition].append((record.key, record.value))
        for worker in workers:
            for partition, folder in _find_table_dirs(stand.data_dir / f"router-{worker}", table):
                rows = _read_rows(folder)
                at = int(rows.pop(Store.offset_key, b"-1")) + 1
                replayed = {key: row for key, row in dict(changes[partition][:at]).items() if row is not None}
                found.append(TableComparison(worker, table, partition, len(rows), rows == replayed, at == len(changes[partition])))
    return found


def _find_table_dirs(data: Path, table: str) -> list[tuple[int, Path]]:
    return [(int(folder.stem.rpartition("-")[2]), folder) for folder in data.glob(f"**/{table}-*.db")]


def _read_rows(folder: Path) -> dict[bytes, bytes]:
    database = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=True), access_type=rocksdict.AccessType.read_only())
    try:
        return dict(database.items())
    finally:
        database.close()
