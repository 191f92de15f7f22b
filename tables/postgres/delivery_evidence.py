"""Reads which deliveries have a recorded status; implements schemas.store_ports.EvidenceReader."""

from collections.abc import Mapping, Sequence

from schemas.enums import Status
from schemas.history import RecordedStatus
from schemas.ids import DELIVERY_PREFIX, to_uuid_hex
from tables.postgres.database import Database
from tables.postgres.query_loader import load_queries

_SQL = load_queries("delivery_evidence")


class PostgresEvidenceReader:
    """Reads the table deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_statuses(self, delivery_ids: Sequence[str]) -> Mapping[str, RecordedStatus]:
        """The recorded status of each delivery that has another one than PENDING. Raises UnavailableError."""
        if not delivery_ids:
            return {}
        ids = [to_uuid_hex(delivery_id) for delivery_id in delivery_ids]
        rows = await self._database.fetch(_SQL["list_recorded_statuses"], ids, min(ids), max(ids))
        return {
            f"{DELIVERY_PREFIX}{row['id'].hex}": RecordedStatus(Status(row["status"]), row["redrive_count"], row["attempt"]) for row in rows
        }
