"""Writes the counts of the history: the ids of labels, and what a commit changes (schemas/history_counts.py)."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from schemas.events import StatusEvent
from schemas.history import HistoryBatch
from schemas.history_counts import (
    HANDOVER_NAMES,
    MAX_LABELS,
    MICROSECOND_BOUNDS,
    CountKey,
    FoldBounds,
    HistoryChanges,
    LabelKey,
    get_delivery_labels,
    get_notification_labels,
    to_other,
)
from schemas.lifetimes import DAY, HOUR
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("history_counts")
_MAX_CACHED = 2 * MAX_LABELS
DELETE_STEP = 10_000  # rows that one statement deletes; a recorder that was down for long, or keeps less than before, has more


class BatchLabels:
    """As what the rows of a batch are counted: `of_notifications` in their order, `of_deliveries` by the ids of deliveries."""

    def __init__(self, of_notifications: Sequence[int | None], of_deliveries: Mapping[str, int | None]) -> None:
        self.of_notifications, self.of_deliveries = of_notifications, of_deliveries

    def list_attempts(self, events: Iterable[StatusEvent]) -> list[tuple[StatusEvent, int | None]]:
        """Events with their labels."""
        find = self.of_deliveries.get
        return [(event, find(event.delivery_id)) for event in events]


class LabelIds:
    """The ids of labels, which are kept: whatever a batch has is usually known."""

    def __init__(self, database: Database, max_labels: int = MAX_LABELS) -> None:
        self._database, self._max_labels = database, max_labels
        self._ids: dict[LabelKey | None, int | None] = {None: None}

    async def find(self, batch: HistoryBatch) -> BatchLabels:
        """The labels of a batch; those that are new are inserted, in a transaction of their own. Raises UnavailableError."""
        try:
            return _get_labels(self._ids, batch)
        except KeyError:  # rarely
            labels = {*map(get_notification_labels, batch.notifications), *map(get_delivery_labels, batch.deliveries)}
            return _get_labels(await self._insert([one for one in labels if one is not None]), batch)

    def forget(self) -> None:
        """Read the ids again when they are needed: a failover may have lost rows, whose ids are given out again."""
        self._ids = {None: None}

    async def _insert(self, labels: Collection[LabelKey]) -> Mapping[LabelKey | None, int | None]:
        """Keep the ids of labels, and return them. When there are too many, what is new is counted as other."""
        if len(self._ids) > _MAX_CACHED:
            self.forget()
        ids = self._ids  # these, even if they are forgotten meanwhile
        missing = [one for one in labels if one not in ids]
        async with self._database.acquire_connection() as connection:
            found = await _list_ids(connection, missing)
            unknown = [labels for labels in missing if labels not in found]
            if unknown:
                room = self._max_labels - await connection.fetchval(_SQL["count_labels"])
                named = {labels: labels if place < room else to_other(labels) for place, labels in enumerate(unknown)}
                await connection.execute(_SQL["insert_labels"], *_split(named.values()))
                inserted = await _list_ids(connection, set(named.values()))
                found |= {labels: inserted[stored] for labels, stored in named.items()}
        ids.update(found.items())
        return ids


def _get_labels(ids: Mapping[LabelKey | None, int | None], batch: HistoryBatch) -> BatchLabels:
    of_notifications = [ids[get_notification_labels(row)] for row in batch.notifications]
    return BatchLabels(of_notifications, {event.delivery_id: ids[get_delivery_labels(event)] for event in batch.deliveries})


async def add_changes(connection: Connection, changes: HistoryChanges) -> None:
    """Add what changed to the counts. It is the last statement of a transaction: other workers wait for rows that it has changed."""
    if rows := changes.list_changes():
        columns = zip(*(key for key, _ in rows), strict=True)
        await connection.execute(_SQL["add_counts"], *map(list, columns), [count for _, count in rows])


async def fold_counts(database: Database, bounds: FoldBounds) -> None:
    """Delete what is too old, and add old minutes to hours and old hours to days. Raises UnavailableError.

    Each step and each hour has a transaction of its own: a backlog of any size is worked off, even if it takes longer than a command may.
    """
    while await _delete_old_counts(database, bounds.days) == DELETE_STEP:
        pass
    for step, longer, before in ((60, HOUR, bounds.minutes), (HOUR, DAY, bounds.hours)):
        for row in await database.fetch(_SQL["list_hours"], step, before):
            await database.fetch(_SQL["fold_counts"], step, longer, row["hour"], min(row["hour"] + HOUR, before))


async def _delete_old_counts(database: Database, before: int) -> int:
    (row,) = await database.fetch(_SQL["delete_old_counts"], before, DELETE_STEP)
    return int(row["count"])


async def count_history(connection: Connection, since: int) -> dict[CountKey, int]:
    """The counts of minutes from this time on (epoch seconds), as the rows of the history have them. It reads all of them."""
    rows = await connection.fetch(_SQL["count_history"], since, list(MICROSECOND_BOUNDS), list(HANDOVER_NAMES))
    return {tuple(row)[:-1]: row["count"] for row in rows}


def add_merged_notifications(changes: HistoryChanges, rows: Iterable[DatabaseRow]) -> None:
    """Count notifications that were merged into the history: as what they are now, and no longer as what they were."""
    for row in rows:
        for prefix, amount in (("old_", -1), ("new_", 1)):
            if (labels_id := row[f"{prefix}labels_id"]) is not None:
                key = "notification", row[f"{prefix}minute"], labels_id, "", "", row[f"{prefix}state"], row[f"{prefix}reason"]
                changes.counts[key] += amount


def add_merged_deliveries(changes: HistoryChanges, rows: Iterable[DatabaseRow]) -> None:
    """The same of deliveries. One that had no labels got those of the event, and one that has some keeps them."""
    for row in rows:
        for prefix, amount in (("old_", -1), ("new_", 1)):
            if (labels_id := row[f"{prefix}labels_id"]) is not None:
                provider, status, reason = (row[f"{prefix}{name}"] for name in ("provider", "status", "reason"))
                changes.counts["delivery", row[f"{prefix}minute"], labels_id, row["channel"], provider, status, reason] += amount


def add_engagements(changes: HistoryChanges, rows: Iterable[DatabaseRow]) -> None:
    """Count the deliveries that were opened or clicked for the first time."""
    for row in rows:
        for name in ("opened", "clicked"):
            if row[name] and row["labels_id"] is not None:
                changes.add_engagement(row["minute"], row["labels_id"], row["channel"], name)


async def _list_ids(connection: Connection, labels: Collection[LabelKey]) -> dict[LabelKey, int]:
    rows = await connection.fetch(_SQL["list_labels"], *_split(labels))
    return {(row["project"], row["type"], row["category"], row["priority"], row["template"], row["is_test"]): row["id"] for row in rows}


def _split(labels: Iterable[LabelKey]) -> list[list[object]]:
    return [list(column) for column in zip(*labels, strict=True)]
