"""Reads the notification history: one notification, a user's notifications, and the counters of a user."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec

from schemas.enums import Outcome, State, Status
from schemas.errors import check_single_user
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import DeliveryTimes, FoundNotifications, NotificationFilter, NotificationHistory, NotificationKey
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, make_id, to_uuid_hex
from schemas.projects import project_in_force
from schemas.user_counts import DailyCount
from schemas.webhook_endpoints import ENDPOINT_PREFIX
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("history_reader")
_SEARCH, _SEARCH_IN_PROJECT = (
    _SQL["search_notifications"].format(bounds=_SQL[f"bounds_of_{name}"], order=_SQL[f"order_of_{name}"]) for name in ("all", "project")
)
_decode_delivery_refs = msgspec.json.Decoder(list[DeliveryRef]).decode
_decode_gate_results = msgspec.json.Decoder(list[GateResult]).decode
_MAX_UUID = "f" * 32
MAX_NEARBY = 100  # deliveries of one millisecond that are compared with a notification; those of a broadcast may be a million
_MAX_EXAMINED = 5000  # notifications that one page of a search examines, at most some 30 ms
_GREATEST_TEXT = "\U0010ffff"


class PostgresHistoryReader:
    """Reads history from PostgreSQL or a replica. Each method raises UnavailableError if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_notification_history(self, notification_id: str, user_id: str | None = None) -> NotificationHistory | None:
        """The history of a notification; None if nothing is recorded or the id is invalid.

        Raises AmbiguousIdError without `user_id` if a producer gave the id to several users.
        """
        if not is_id(notification_id, NOTIFICATION_PREFIX) or "\0" in (user_id or ""):  # PostgreSQL's text cannot contain NUL
            return None
        uuid_hex = to_uuid_hex(notification_id)
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_SQL["list_notifications_by_id"], uuid_hex, user_id)
            delivery_rows = await _fetch_deliveries(connection, uuid_hex, user_id, rows)
            check_single_user(notification_id, {row["user_id"] for row in (*rows, *delivery_rows)})
            deliveries = {delivery["id"]: delivery for delivery in delivery_rows}
            bounds = [_get_log_bounds(one.hex) for one in deliveries]
            values = list(deliveries), [first for first, _ in bounds], [last for _, last in bounds]
            logs = await connection.fetch(_SQL["list_delivery_logs"], *values) if deliveries else []
        if not rows and not deliveries:
            return None
        attempts = [_build_attempt(log, deliveries[log["delivery_id"]]) for log in logs]
        statuses = list(map(_build_current_status, delivery_rows))
        times = {status.delivery_id: build_times(row) for status, row in zip(statuses, delivery_rows, strict=True)}
        decided, read_at = (_build_decided_event(rows[0]), _get_read_at(rows[0])) if rows else (None, None)
        return NotificationHistory(decided, statuses, attempts, times, read_at)

    async def list_by_user(
        self, user_id: str, limit: int, before: str | None = None, notification_type: str | None = None
    ) -> list[NotificationHistory]:
        """At most `limit` of the user's notifications, of a type or of all, with ids below `before`, newest first, without attempts."""
        below = to_uuid_hex(before) if before and is_id(before, NOTIFICATION_PREFIX) else _MAX_UUID
        if "\0" in user_id + (notification_type or ""):  # PostgreSQL's text cannot contain NUL
            return []
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(_SQL["list_notifications_by_user"], user_id, below, limit, notification_type)
            events = [_build_decided_event(row) for row in rows]
            found = await _fetch_statuses(connection, events)
        return _build_histories(events, map(_get_read_at, rows), found)

    async def search(self, wanted: NotificationFilter, limit: int, below: NotificationKey | None = None) -> FoundNotifications:
        """At most `limit` notifications that match, with keys below `below`, newest first, without attempts."""
        if any("\0" in text for text in (*wanted, *(below or ())) if isinstance(text, str)):  # PostgreSQL's text cannot contain NUL
            return FoundNotifications([], None)
        below_id, below_user = (to_uuid_hex(below[0]), below[1]) if below else (_MAX_UUID, _GREATEST_TEXT)
        since = to_uuid_hex(make_id(NOTIFICATION_PREFIX, wanted.since, 0))[:12] + "0" * 20
        async with self._database.acquire_connection() as connection:
            rows = await connection.fetch(
                _choose_search(wanted),
                *(below_id, below_user, since, limit + 1, _MAX_EXAMINED),
                *wanted[: wanted._fields.index("since")],
                wanted.project,
            )
            events = [_build_decided_event(row) for row in rows if row["id"] is not None]
            found = await _fetch_statuses(connection, events)
        histories = _build_histories(events[:limit], map(_get_read_at, rows), found)
        return FoundNotifications(histories, _find_next_key(rows, events, limit))

    async def list_user_counts(self, user_id: str, first: date, last: date) -> list[DailyCount]:
        """What the user was sent on these days and those between them, the latest day first."""
        rows = await self._database.fetch(_SQL["list_user_counts"], user_id, first, last)
        return [DailyCount(row["day"], row["channel"], row["sent"]) for row in rows]


def _choose_search(wanted: NotificationFilter) -> str:
    if wanted.user_id is not None:
        return _SQL["search_notifications_of_user"]
    return _SEARCH_IN_PROJECT if wanted.project or project_in_force.get() is not None else _SEARCH


