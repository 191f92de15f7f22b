"""Reads what became of the deliveries of many notifications at once; implements schemas.store_ports.DeliveryStatusReader."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from schemas.channels import ChannelName
from schemas.enums import Status
from schemas.history import NotificationKey, RecordedDeliveries
from schemas.ids import NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("delivery_statuses")


class PostgresDeliveryStatusReader:
    """Reads the tables notifications and deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, notifications: Iterable[NotificationKey]) -> Mapping[NotificationKey, RecordedDeliveries]:
        """What is recorded of each notification, without those of which no decision is. Raises UnavailableError."""
        keys = list(notifications)
        ids = [to_uuid_hex(notification_id) for notification_id, _ in keys]
        users = [user_id for _, user_id in keys]
        rows = await self._database.fetch(_SQL["list_delivery_statuses"], ids, users)
        by_key: defaultdict[NotificationKey, list[DatabaseRow]] = defaultdict(list)
        for row in rows:
            by_key[f"{NOTIFICATION_PREFIX}{row['id'].hex}", row["user_id"]].append(row)
        return {key: _build_recorded(rows_of_one) for key, rows_of_one in by_key.items()}


def _build_recorded(rows: Sequence[DatabaseRow]) -> RecordedDeliveries:
    """What is recorded of a notification, from the rows of its deliveries."""
    statuses: defaultdict[ChannelName, list[Status]] = defaultdict(list)
    for row in rows:
        if row["channel"] is not None:
            statuses[row["channel"]].append(Status(row["status"]))
    first, read_by = rows[0], sorted({row["channel"] for row in rows if row["delivery_read_at"] is not None})
    times = [at.timestamp() for at in (first["read_at"], *(row["delivery_read_at"] for row in rows)) if at is not None]
    decided_at, read_at = first["decided_at"].timestamp(), min(times, default=None)
    return RecordedDeliveries(first["resume_count"], decided_at, first["reason"], dict(statuses), read_at, tuple(read_by))
