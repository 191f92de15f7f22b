"""What was handed in: the records and items that a line becomes, and where each went."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from dev.sample.sample_file import SampleLine
from schemas.enums import Priority
from schemas.ids import NOTIFICATION_PREFIX, compute_partition, derive_id
from schemas.topics import get_notifications_topic


class SubmittedLine(Struct, frozen=True):
    """One line, handed in at `at` (epoch seconds) under `id`; `rejected` is the gateway's reason if it refused it."""

    line: SampleLine
    submitted_at: float
    notification_id: str = ""
    priority: Priority | None = None
    unprocessable_reason: str = ""


class NumberedLine(NamedTuple):
    """A line, its number in the file, and the line that it is: its own, or the earlier one that it sends once more."""

    number: int
    line: SampleLine
    source_line: SampleLine


class ProducerRecord(NamedTuple):
    """A record for Kafka; without a partition the producer's own partitioner decides (murmur2)."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class RecordMetadata(NamedTuple):
    """Where Kafka put a record; `at` is the broker's time in epoch seconds."""

    topic: str
    partition: int
    offset: int
    timestamp: float


_encode = msgspec.json.Encoder().encode


def number_lines(lines: Sequence[SampleLine]) -> list[NumberedLine]:
    """All lines of the sample with their numbers, from 1."""
    return [NumberedLine(number, line, lines[line.replay_of - 1] if line.replay_of else line) for number, line in enumerate(lines, 1)]


def encode_value(line: SampleLine, notification_id: str) -> bytes | None:
    """What a record of the line holds, with the id unless the line has its own or none."""
    body = line.expanded_notification
    if body is None:
        return line.raw_value
    return _encode({"id": notification_id, **body} if line.id_source == "generated" else body)


def build_record(line: SampleLine, notification_id: str, prefix: str, partitions: int) -> ProducerRecord:
    """The record of a line for Kafka."""
    assert line.priority is not None
    user = (line.notification or {}).get("user_id")
    key = line.key or str(user)
    home = compute_partition(key, partitions)
    partition = {"": home, "other": (home + 1) % partitions, "murmur2": None}[line.partition]
    headers = [(name, text.encode()) for name, text in line.headers.items()]
    return ProducerRecord(
        prefix + get_notifications_topic(line.priority), partition, key.encode(), encode_value(line, notification_id), headers
    )


def build_bulk_item(line: SampleLine, notification_id: str) -> dict[str, Any]:
    """The item of a line in a bulk request."""
    body = dict(line.expanded_notification or {})
    if line.id_source == "generated":
        body["id"] = notification_id
    if line.priority:
        body["priority"] = line.priority
    return body


def resolve_notification_id(line: SampleLine, generated_id: str, metadata: RecordMetadata) -> str:
    """The id under which the router knows a record: ours, or derived as it does it (design.md section 5)."""
    if line.notification is not None and line.id_source == "generated":
        return generated_id
    return derive_id(NOTIFICATION_PREFIX, metadata.timestamp, metadata.topic, str(metadata.partition), str(metadata.offset))
