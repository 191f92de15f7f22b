"""Reads history: the story of a notification, a user's notifications, and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from schemas.enums import Channel, Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import HandoverLatency, HistoryCounts, NotificationHistory
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, to_uuid_hex
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("history_reader")
_decode_delivery_refs = msgspec.json.Decoder(list[DeliveryRef]).decode
_decode_gate_results = msgspec.json.Decoder(list[GateResult]).decode
_MAX_UUID = "f" * 32


class PostgresHistoryReader:
    """History in PostgreSQL; may be a replica's. Every call raises Unavailable if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_notification_history(self, notification_id: str) -> NotificationHistory | None:
        """All that is recorded of a notification; None if nothing is, or the id is none."""
        if not is_id(notification_id, NOTIFICATION_PREFIX):
            return None
        a_uuid = to_uuid_hex(notification_id)
        bounds = _get_millisecond_bounds(a_uuid)
        async with self._database.acquire_connection() as connection:
            row = await connection.fetchrow(_SQL["get_notification"], a_uuid)
            deliveries = {each["id"]: each for each in await connection.fetch(_SQL["list_deliveries_by_notification"], a_uuid, *bounds)}
            logs = await connection.fetch(_SQL["list_delivery_logs"], list(deliveries), *bounds) if deliveries else []
        if row is None and not deliveries:
            return None
        attempts = [_build_attempt(log, deliveries[log["delivery_id"]]) for log in logs]
        return NotificationHistory(
            _build_decided_event(row) if row else None, [_build_current_status(each) for each in deliveries.values()], attempts
        )

    async def list_by_user(self, user_id: str, limit: int, before: str | None = None) -> list[NotificationHistory]:
        """The user's notifications with ids below `before`, newest first, at most `limit`; their attempts are left out."""
        below = to_uuid_hex(before) if before and is_id(before, NOTIFICATION_PREFIX) else _MAX_UUID
        if "\0" in user_id:
            return []
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_SQL["list_notifications_by_user"], user_id, below, limit)
            found = [_build_decided_event(row) for row in rows]
            current = await _fetch_statuses(connection, found)
        return [NotificationHistory(each, [current[one.id] for one in each.deliveries if one.id in current], ()) for each in found]

    async def get_counts(self, since: float, now: float, receipts: Mapping[Channel, int]) -> HistoryCounts:
        """Counts of what was submitted since then (epoch seconds); `receipts` as in faust.yml, seconds per channel."""
        low = f"{int(since * 1000):012x}" + "0" * 20
        async with self._database.acquire_connection() as connection:
            states = await connection.fetch(_SQL["count_notifications_by_state"], low)
            listed = await connection.fetch(_SQL["count_listed_deliveries"], low)
            statuses = await connection.fetch(_SQL["count_deliveries_by_status"], low)
            attempts = await connection.fetchrow(_SQL["count_attempts"], low)
            in_flight = await connection.fetchval(_SQL["count_in_flight"], low, msgspec.json.encode(receipts).decode(), now)
            handover = await connection.fetch(_SQL["compute_handover_latency"], low)
        channels = _count_by_channel(listed, statuses)
        return HistoryCounts(
            notifications=_sum_by(states, "state", "notifications"),
            notification_reasons=_sum_by([row for row in states if row["reason"]], "reason", "notifications"),
            deliveries=dict(sum(channels.values(), Counter())),
            deliveries_by_channel={channel: dict(counts) for channel, counts in channels.items()},
            delivery_reasons=_sum_by([row for row in statuses if row["reason"]], "reason", "deliveries"),
            attempts=attempts["attempts"],
            possible_duplicates=attempts["possible_duplicates"],
            in_flight=in_flight,
            handover_latency={row["priority"]: HandoverLatency(row["count"], row["p50"], row["p99"]) for row in handover},
        )


