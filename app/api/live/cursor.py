"""The cursor of the live view: the next offset of each partition of `notifications.status`, as `0:812,1:790`.

It means the same to every gateway, and after a restart, because Kafka keeps the offsets.
"""

import re
from collections.abc import Mapping

Cursor = Mapping[int, int]

_is_cursor = re.compile(r"[0-9]{1,5}:[0-9]{1,18}(?:,[0-9]{1,5}:[0-9]{1,18}){0,999}").fullmatch


def format_cursor(cursor: Cursor) -> str:
    """The text of a cursor."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(cursor.items()))


def parse_cursor(text: str) -> dict[int, int]:
    """The offsets of a text. Raises ValueError for any other text."""
    if not _is_cursor(text):
        raise ValueError("a cursor is partition:offset, separated by commas, as a frame of the live view had it")
    pairs = [pair.partition(":") for pair in text.split(",")]
    cursor = {int(partition): int(offset) for partition, _, offset in pairs}
    if len(cursor) != len(pairs):
        raise ValueError("a partition is in the cursor twice")
    return cursor
