"""Reads the states of given notifications and the statuses of their deliveries from PostgreSQL, in two queries."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from schemas.channels import ChannelName
from schemas.enums import State, Status
from schemas.events import DeliveryRef
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("notification_results", Path(__file__).parent)
_decode_delivery_refs = msgspec.json.Decoder(list[DeliveryRef]).decode


class NotificationResult(NamedTuple):
    """The router's decision about a notification, and its planned deliveries."""

    state: State
    reason: str
    deliveries: list[DeliveryRef]


class DeliveryResult(NamedTuple):
    """The current status of a delivery; `updated_at` in epoch seconds."""

    notification_id: str
    channel: ChannelName
    status: Status
    reason: str
    updated_at: float


class NotificationResults(NamedTuple):
    """Results by id. A missing notification is not recorded yet; a planned delivery that is missing is PENDING."""

    notifications: dict[str, NotificationResult]
    deliveries: dict[str, DeliveryResult]


class NotificationResultReader:
    """Reads the history in PostgreSQL. Raises UnavailableError if PostgreSQL is not available."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, ids: Collection[str]) -> NotificationResults:
        """Get the results of these notifications and their deliveries."""
        if not ids:
            return NotificationResults({}, {})
        parameters = _build_id_parameters(ids)
        notifications = await self._database.fetch(_SQL["get_notification_results"], *parameters)
        deliveries = await self._database.fetch(_SQL["get_delivery_results"], *parameters)
        return NotificationResults(
            {
                f"{NOTIFICATION_PREFIX}{row['id'].hex}": NotificationResult(
                    State(row["state"]), row["reason"], _decode_delivery_refs(row["deliveries"])
                )
                for row in notifications
            },
            {f"{DELIVERY_PREFIX}{row['id'].hex}": _build_delivery_result(row) for row in deliveries},
        )

    async def find_recorded_deliveries(self, delivery_ids: Collection[str]) -> set[str]:
        """Find the deliveries that have a row."""
        if not delivery_ids:
            return set()
        rows = await self._database.fetch(_SQL["find_recorded_deliveries"], *_build_id_parameters(delivery_ids))
        return {f"{DELIVERY_PREFIX}{row['id'].hex}" for row in rows}


def _build_id_parameters(ids: Collection[str]) -> tuple[list[str], str, str]:
    """Build the UUIDs and the bounds of their milliseconds, with which PostgreSQL scans only the partitions of those days."""
    uuids = sorted(map(to_uuid_hex, ids))
    return uuids, uuids[0][:12] + "0" * 20, uuids[-1][:12] + "f" * 20


def _build_delivery_result(row: DatabaseRow) -> DeliveryResult:
    return DeliveryResult(
        f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}",
        row["channel"],
        Status(row["status"]),
        row["reason"],
        row["updated_at"].timestamp(),
    )
