"""Reads history: the story of a notification, a user's notifications, and counts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from schemas.history import Handover, Story, Tally
from schemas.ids import DELIVERY, NOTIFICATION, is_id, uuid_hex
from schemas.status import Accepted, Planned, Status, Step
from schemas.words import Channel, Outcome, State, StatusName
from tables.postgres.pool import Connection, Database, Row
from tables.postgres.sql import queries

_SQL = queries("history")
_planned = msgspec.json.Decoder(list[Planned]).decode
_steps = msgspec.json.Decoder(list[Step]).decode
_NEWEST = "f" * 32


class HistoryStore:
    """History in PostgreSQL; may be a replica's. Every call raises Unavailable if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def story(self, notification_id: str) -> Story | None:
        """All that is recorded of a notification; None if nothing is, or the id is none."""
        if not is_id(notification_id, NOTIFICATION):
            return None
        a_uuid = uuid_hex(notification_id)
        bounds = _millisecond(a_uuid)
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_SQL["notification"], a_uuid)
            deliveries = {each["id"]: each for each in await connection.fetch(_SQL["deliveries_of_notification"], a_uuid, *bounds)}
            logs = await connection.fetch(_SQL["logs_of_deliveries"], list(deliveries), *bounds) if deliveries else []
        if row is None and not deliveries:
            return None
        attempts = [_attempt(log, deliveries[log["delivery_id"]]) for log in logs]
        return Story(_accepted(row) if row else None, [_current(each) for each in deliveries.values()], attempts)

    async def of_user(self, user_id: str, limit: int, before: str | None = None) -> list[Story]:
        """The user's notifications with ids below `before`, newest first, at most `limit`; their attempts are left out."""
        below = uuid_hex(before) if before and is_id(before, NOTIFICATION) else _NEWEST
        if "\0" in user_id:
            return []
        async with self._database.connection() as connection:
            rows = await connection.fetch(_SQL["notifications_of_user"], user_id, below, limit)
            found = [_accepted(row) for row in rows]
            current = await _current_of(connection, found)
        return [Story(each, [current[one.id] for one in each.deliveries if one.id in current], ()) for each in found]

    async def tally(self, since: float, now: float, receipts: Mapping[Channel, int]) -> Tally:
        """Counts of what was submitted since then (epoch seconds); `receipts` as in faust.yml, seconds per channel."""
        low = f"{int(since * 1000):012x}" + "0" * 20
        async with self._database.connection() as connection:
            states = await connection.fetch(_SQL["states"], low)
            planned = await connection.fetch(_SQL["planned"], low)
            statuses = await connection.fetch(_SQL["statuses"], low)
            attempts = await connection.fetchrow(_SQL["attempts"], low)
            in_flight = await connection.fetchval(_SQL["in_flight"], low, msgspec.json.encode(receipts).decode(), now)
            handover = await connection.fetch(_SQL["handover"], low)
        channels = _channels(planned, statuses)
        return Tally(
            notifications=_summed(states, "state", "notifications"),
            reasons=_summed([row for row in states if row["reason"]], "reason", "notifications"),
            deliveries=dict(sum(channels.values(), Counter())),
            channels={channel: dict(counts) for channel, counts in channels.items()},
            failures=_summed([row for row in statuses if row["reason"]], "reason", "deliveries"),
            attempts=attempts["attempts"],
            possible_duplicates=attempts["possible_duplicates"],
            in_flight=in_flight,
            handover={row["lane"]: Handover(row["count"], row["p50"], row["p99"]) for row in handover},
        )


async def _current_of(connection: Connection, found: Sequence[Accepted]) -> dict[str, Status]:
    ids = [uuid_hex(each.id) for accepted in found for each in accepted.deliveries]
    if not ids:
        return {}
    rows = await connection.fetch(_SQL["deliveries_of_ids"], ids, min(ids), max(ids))
    return {status.delivery_id: status for status in map(_current, rows)}


def _millisecond(a_uuid: str) -> tuple[str, str]:
    """The least and the greatest UUID of the same millisecond: a delivery begins with its notification's."""
    return a_uuid[:12] + "0" * 20, a_uuid[:12] + "f" * 20


def _summed(rows: Sequence[Row], key: str, number: str) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row[key]] += row[number]
    return dict(counts)


def _channels(planned: Sequence[Row], statuses: Sequence[Row]) -> dict[str, Counter[str]]:
    """By channel and status; what is listed and has no row is PENDING."""
    counts: dict[str, Counter[str]] = {row["channel"]: Counter({StatusName.PENDING.value: row["planned"]}) for row in planned}
    for row in statuses:
        of_channel = counts.setdefault(row["channel"], Counter())
        of_channel[row["status"]] += row["deliveries"]
        of_channel[StatusName.PENDING.value] -= row["deliveries"]
    return {channel: +of_channel for channel, of_channel in counts.items()}


def _accepted(row: Row) -> Accepted:
    return Accepted(
        id=f"{NOTIFICATION}{row['id'].hex}",
        user_id=row["user_id"],
        state=State(row["state"]),
        at=_seconds(row["decided_at"]),
        created_at=_seconds(row["created_at"]),
        lane=row["lane"],
        type=row["type"],
        category=row["category"],
        reason=row["reason"],
        deliveries=_planned(row["deliveries"]),
        trace=_steps(row["trace"]),
        first_id=f"{NOTIFICATION}{row['first_id'].hex}" if row["first_id"] else "",
        expires_at=_seconds(row["expires_at"]) if row["expires_at"] else 0.0,
    )


def _current(row: Row) -> Status:
    return _status(row, row, _seconds(row["updated_at"]))


def _attempt(log: Row, delivery: Row) -> Status:
    status = _status(delivery, log, _seconds(log["at"]))
    doubtful = log["possible_duplicate"]
    return msgspec.structs.replace(status, code=log["code"], ms=round(log["ms"], 1), possible_duplicate=doubtful, detail=log["detail"])


def _status(delivery: Row, row: Row, at: float) -> Status:
    """The event behind a row of deliveries or of the log; what the log leaves out is the delivery's."""
    return Status(
        delivery_id=f"{DELIVERY}{delivery['id'].hex}",
        notification_id=f"{NOTIFICATION}{delivery['notification_id'].hex}",
        user_id=delivery["user_id"],
        channel=delivery["channel"],
        status=StatusName(row["status"]),
        at=at,
        created_at=_seconds(delivery["created_at"]),
        **_common(row),
    )


def _common(row: Row) -> dict[str, Any]:
    outcome = Outcome(row["outcome"]) if row["outcome"] else None
    return {"outcome": outcome, **{name: row[name] for name in ("generation", "attempt", "reason", "provider", "provider_id")}}


def _seconds(at: datetime) -> float:
    return at.timestamp()
