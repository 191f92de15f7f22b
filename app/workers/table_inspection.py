"""Rows of the tables as people read them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from app.streaming.rocksdb_table import RocksDBTable
from schemas.enums import CHANNELS
from schemas.ids import DELIVERY_PREFIX, is_id
from tables import attempts, idempotency, rate_windows

RowView = dict[str, Any] | None


def find_row(table_name: str, table: RocksDBTable, partition: int, user_id: str, key: str) -> RowView:
    """The decoded row of a user and key; None if there is none. Raises ValueError for a key that cannot be one."""
    return ROW_FINDERS[table_name](table, partition, user_id, key)


def _find_idempotency_row(table: RocksDBTable, partition: int, user: str, key: str) -> RowView:
    if not key:
        raise ValueError("say which: /tables/idempotency/{user}/{idempotency key or notification id}")
    (row,) = table.get_many(partition, [idempotency.encode_key(user, key)])
    if row is None:
        return None
    first = idempotency.decode_row(row)
    where = {"priority": first.priority, "partition": first.partition, "offset": first.offset}
    return {
        "key": key,
        "duplicate_of": first.notification_id,
        "received_at": _format_time(first.received_at),
        "expires_at": _format_time(first.received_at + idempotency.HORIZON_SECONDS),
        "source": where,
    }


def _find_rate_window_rows(table: RocksDBTable, partition: int, user: str, key: str) -> RowView:
    found = table.get_many(partition, [rate_windows.encode_key(user, channel) for channel in CHANNELS])
    channels = {channel: _build_window_view(row) for channel, row in zip(CHANNELS, found, strict=True) if row is not None}
    return {"channels": channels} if channels else None


def _build_window_view(row: bytes) -> dict[str, Any]:
    entries, counted = rate_windows.decode_row(row)
    admitted = [{"at": _format_time(at), "fingerprint": mark.hex()} for at, mark in entries]
    slices = {str(seconds): [{"until": _format_time(at), "count": count} for at, count in parts] for seconds, parts in counted.items()}
    return {"entries": admitted, "slices": slices}


def _find_attempt_row(table: RocksDBTable, partition: int, user: str, key: str) -> RowView:
    if not is_id(key, DELIVERY_PREFIX):
        raise ValueError("say which: /tables/attempts/{user}/{delivery id}, dlv_ and 32 hex digits")
    (row,) = table.get_many(partition, [attempts.encode_key(key)])
    if row is None:
        return None
    found = attempts.decode_row(row)
    return {"delivery_id": key, **found._asdict(), "attempted_at": _format_time(found.attempted_at)}


ROW_FINDERS: dict[str, Callable[[RocksDBTable, int, str, str], RowView]] = {
    "idempotency": _find_idempotency_row,
    "rate_windows": _find_rate_window_rows,
    "attempts": _find_attempt_row,
}


def _read_newest_window_time(row: bytes) -> float:
    entries, counted = rate_windows.decode_row(row)
    return max([at for at, _ in entries] + [parts[-1][0] for parts in counted.values() if parts], default=0.0)


# the newest time in a row of each table, in epoch seconds; one without any counts for nothing
ROW_TIME_READERS: dict[str, Callable[[bytes], float]] = {
    "idempotency": lambda row: idempotency.decode_row(row).received_at,
    "rate_windows": _read_newest_window_time,
    "attempts": lambda row: attempts.decode_row(row).attempted_at,
}


def _format_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
