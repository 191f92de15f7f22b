"""Reads the counts of the history for charts. Each method raises UnavailableError if PostgreSQL does not answer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from schemas.analytics import METRICS, TARGET_SECONDS, CountFilter, Group, HandoverCount, LatencyGroup, Metric, Series
from schemas.channels import ChannelName
from schemas.history_counts import Step
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("analytics")
_KEYS: Final[Mapping[str, str]] = {"none": "''", "status": "name", "state": "name"}
_COLUMNS: Final = ("channel", "category", "type", "template", "priority", "provider", "reason")
_SUMS: Final = {key: _SQL["sum_counts"].replace("{key}", _KEYS.get(key, key)) for key in (*_KEYS, *_COLUMNS)}
_HANDOVERS: Final = {key: _SQL["sum_handovers"].replace("{key}", _KEYS.get(key, key)) for key in ("none", "priority", "channel")}


class PostgresAnalytics:
    """Reads the tables history_counts and count_labels, from PostgreSQL or a replica."""

    def __init__(self, database: Database, costs: Mapping[ChannelName, float]) -> None:
        """`costs`: of a message on each channel, in currency units."""
        self._database, self._costs = database, costs

    async def read_series(self, metric: Metric, group_by: Group, step: Step, wanted: CountFilter) -> list[Series]:
        """A metric by steps, one series for each key; steps without any are left out."""
        source = METRICS[metric]
        names = None if source.names is None else list(source.names)
        rows = await self._database.fetch(_SUMS[group_by], source.kind, names, step, *wanted)
        found: dict[str, dict[int, float]] = {}
        for row in rows:
            value = row["count"] * self._costs[row["channel"]] if metric == "cost" else row["count"]
            points = found.setdefault(row["key"], {})
            points[row["at"]] = points.get(row["at"], 0) + value
        return [Series(key, [[at, round(value, 6)] for at, value in points.items()]) for key, points in found.items()]

    async def read_handovers(self, group_by: LatencyGroup, step: Step, wanted: CountFilter) -> list[HandoverCount]:
        """Hand-overs by steps, keys, priorities and bounds."""
        rows = await self._database.fetch(_HANDOVERS[group_by], step, *wanted)
        return [HandoverCount(row["at"], row["key"], row["priority"], float(row["bound"]), row["count"]) for row in rows]

    async def read_windows(self, starts: Iterable[int], project: str | None) -> dict[tuple[int, str], tuple[int, int]]:
        """By start (epoch seconds) and priority, how many hand-overs there are since then, and how many within the target."""
        rows = await self._database.fetch(_SQL["sum_windows"], list(starts), list(TARGET_SECONDS), list(TARGET_SECONDS.values()), project)
        return {(row["since"], row["priority"]): (row["count"], row["within_target"]) for row in rows}

    async def read_names(self, step: int, wanted: CountFilter) -> Sequence[tuple[int, str, str, int]]:
        """By steps: kind, name, count. A filter by channel or template leaves notifications as they are, which have none."""
        rows = await self._database.fetch(_SQL["sum_names"], step, *wanted)
        return [(row["at"], row["kind"], row["name"], row["count"]) for row in rows]
