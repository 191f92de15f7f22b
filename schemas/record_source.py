"""Where the record of a delivery is, as a text that a provider can report back: `low.3.17` for priority, partition and offset."""

import re
from typing import NamedTuple, cast

from schemas.enums import Priority

_match = re.compile(r"(high|medium|low)\.([0-9]{1,6})\.([0-9]{1,18})").fullmatch


class RecordSource(NamedTuple):
    """A partition of the deliveries of a priority, and an offset."""

    priority: Priority
    partition: int
    offset: int


def encode_source(source: RecordSource) -> str:
    """The text."""
    return f"{source.priority}.{source.partition}.{source.offset}"


def decode_source(text: str) -> RecordSource | None:
    """What a text says; None if it is no such text."""
    found = _match(text) if text.isascii() else None
    return RecordSource(cast(Priority, found[1]), int(found[2]), int(found[3])) if found else None