async def _fetch_statuses(connection: Connection, decided: Sequence[DecidedEvent]) -> dict[str, StatusEvent]:
    ids = [to_uuid_hex(each.id) for accepted in decided for each in accepted.deliveries]
    if not ids:
        return {}
    rows = await connection.fetch(_SQL["list_deliveries_by_ids"], ids, min(ids), max(ids))
    return {status.delivery_id: status for status in map(_build_current_status, rows)}


def _get_millisecond_bounds(a_uuid: str) -> tuple[str, str]:
    """The least and the greatest UUID of the same millisecond: a delivery begins with its notification's."""
    return a_uuid[:12] + "0" * 20, a_uuid[:12] + "f" * 20


def _sum_by(rows: Sequence[DatabaseRow], key: str, number: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row[key]] += row[number]
    return dict(counts)


def _count_by_channel(listed: Sequence[DatabaseRow], statuses: Sequence[DatabaseRow]) -> dict[str, Counter[str]]:
    """By channel and status; what is listed and has no row is PENDING."""
    counts: dict[str, Counter[str]] = {row["channel"]: Counter({Status.PENDING.value: row["listed"]}) for row in listed}
    for row in statuses:
        of_channel = counts.setdefault(row["channel"], Counter())
        of_channel[row["status"]] += row["deliveries"]
        of_channel[Status.PENDING.value] -= row["deliveries"]
    return {channel: +of_channel for channel, of_channel in counts.items()}


def _build_decided_event(row: DatabaseRow) -> DecidedEvent:
    return DecidedEvent(
        id=f"{NOTIFICATION_PREFIX}{row['id'].hex}",
        user_id=row["user_id"],
        state=State(row["state"]),
        decided_at=_to_epoch_seconds(row["decided_at"]),
        created_at=_to_epoch_seconds(row["created_at"]),
        priority=row["priority"],
        type=row["type"],
        category=row["category"],
        reason=row["reason"],
        deliveries=_decode_delivery_refs(row["deliveries"]),
        decision_log=_decode_gate_results(row["decision_log"]),
        duplicate_of=f"{NOTIFICATION_PREFIX}{row['duplicate_of'].hex}" if row["duplicate_of"] else "",
        expires_at=_to_epoch_seconds(row["expires_at"]) if row["expires_at"] else 0.0,
    )


def _build_current_status(row: DatabaseRow) -> StatusEvent:
    return _build_status_event(row, row, _to_epoch_seconds(row["updated_at"]))


def _build_attempt(log: DatabaseRow, delivery: DatabaseRow) -> StatusEvent:
    status = _build_status_event(delivery, log, _to_epoch_seconds(log["occurred_at"]))
    doubtful = log["possible_duplicate"]
    return msgspec.structs.replace(
        status,
        provider_code=log["provider_code"],
        duration_ms=round(log["duration_ms"], 1),
        possible_duplicate=doubtful,
        detail=log["detail"],
    )


def _build_status_event(delivery: DatabaseRow, row: DatabaseRow, at: float) -> StatusEvent:
    """The event behind a row of deliveries or of the log; what the log leaves out is the delivery's."""
    return StatusEvent(
        delivery_id=f"{DELIVERY_PREFIX}{delivery['id'].hex}",
        notification_id=f"{NOTIFICATION_PREFIX}{delivery['notification_id'].hex}",
        user_id=delivery["user_id"],
        channel=delivery["channel"],
        status=Status(row["status"]),
        occurred_at=at,
        created_at=_to_epoch_seconds(delivery["created_at"]),
        **_get_common_fields(row),
    )


def _get_common_fields(row: DatabaseRow) -> dict[str, Any]:
    outcome = Outcome(row["outcome"]) if row["outcome"] else None
    return {"outcome": outcome, **{name: row[name] for name in ("redrive_count", "attempt", "reason", "provider", "provider_message_id")}}


def _to_epoch_seconds(at: datetime) -> float:
    return at.timestamp()
