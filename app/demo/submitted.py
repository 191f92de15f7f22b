"""What was handed in: the records and items that a line becomes, and where each went."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from app.demo.sample import Line
from schemas.ids import NOTIFICATION, derived_id, partition_of
from schemas.topics import notifications
from schemas.words import Lane


class Submitted(Struct, frozen=True):
    """One line, handed in at `at` (epoch seconds) under `id`; `rejected` is the gateway's reason if it refused it."""

    line: Line
    at: float
    id: str = ""
    lane: Lane | None = None
    rejected: str = ""


class Numbered(NamedTuple):
    """A line, its number in the file, and the line that it is: its own, or the earlier one that it sends once more."""

    number: int
    line: Line
    whole: Line


class Outgoing(NamedTuple):
    """A record for Kafka; without a partition the producer's own partitioner decides (murmur2)."""

    topic: str
    partition: int | None
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Place(NamedTuple):
    """Where Kafka put a record; `at` is the broker's time in epoch seconds."""

    topic: str
    partition: int
    offset: int
    at: float


_encode = msgspec.json.Encoder().encode


def numbered(lines: Sequence[Line]) -> list[Numbered]:
    """All lines of the sample with their numbers, from 1."""
    return [Numbered(number, line, lines[line.again - 1] if line.again else line) for number, line in enumerate(lines, 1)]


def value_of(line: Line, an_id: str) -> bytes | None:
    """What a record of the line holds, with the id unless the line has its own or none."""
    body = line.body
    if body is None:
        return line.bytes
    return _encode({"id": an_id, **body} if line.id == "ours" else body)


def record_of(line: Line, an_id: str, prefix: str, partitions: int) -> Outgoing:
    """The record of a line for Kafka."""
    assert line.lane is not None
    user = (line.notification or {}).get("user_id")
    key = line.key or str(user)
    home = partition_of(key, partitions)
    partition = {"": home, "other": (home + 1) % partitions, "murmur2": None}[line.partition]
    headers = [(name, text.encode()) for name, text in line.headers.items()]
    return Outgoing(prefix + notifications(line.lane), partition, key.encode(), value_of(line, an_id), headers)


def item_of(line: Line, an_id: str) -> dict[str, Any]:
    """The item of a line in a bulk request."""
    body = dict(line.body or {})
    if line.id == "ours":
        body["id"] = an_id
    if line.lane:
        body["priority"] = line.lane
    return body


def id_in(line: Line, ours: str, place: Place) -> str:
    """The id under which the router knows a record: ours, or derived as it does it (design.md section 5)."""
    if line.notification is not None and line.id == "ours":
        return ours
    return derived_id(NOTIFICATION, place.at, place.topic, str(place.partition), str(place.offset))
