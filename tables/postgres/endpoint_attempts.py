"""Reads the attempts at a webhook endpoint from the history."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from schemas.endpoint_attempts import EndpointAttempt, EndpointAttemptKey
from schemas.enums import Outcome, Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, to_uuid_hex
from tables.postgres.database import MAX_TIMESTAMP, Database, DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("endpoint_attempts")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_PAGE: Final = EndpointAttemptKey(int(MAX_TIMESTAMP * 1e6), "f" * 32)


class PostgresEndpointAttempts:
    """Reads the table delivery_logs. Raises UnavailableError if PostgreSQL does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_attempts(
        self, endpoint_id: str, limit: int, before: EndpointAttemptKey | None = None, *, failed_only: bool = False
    ) -> Sequence[EndpointAttempt]:
        """At most `limit` attempts at an endpoint, which exists, that come before a place in the list; the newest first."""
        at, attempt_id = before or _FIRST_PAGE
        place = _EPOCH + timedelta(microseconds=at), attempt_id
        rows = await self._database.fetch(_SQL["list_attempts"], to_uuid_hex(endpoint_id), *place, limit, failed_only)
        return list(map(_build_attempt, rows))


def _build_attempt(row: DatabaseRow) -> EndpointAttempt:
    notification_id, next_attempt_at = row["notification_id"], row["next_attempt_at"]
    return EndpointAttempt(
        id=row["id"].hex,
        occurred_at=row["occurred_at"].timestamp(),
        delivery_id=DELIVERY_PREFIX + row["delivery_id"].hex,
        notification_id=NOTIFICATION_PREFIX + notification_id.hex if notification_id else None,
        user_id=row["user_id"] or "",
        type=row["type"] or "",
        attempt=row["attempt"],
        redrive_count=row["redrive_count"],
        outcome=Outcome(row["outcome"]),
        status=Status(row["status"]),
        reason=row["reason"],
        code=row["provider_code"],
        duration_ms=round(row["duration_ms"], 1),
        possible_duplicate=row["possible_duplicate"],
        detail=row["detail"],
        next_attempt_at=next_attempt_at.timestamp() if next_attempt_at else None,
    )
