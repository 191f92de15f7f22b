"""Rows of the tables as people read them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.streaming.table import Table
from schemas.ids import DELIVERY, is_id
from schemas.words import CHANNELS
from tables import attempts, idempotency, rate_windows

Found = dict[str, Any] | None


def look_up(name: str, table: Table, partition: int, user: str, key: str) -> Found:
    """The decoded row of a user and key; None if there is none. Raises ValueError for a key that cannot be one."""
    return READERS[name](table, partition, user, key)


def _idempotency(table: Table, partition: int, user: str, key: str) -> Found:
    if not key:
        raise ValueError("say which: /tables/idempotency/{user}/{idempotency key or notification id}")
    (row,) = table.get_many(partition, [idempotency.key_of(user, key)])
    if row is None:
        return None
    first = idempotency.unpacked(row)
    where = {"lane": first.lane, "partition": first.partition, "offset": first.offset}
    return {"key": key, "first_id": first.id, "at": _time(first.at), "expires_at": _time(first.at + idempotency.HORIZON), "read_at": where}


def _rate_windows(table: Table, partition: int, user: str, key: str) -> Found:
    found = table.get_many(partition, [rate_windows.key_of(user, channel) for channel in CHANNELS])
    channels = {channel: _window(row) for channel, row in zip(CHANNELS, found, strict=True) if row is not None}
    return {"channels": channels} if channels else None


def _window(row: bytes) -> dict[str, Any]:
    entries, counted = rate_windows.unpacked(row)
    admitted = [{"at": _time(at), "mark": mark.hex()} for at, mark in entries]
    slices = {str(seconds): [{"until": _time(at), "count": count} for at, count in parts] for seconds, parts in counted.items()}
    return {"admitted": admitted, "counted": slices}


def _attempts(table: Table, partition: int, user: str, key: str) -> Found:
    if not is_id(key, DELIVERY):
        raise ValueError("say which: /tables/attempts/{user}/{delivery id}, dlv_ and 32 hex digits")
    (row,) = table.get_many(partition, [attempts.key(key)])
    if row is None:
        return None
    found = attempts.unpack(row)
    return {"delivery_id": key, **found._asdict(), "at": _time(found.at)}


READERS: dict[str, Callable[[Table, int, str, str], Found]] = {
    "idempotency": _idempotency,
    "rate_windows": _rate_windows,
    "attempts": _attempts,
}


def _newest(row: bytes) -> float:
    entries, counted = rate_windows.unpacked(row)
    return max([at for at, _ in entries] + [parts[-1][0] for parts in counted.values() if parts], default=0.0)


# the newest time in a row of each table, in epoch seconds; one without any counts for nothing
TIMES: dict[str, Callable[[bytes], float]] = {
    "idempotency": lambda row: idempotency.unpacked(row).at,
    "rate_windows": _newest,
    "attempts": lambda row: attempts.unpack(row).at,
}


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
