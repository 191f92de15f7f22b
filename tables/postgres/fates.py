"""Reads what became of a given set of notifications, in two queries, for whoever has to account for each of them."""

from collections.abc import Collection
from typing import NamedTuple

import msgspec

from schemas.ids import DELIVERY, NOTIFICATION, uuid_hex
from schemas.status import Planned
from schemas.words import Channel, State, StatusName
from tables.postgres.pool import Database, Row
from tables.postgres.sql import queries

_SQL = queries("fates")
_planned = msgspec.json.Decoder(list[Planned]).decode


class Decided(NamedTuple):
    """What the router made of a notification, and the deliveries it listed."""

    state: State
    reason: str
    planned: list[Planned]


class Current(NamedTuple):
    """The status of a delivery that has one, since when (epoch seconds)."""

    notification_id: str
    channel: Channel
    status: StatusName
    reason: str
    at: float


class Fates(NamedTuple):
    """By id; a notification that is missing is not recorded yet, a planned delivery that is missing is PENDING."""

    notifications: dict[str, Decided]
    deliveries: dict[str, Current]


class FateStore:
    """History in PostgreSQL. Raises Unavailable if it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_ids(self, ids: Collection[str]) -> Fates:
        """What is recorded of these notifications."""
        if not ids:
            return Fates({}, {})
        given = _bounded(ids)
        rows = await self._database.fetch(_SQL["notifications"], *given)
        states = await self._database.fetch(_SQL["deliveries"], *given)
        return Fates(
            {f"{NOTIFICATION}{row['id'].hex}": Decided(State(row["state"]), row["reason"], _planned(row["deliveries"])) for row in rows},
            {f"{DELIVERY}{row['id'].hex}": _current(row) for row in states},
        )

    async def recorded(self, delivery_ids: Collection[str]) -> set[str]:
        """Those of these deliveries that have a row."""
        if not delivery_ids:
            return set()
        return {f"{DELIVERY}{row['id'].hex}" for row in await self._database.fetch(_SQL["recorded"], *_bounded(delivery_ids))}


def _bounded(ids: Collection[str]) -> tuple[list[str], str, str]:
    """The ids as PostgreSQL reads them, and the bounds of their milliseconds: so only their days' partitions are looked at."""
    uuids = sorted(map(uuid_hex, ids))
    return uuids, uuids[0][:12] + "0" * 20, uuids[-1][:12] + "f" * 20


def _current(row: Row) -> Current:
    return Current(
        f"{NOTIFICATION}{row['notification_id'].hex}",
        row["channel"],
        StatusName(row["status"]),
        row["reason"],
        row["updated_at"].timestamp(),
    )