def _build_histories(
    events: Sequence[DecidedEvent], read_at: Iterable[float | None], found: Mapping[str, tuple[StatusEvent, DeliveryTimes]]
) -> list[NotificationHistory]:
    histories = []
    for event, read in zip(events, read_at, strict=False):
        of_event = [found[ref.id] for ref in event.deliveries if ref.id in found]
        times = {status.delivery_id: times for status, times in of_event}
        histories.append(NotificationHistory(event, [status for status, _ in of_event], (), times, read))
    return histories


def _find_next_key(rows: Sequence[DatabaseRow], events: Sequence[DecidedEvent], limit: int) -> NotificationKey | None:
    """The last notification of a full page, else the last one that was examined, unless all were."""
    if len(events) > limit:
        return events[limit - 1].id, events[limit - 1].user_id
    first = rows[0]
    if (first["examined_count"] or 0) < _MAX_EXAMINED:
        return None
    return f"{NOTIFICATION_PREFIX}{first['last_id'].hex}", first["last_user_id"]


async def _fetch_statuses(connection: Connection, decided: Sequence[DecidedEvent]) -> dict[str, tuple[StatusEvent, DeliveryTimes]]:
    ids = [to_uuid_hex(ref.id) for event in decided for ref in event.deliveries]
    if not ids:
        return {}
    rows = await connection.fetch(_SQL["list_deliveries_by_ids"], ids, min(ids), max(ids))
    return {f"{DELIVERY_PREFIX}{row['id'].hex}": (_build_current_status(row), build_times(row)) for row in rows}


async def _fetch_deliveries(
    connection: Connection, uuid_hex: str, user_id: str | None, notifications: Sequence[DatabaseRow]
) -> list[DatabaseRow]:
    """The deliveries of a notification: those that it names, and others that have its time, as before its decision is recorded."""
    named = [to_uuid_hex(ref.id) for row in notifications for ref in _decode_delivery_refs(row["deliveries"])]
    values = *get_millisecond_bounds(uuid_hex), user_id, named, MAX_NEARBY
    rows: list[DatabaseRow] = await connection.fetch(_SQL["list_deliveries_by_notification"], uuid_hex, *values)
    return rows


def _get_log_bounds(uuid_hex: str) -> tuple[str, str]:
    return uuid_hex[:20] + "0" * 12, uuid_hex[:20] + "f" * 12


def get_millisecond_bounds(uuid_hex: str) -> tuple[str, str]:
    """The least and the greatest UUID of the same millisecond; the ids of a notification's deliveries are between them."""
    return uuid_hex[:12] + "0" * 20, uuid_hex[:12] + "f" * 20


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
        resume_count=row["resume_count"],
        redrive_count=row["redrive_count"],
    )


def _build_current_status(row: DatabaseRow) -> StatusEvent:
    return _build_status_event(row, row, _to_epoch_seconds(row["updated_at"]))


def build_times(row: DatabaseRow) -> DeliveryTimes:
    """The times of a delivery; that of its current status is in updated_at."""
    sent_at, delivered_at, opened_at, clicked_at = (
        row[name] and _to_epoch_seconds(row[name]) for name in ("sent_at", "delivered_at", "opened_at", "clicked_at")
    )
    updated_at = _to_epoch_seconds(row["updated_at"])
    if row["status"] == Status.SENT:
        sent_at = min(sent_at or updated_at, updated_at)
    if row["status"] == Status.DELIVERED:
        delivered_at = min(delivered_at or updated_at, updated_at)
    return DeliveryTimes(sent_at, delivered_at, opened_at, clicked_at)


def _build_attempt(log: DatabaseRow, delivery: DatabaseRow) -> StatusEvent:
    event = _build_status_event(delivery, log, _to_epoch_seconds(log["occurred_at"]))
    return msgspec.structs.replace(
        event,
        provider_code=log["provider_code"],
        duration_ms=round(log["duration_ms"], 1),
        possible_duplicate=log["possible_duplicate"],
        detail=log["detail"],
        next_attempt_at=_to_epoch_seconds(log["next_attempt_at"]) if log["next_attempt_at"] else 0.0,
        endpoint_id=ENDPOINT_PREFIX + log["endpoint_id"].hex if log["endpoint_id"] else "",
    )


def _build_status_event(delivery: DatabaseRow, row: DatabaseRow, occurred_at: float) -> StatusEvent:
    """The event of a row of deliveries or delivery_logs; columns that the log does not have come from `delivery`."""
    return StatusEvent(
        delivery_id=f"{DELIVERY_PREFIX}{delivery['id'].hex}",
        notification_id=f"{NOTIFICATION_PREFIX}{delivery['notification_id'].hex}",
        user_id=delivery["user_id"],
        channel=delivery["channel"],
        status=Status(row["status"]),
        occurred_at=occurred_at,
        created_at=_to_epoch_seconds(delivery["created_at"]),
        redrive_count=row["redrive_count"],
        attempt=row["attempt"],
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        reason=row["reason"],
        provider=row["provider"],
        provider_message_id=row["provider_message_id"],
        variant=delivery["variant"],
    )


def _get_read_at(row: DatabaseRow) -> float | None:
    return _to_epoch_seconds(row["read_at"]) if row["read_at"] else None


def _to_epoch_seconds(timestamp: datetime) -> float:
    return timestamp.timestamp()
