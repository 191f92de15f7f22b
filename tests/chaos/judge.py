"""What routers left behind, read from Kafka and from their folders: deliveries, verdicts, forwards, and tables beside their changelogs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
import rocksdict
from faust.stores.rocksdb import Store

from agents.router.owner import HOP
from app.topology import stage_of
from schemas.delivery import Delivery
from schemas.ids import partition_of
from schemas.status import Accepted, Status
from schemas.topics import DEAD_LETTERS, STATUS, deliveries, notifications
from schemas.words import CHANNELS, LANES
from tests.kafka_log import Log
from tests.stand import PARTITIONS, Stand

_delivery = msgspec.json.Decoder(Delivery).decode
_event = msgspec.json.Decoder(Accepted | Status).decode


@dataclass
class Routed:
    """Everything routers said.

    `copies`: records of each delivery by its id; `ids`: the different deliveries to each address; `states`: the different verdicts on each
    notification, and `verdicts` how many records they are; `planned`: the deliveries that routed notifications promise.
    """

    copies: Counter[str] = field(default_factory=Counter)
    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    states: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    verdicts: int = 0
    planned: set[str] = field(default_factory=set)
    misplaced: list[str] = field(default_factory=list)
    letters: int = 0

    @property
    def doubled(self) -> int:
        """Deliveries that were said again."""
        return sum(self.copies.values()) - len(self.copies)

    @property
    def torn(self) -> dict[str, set[str]]:
        """Notifications with more than one verdict."""
        return {an_id: states for an_id, states in self.states.items() if len(states) > 1}


async def routed(stand: Stand, log: Log) -> Routed:
    """Read it all."""
    found = Routed()
    topics = [stand.prefix + deliveries(channel, lane) for channel in CHANNELS for lane in LANES]
    async for record in log.records(topics):
        delivery = _delivery(record.value)
        found.copies[delivery.id] += 1
        found.ids[delivery.address].add(delivery.id)
        if record.partition != partition_of(delivery.user_id, PARTITIONS) or record.key != delivery.user_id.encode():
            found.misplaced.append(delivery.id)
    async for record in log.records([stand.prefix + STATUS]):
        event = _event(record.value)
        assert isinstance(event, Accepted)
        found.states[event.id].add(f"{event.state}:{event.reason}")
        found.verdicts += 1
        found.planned.update(planned.id for planned in event.deliveries)
    found.letters = sum((await log.ends([stand.prefix + DEAD_LETTERS])).values())
    return found


async def hops(stand: Stand, log: Log) -> tuple[int, int]:
    """How many notifications lie on another partition than their user's without having been forwarded there, and most hops of a record."""
    foreign = most = 0
    async for record in log.records([stand.prefix + notifications(lane) for lane in LANES]):
        hop = sum(name == HOP for name, _ in record.headers)
        foreign += not hop and record.partition != partition_of(record.key.decode(), PARTITIONS)
        most = max(most, hop)
    return foreign, most


class Compared(NamedTuple):
    """A partition of a table in a worker's folder: whether it is what its changelog says, and whether it stands at its end."""

    worker: str
    table: str
    partition: int
    rows: int
    equal: bool
    newest: bool


async def tables(stand: Stand, log: Log, workers: Iterable[str]) -> list[Compared]:
    """Each table partition in the workers' folders beside a replay of its changelog up to the offset at which it stands."""
    found = []
    for table in stage_of("router").tables:
        changes: dict[int, list[tuple[bytes, bytes | None]]] = defaultdict(list)
        async for record in log.records([f"{stand.prefix}router-{table}-changelog"]):
            changes[record.partition].append((record.key, record.value))
        for worker in workers:
            for partition, folder in _folders(stand.data / f"router-{worker}", table):
                rows = _rows(folder)
                at = int(rows.pop(Store.offset_key, b"-1")) + 1
                replayed = {key: row for key, row in dict(changes[partition][:at]).items() if row is not None}
                found.append(Compared(worker, table, partition, len(rows), rows == replayed, at == len(changes[partition])))
    return found


def _folders(data: Path, table: str) -> list[tuple[int, Path]]:
    return [(int(folder.stem.rpartition("-")[2]), folder) for folder in data.glob(f"**/{table}-*.db")]


def _rows(folder: Path) -> dict[bytes, bytes]:
    database = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=True), access_type=rocksdict.AccessType.read_only())
    try:
        return dict(database.items())
    finally:
        database.close()
