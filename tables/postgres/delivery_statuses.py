"""Reads what became of the deliveries of many notifications at once; implements schemas.store_ports.DeliveryStatusReader."""

from collections.abc import Iterable, Mapping

from schemas.enums import Status
from schemas.history import NotificationKey, RecordedDeliveries
from schemas.ids import NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import Database
from tables.postgres.history_reader import get_millisecond_bounds
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
        first_ids, last_ids = zip(*map(get_millisecond_bounds, ids), strict=True) if ids else ((), ())
        users = [user_id for _, user_id in keys]
        rows = await self._database.fetch(_SQL["list_delivery_statuses"], ids, users, list(first_ids), list(last_ids))
        found: dict[NotificationKey, RecordedDeliveries] = {}
        statuses: dict[NotificationKey, dict[str, list[Status]]] = {}
        for row in rows:
            key = f"{NOTIFICATION_PREFIX}{row['id'].hex}", row["user_id"]
            by_channel = statuses.setdefault(key, {})
            decided_at = row["decided_at"].timestamp()
            found[key] = RecordedDeliveries(row["resume_count"], decided_at, row["reason"], by_channel)  # type: ignore[arg-type]  # names of the table channels
            if row["channel"] is not None:
                by_channel.setdefault(row["channel"], []).append(Status(row["status"]))
        return found
