"""Knows what the topics of notifications and deliveries held, also what was removed from them, by offset and address."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
from aiokafka import TopicPartition

from schemas.delivery import Delivery
from schemas.enums import PRIORITIES
from schemas.events import DecidedEvent, StatusEvent
from schemas.topics import STATUS_TOPIC, get_deliveries_topic, get_notifications_topic
from tests.faults.evidence import PositionAlarm
from tests.topic_reader import TopicReader


class Recipient(msgspec.Struct):
    """The address of a notification of the workload."""

    to: dict[str, str]


_decode_recipient = msgspec.json.Decoder(Recipient).decode
_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_event = msgspec.json.Decoder(DecidedEvent | StatusEvent).decode


class LogContents:
    """Reads the topics as they grow."""

    def __init__(self, prefix: str) -> None:
        self.notification_topics = [prefix + get_notifications_topic(priority) for priority in PRIORITIES]
        self.delivery_topics = [prefix + get_deliveries_topic("email", priority) for priority in PRIORITIES]
        self._status_topics = [prefix + STATUS_TOPIC]
        self._next_offsets: dict[TopicPartition, int] = {}
        self._addresses: defaultdict[TopicPartition, dict[int, str]] = defaultdict(dict)
        self._decided: Counter[str] = Counter()
        self._delivery_ids: set[str] = set()
        self.notification_count = 0

    @property
    def decided_again(self) -> int:
        """How many decisions were not the first of their notification."""
        return self._decided.total() - len(self._decided)

    @property
    def history_counts(self) -> dict[str, int]:
        """The rows that the history must have, by table."""
        return {"notifications": len(self._decided), "deliveries": len(self._delivery_ids)}

    async def read_logs(self, reader: TopicReader) -> None:
        """Read what was added to the topics of notifications and deliveries."""
        async for record in reader.read_records(self.notification_topics, self._next_offsets):
            self._add(record, _decode_recipient(record.value).to["email"])
            self.notification_count += 1
        async for record in reader.read_records(self.delivery_topics, self._next_offsets):
            self._add(record, _decode_delivery(record.value).address)

    async def read_events(self, reader: TopicReader) -> None:
        """Read the new decisions and statuses."""
        async for record in reader.read_records(self._status_topics, self._next_offsets):
            self._next_offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
            event = _decode_event(record.value)
            if isinstance(event, DecidedEvent):
                self._decided[event.id] += 1
            else:
                self._delivery_ids.add(event.delivery_id)

    def _add(self, record: object, address: str) -> None:
        tp = TopicPartition(record.topic, record.partition)  # type: ignore[attr-defined]
        self._addresses[tp][record.offset] = address  # type: ignore[attr-defined]
        self._next_offsets[tp] = record.offset + 1  # type: ignore[attr-defined]

    def remove_before(self, tp: TopicPartition, offset: int) -> dict[int, str]:
        """Note that the records before this offset are removed; returns their addresses."""
        removed = {number: address for number, address in self._addresses[tp].items() if number < offset}
        self._addresses[tp] = {number: address for number, address in self._addresses[tp].items() if number >= offset}
        return removed

    def remove_log(self, tp: TopicPartition) -> dict[int, str]:
        """Note that the partition begins again at 0; returns the addresses of its records."""
        self._next_offsets.pop(tp, None)
        return self._addresses.pop(tp, {})


class AlarmReader:
    """Reads the alarms that workers have added to their logs."""

    def __init__(self) -> None:
        self._positions: Counter[Path] = Counter()

    def read_new(self, worker: str, path: Path) -> Iterable[PositionAlarm]:
        """The alarms since the last time in the log of a worker."""
        with path.open("rb") as lines:
            lines.seek(self._positions[path])
            for line in lines:
                if not line.endswith(b"\n"):
                    break  # it is still being written
                self._positions[path] += len(line)
                if b'"worker.position_jumped"' in line:
                    entry = json.loads(line)
                    yield PositionAlarm(worker, entry["topic"], entry["partition"], entry["from_offset"], entry["to_offset"])
