"""Converts lines of the sample into Kafka records and items of bulk requests, and resolves their notification ids."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from dev.sample.sample_file import SampleLine
from schemas.enums import Priority
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_id
from schemas.topics import get_notifications_topic


class SubmittedLine(Struct, frozen=True):
    """A line that was submitted at `submitted_at` (epoch seconds).

    `unprocessable_reason` is the reason of the gateway's 422, else empty.
    """

    line: SampleLine
    submitted_at: float
    notification_id: str = ""
    priority: Priority | None = None
    unprocessable_reason: str = ""

    @property
    def due_at(self) -> float:
        """When it may be sent, in epoch seconds."""
        return self.submitted_at + self.line.send_after


class NumberedLine(NamedTuple):
    """A line, its number in the file, and its source: the line itself, or the earlier line that it replays."""

    number: int
    line: SampleLine
    source_line: SampleLine


class ProducerRecord(NamedTuple):
    """A record for Kafka; without a partition the producer's default partitioner selects it (murmur2)."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class RecordMetadata(NamedTuple):
    """The position of an acknowledged record; `timestamp` is the broker's time in epoch seconds."""

    topic: str
    partition: int
    offset: int
    timestamp: float


_encode = msgspec.json.Encoder().encode


def number_lines(lines: Sequence[SampleLine]) -> list[NumberedLine]:
    """Number the lines of the sample, from 1."""
    return [NumberedLine(number, line, lines[line.replay_of - 1] if line.replay_of else line) for number, line in enumerate(lines, 1)]


def build_notification(line: SampleLine, notification_id: str, submitted_at: float) -> dict[str, Any]:
    """Build the notification of a line; its generated id and its `send_at` are added if it has such."""
    notification = dict(line.expanded_notification or {})
    if line.id_source == "generated":
        notification["id"] = notification_id
    if line.send_after:
        notification["send_at"] = submitted_at + line.send_after
    return notification


def build_record(line: SampleLine, notification_id: str, submitted_at: float, prefix: str, partitions: int) -> ProducerRecord:
    """Build the Kafka record of a line."""
    assert line.priority is not None
    user_id = (line.notification or {}).get("user_id")
    key = line.key or str(user_id)
    key_partition = compute_partition(key, partitions)
    partition = {"": key_partition, "other": (key_partition + 1) % partitions, "murmur2": None}[line.partition]
    headers = [(name, text.encode()) for name, text in line.headers.items()]
    value = line.raw_value if line.notification is None else _encode(build_notification(line, notification_id, submitted_at))
    return ProducerRecord(prefix + get_notifications_topic(line.priority), partition, key.encode(), value, headers)


def build_bulk_item(line: SampleLine, notification_id: str, submitted_at: float) -> dict[str, Any]:
    """Build the item of a line in a bulk request."""
    item = build_notification(line, notification_id, submitted_at)
    if line.priority:
        item["priority"] = line.priority
    return item


def resolve_notification_id(line: SampleLine, generated_id: str, metadata: RecordMetadata) -> str:
    """Resolve the id that the router uses for a record: the generated one, or the one derived from the record's position.

    The derivation must equal that of the gate `decode` (agents/router/gates/decode.py).
    """
    if line.notification is not None and line.id_source == "generated":
        return generated_id
    return derive_id(NOTIFICATION_PREFIX, metadata.timestamp, metadata.topic, str(metadata.partition), str(metadata.offset))
