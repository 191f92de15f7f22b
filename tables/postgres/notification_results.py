"""Reads what became of a given set of notifications, in two queries, for whoever has to account for each of them."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from schemas.enums import Channel, State, Status
from schemas.events import DeliveryRef
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("notification_results")
_decode_delivery_refs = msgspec.json.Decoder(list[DeliveryRef]).decode


class NotificationResult(NamedTuple):
    """What the router made of a notification, and the deliveries it listed."""

    state: State
    reason: str
    deliveries: list[DeliveryRef]


class DeliveryResult(NamedTuple):
    """The status of a delivery that has one, since when (epoch seconds)."""

    notification_id: str
    channel: Channel
    status: Status
    reason: str
    updated_at: float


class NotificationResults(NamedTuple):
    """By id; a notification that is missing is not recorded yet, a planned delivery that is missing is PENDING."""

    notifications: dict[str, NotificationResult]
    deliveries: dict[str, DeliveryResult]


class NotificationResultReader:
    """History in PostgreSQL. Raises Unavailable if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_many(self, ids: Collection[str]) -> NotificationResults:
        """What is recorded of these notifications."""
        if not ids:
            return NotificationResults({}, {})
        given = _compute_id_bounds(ids)
        rows = await self._database.fetch(_SQL["get_notification_results"], *given)
        states = await self._database.fetch(_SQL["get_delivery_results"], *given)
        return NotificationResults(
            {
                f"{NOTIFICATION_PREFIX}{row['id'].hex}": NotificationResult(
                    State(row["state"]), row["reason"], _decode_delivery_refs(row["deliveries"])
                )
                for row in rows
            },
            {f"{DELIVERY_PREFIX}{row['id'].hex}": _build_delivery_result(row) for row in states},
        )

    async def find_recorded_deliveries(self, delivery_ids: Collection[str]) -> set[str]:
        """Those of these deliveries that have a row."""
        if not delivery_ids:
            return set()
        return {
            f"{DELIVERY_PREFIX}{row['id'].hex}"
            for row in await self._database.fetch(_SQL["find_recorded_deliveries"], *_compute_id_bounds(delivery_ids))
        }


def _compute_id_bounds(ids: Collection[str]) -> tuple[list[str], str, str]:
    """The ids as PostgreSQL reads them, and the bounds of their milliseconds: so only their days' partitions are looked at."""
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
