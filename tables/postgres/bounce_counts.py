"""Counts how many e-mails of the last hour bounced, by category, from a sample that is complete while few are sent."""

from collections.abc import Mapping

from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("bounce_counts")
MINUTES = 60
MAX_DELIVERIES_PER_MINUTE = 200
"""Of each minute so many are counted: up to 200 a minute all of them, above that a sample: 12,000 rows in 0.1 s beside other work."""


class PostgresBounceCounts:
    """Reads the tables deliveries and notifications."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, now: float) -> Mapping[str, tuple[int, int]]:
        """By category the e-mails that were handed over and those that bounced, of notifications of the last hour (epoch seconds).

        Raises UnavailableError.
        """
        rows = await self._database.fetch(_SQL["count_bounces"], _list_bounds(now), MAX_DELIVERIES_PER_MINUTE)
        return {row["category"]: (row["sent"], row["bounced"]) for row in rows}


def _list_bounds(now: float) -> list[str]:
    """The smallest ids of the last minutes, and of the next one: the first 48 bits of a UUIDv7 are milliseconds (RFC 9562, 5.7)."""
    return [f"{int((now - 60 * minutes) * 1000):012x}{0:020x}" for minutes in range(MINUTES, -1, -1)]
