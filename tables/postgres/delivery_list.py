"""Reads lists of deliveries. The queries are composed of the texts of queries/delivery_list.sql: what is examined, and the page of it."""

from collections.abc import Sequence
from typing import Final

from schemas.delivery_search import DeliveryFilter, DeliveryKey, FoundDeliveries, FoundDelivery
from schemas.enums import Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, make_id, to_uuid_hex
from schemas.projects import project_in_force
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.history_reader import build_times
from tables.postgres.query_loader import load_queries

MAX_EXAMINED: Final = 5000  # deliveries that one page examines, at most some 30 ms
MAX_EXAMINED_WITH_NOTIFICATIONS: Final = 2000  # if their notifications are asked for, too: each is a look-up
MAX_EXAMINED_OF_USER: Final = 1000  # notifications of one user, or of tests: each is a look-up of its deliveries; or decision logs
_MIN_UUID: Final = "0" * 32
_MAX_UUID: Final = "f" * 32
_SQL = load_queries("delivery_list")
_QUERIES: Final = {
    name: _SQL["page"].replace("{examined}", text).replace("{order}", text.rpartition("\norder by ")[2].partition("\n")[0])
    for name, text in _SQL.items()
    if name != "page"
}
_END_OF_TIME: Final = 2**47 / 1000  # epoch seconds; an id has 48 bits of milliseconds


class PostgresDeliveryList:
    """Reads deliveries from PostgreSQL or a replica. Raises UnavailableError if it does not answer."""

    def __init__(self, database: Database, max_examined: int = MAX_EXAMINED, max_examined_of_user: int = MAX_EXAMINED_OF_USER) -> None:
        self._database, self._max_examined, self._max_examined_of_user = database, max_examined, max_examined_of_user

    async def search(self, wanted: DeliveryFilter, limit: int, after: DeliveryKey | None = None) -> FoundDeliveries:
        """At most `limit` deliveries that match and follow `after` in the order that is wanted."""
        texts = [wanted.channel, wanted.provider, wanted.reason, wanted.priority, wanted.category, wanted.type]
        if any("\0" in text for text in (*texts, wanted.user_id, wanted.template) if text):  # PostgreSQL's text cannot contain NUL
            return FoundDeliveries([], None)
        max_examined = self._get_max_examined(wanted)
        rows = await self._database.fetch(
            _QUERIES[_choose_query(wanted)],
            *_find_bounds(wanted, after),
            wanted.user_id,
            max_examined,
            limit + 1,
            list(wanted.statuses) if wanted.statuses else None,
            *texts,
            wanted.project,
            wanted.template,
            wanted.is_test,
        )
        found = [_build_delivery(row) for row in rows if row["id"] is not None]
        return FoundDeliveries(found[:limit], _find_next_key(rows[0], found, limit, max_examined))

    def _get_max_examined(self, wanted: DeliveryFilter) -> int:
        if wanted.user_id is not None or wanted.template is not None or wanted.is_test:
            return self._max_examined_of_user
        if wanted.priority or wanted.category or wanted.type or wanted.is_test is not None:
            return min(self._max_examined, MAX_EXAMINED_WITH_NOTIFICATIONS)
        return self._max_examined


def _choose_query(wanted: DeliveryFilter) -> str:
    """The name of the query that examines the fewest deliveries."""
    if wanted.user_id is not None:
        return f"{wanted.order}_of_user"
    if wanted.is_test:
        return f"{wanted.order}_of_tests"
    among = f"{wanted.order}_in_project" if wanted.project or project_in_force.get() is not None else wanted.order
    return f"{among}_with_reason" if wanted.reason else among


def _find_bounds(wanted: DeliveryFilter, after: DeliveryKey | None) -> tuple[str, str, str]:
    """Where the page begins, as a delivery and a notification, and where the list ends: the first time, or the last."""
    first, last = _build_least_uuid(wanted.since), _build_least_uuid(_END_OF_TIME if wanted.until is None else wanted.until)
    end = first if wanted.order == "newest" else last
    if after:
        return to_uuid_hex(after[0]), to_uuid_hex(after[1]), end
    start = last if wanted.order == "newest" else _build_uuid_before(first)
    return start, start, end


def _build_least_uuid(at: float) -> str:
    """The least UUID with this time, in epoch seconds."""
    return to_uuid_hex(make_id(DELIVERY_PREFIX, min(at, _END_OF_TIME), 0))[:12] + "0" * 20


def _build_uuid_before(uuid_hex: str) -> str:
    return f"{max(int(uuid_hex, 16) - 1, 0):032x}"


def _find_next_key(first: DatabaseRow, found: Sequence[FoundDelivery], limit: int, max_examined: int) -> DeliveryKey | None:
    """The last delivery of a full page, else the last one that was examined, unless all were."""
    if len(found) > limit:
        return found[limit - 1].id, found[limit - 1].notification_id
    if (first["examined_count"] or 0) < max_examined:
        return None
    return f"{DELIVERY_PREFIX}{first['last_id'].hex}", f"{NOTIFICATION_PREFIX}{first['last_notification_id'].hex}"


def _build_delivery(row: DatabaseRow) -> FoundDelivery:
    return FoundDelivery(
        f"{DELIVERY_PREFIX}{row['id'].hex}",
        f"{NOTIFICATION_PREFIX}{row['notification_id'].hex}",
        row["user_id"],
        row["channel"],
        Status(row["status"]),
        row["reason"],
        row["outcome"],
        row["provider"],
        row["provider_message_id"],
        row["attempt"],
        row["redrive_count"],
        row["variant"],
        row["priority"] or "",
        row["category"] or "",
        row["type"] or "",
        row["created_at"].timestamp(),
        row["updated_at"].timestamp(),
        *build_times(row),
    )
