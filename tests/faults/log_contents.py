"""Knows what the topics of notifications, held notifications and deliveries had, also what was removed, by offset and address."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
from aiokafka import TopicPartition

from schemas.delivery import Delivery
from schemas.enums import PRIORITIES
from schemas.events import DecidedEvent, StatusEvent
from schemas.scheduled import RESUME_COUNT_HEADER, Scheduled
from schemas.topics import STATUS_TOPIC, get_deliveries_topic, get_notifications_topic, get_scheduled_topic
from tests.faults.evidence import PositionAlarm
from tests.topic_reader import TopicReader

Release = tuple[str, int]  # address and resume count


class Recipient(msgspec.Struct):
    """The address of a notification of the workload."""

    to: dict[str, str]


_decode_recipient = msgspec.json.Decoder(Recipient).decode
_decode_scheduled = msgspec.json.Decoder(Scheduled).decode
_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_event = msgspec.json.Decoder(DecidedEvent | StatusEvent).decode


class LogContents:
    """Reads the topics as they grow."""

    def __init__(self, prefix: str) -> None:
        self.notification_topics = [prefix + get_notifications_topic(priority) for priority in PRIORITIES]
        self.delivery_topics = [prefix + get_deliveries_topic("email", priority) for priority in PRIORITIES]
        self.scheduled_topics = [prefix + get_scheduled_topic(priority) for priority in PRIORITIES]
        self._status_topics = [prefix + STATUS_TOPIC]
        self._next_offsets: dict[TopicPartition, int] = {}
        self._addresses: defaultdict[TopicPartition, dict[int, str]] = defaultdict(dict)
        self._decided: Counter[tuple[str, int]] = Counter()  # by id and resume count
        self._delivery_ids: set[str] = set()
        self.notification_count = 0
        self.holds = HeldNotifications()

    def get_topics(self, role: str) -> list[str]:
        """The topics that a role reads."""
        return {"router": self.notification_topics, "scheduler": self.scheduled_topics, "email": self.delivery_topics}[role]

    @property
    def decided_again(self) -> int:
        """How many decisions were not the first of their notification, or of its release."""
        return self._decided.total() - len(self._decided)

    @property
    def history_counts(self) -> dict[str, int]:
        """The rows that the history must have, by table."""
        return {"notifications": len({notification_id for notification_id, _ in self._decided}), "deliveries": len(self._delivery_ids)}

    async def read_logs(self, reader: TopicReader) -> None:
        """Read what was added to the topics of notifications, held ones and deliveries."""
        releases = []
        async for record in reader.read_records(self.notification_topics, self._next_offsets):
            address = _decode_recipient(record.value).to["email"]
            self._add(record, address)
            self.notification_count += 1
            if resume_count := int(dict(record.headers).get(RESUME_COUNT_HEADER, b"0")):
                releases.append(((address, resume_count), record.timestamp / 1000))
        async for record in reader.read_records(self.scheduled_topics, self._next_offsets):  # after their releases, so that none is unknown
            scheduled = _decode_scheduled(record.value)
            address = _decode_recipient(scheduled.payload).to["email"]
            self._add(record, address)
            self.holds.add_hold((address, scheduled.resume_count), scheduled.due_at)
        for release, at in releases:
            self.holds.add_release(release, at)
        async for record in reader.read_records(self.delivery_topics, self._next_offsets):
            self._add(record, _decode_delivery(record.value).address)

    async def read_events(self, reader: TopicReader) -> None:
        """Read the new decisions and statuses."""
        async for record in reader.read_records(self._status_topics, self._next_offsets):
            self._next_offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
            event = _decode_event(record.value)
            if isinstance(event, DecidedEvent):
                self._decided[event.id, event.resume_count] += 1
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


class HeldNotifications:
    """What was held and released, by address and resume count."""

    def __init__(self) -> None:
        self._holds: Counter[Release] = Counter()
        self._due_times: dict[Release, float] = {}
        self.releases: Counter[Release] = Counter()
        self.early: set[str] = set()

    @property
    def addresses(self) -> set[str]:
        """Of all that were held."""
        return {address for address, _ in self._holds}

    @property
    def waiting(self) -> set[str]:
        """The addresses of those that are not released."""
        return {address for address, resume_count in self._holds.keys() - self.releases.keys()}

    @property
    def released_again(self) -> int:
        """How many releases are more than the records that scheduled them."""
        return sum((self.releases - self._holds).values())

    def add_hold(self, release: Release, due_at: float) -> None:
        """Count a hold until `due_at` (epoch seconds)."""
        self._holds[release] += 1
        self._due_times[release] = min(due_at, self._due_times.get(release, due_at))

    def add_release(self, release: Release, at: float) -> None:
        """Count a release, and note whether it was early. The hold must be known."""
        self.releases[release] += 1
        if at < self._due_times[release]:
            self.early.add(release[0])


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
