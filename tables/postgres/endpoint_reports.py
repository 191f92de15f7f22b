"""What the recorder reads and changes of webhook endpoints (schemas.store_ports.EndpointReports)."""

from collections.abc import Mapping, Sequence

from schemas.enums import Status
from schemas.ids import DELIVERY_PREFIX, NOTIFICATION_PREFIX, is_id, to_uuid_hex
from schemas.status_webhooks import FailingEndpoint, ReportedDelivery, StatusEndpoint
from schemas.users import AUDIT_ENTRY_PREFIX
from schemas.webhook_endpoints import ENDPOINT_PREFIX
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.webhook_endpoints import OBJECT_TYPE

ACTOR = "recorder"  # in the audit log

_SQL = load_queries("endpoint_reports")


class PostgresEndpointReports:
    """Reads and writes the table webhook_endpoints. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def list_status_endpoints(self) -> Sequence[StatusEndpoint]:
        """The enabled endpoints for statuses."""
        rows = await self._database.fetch(_SQL["list_status_endpoints"])
        return [
            StatusEndpoint(
                ENDPOINT_PREFIX + row["id"].hex,
                row["url"],
                row["types"],
                row["categories"],
                row["statuses"],
                row["project"],
                row["is_test"],
                row["ordered"],
            )
            for row in rows
        ]

    async def list_reported(self, delivery_ids: Sequence[str]) -> Sequence[ReportedDelivery]:
        """Those of the deliveries that are recorded, as they are now."""
        ids = [to_uuid_hex(delivery_id) for delivery_id in delivery_ids if is_id(delivery_id, DELIVERY_PREFIX)]
        if not ids:
            return []
        return [_build_reported(row) for row in await self._database.fetch(_SQL["list_reported"], ids, min(ids), max(ids))]

    async def list_failing(
        self, failed: Sequence[str], gone: Mapping[str, float], seconds: float, min_failures: int
    ) -> Sequence[FailingEndpoint]:
        """Those of the enabled endpoints that have only failed for so long, or are gone since they were enabled."""
        ids = [to_uuid_hex(one) for one in failed if is_id(one, ENDPOINT_PREFIX)]
        gone_ids = [one for one in gone if is_id(one, ENDPOINT_PREFIX)]
        arguments = ids, list(map(to_uuid_hex, gone_ids)), [gone[one] for one in gone_ids], seconds, min_failures
        return [_build_failing(row) for row in await self._database.fetch(_SQL["list_failing"], *arguments)]

    async def disable(self, endpoint: FailingEndpoint) -> bool:
        """Disable an endpoint, with an entry of the audit log; whether it was enabled."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            if await connection.fetchrow(_SQL["disable_failing"], to_uuid_hex(endpoint.id), endpoint.reason) is None:
                return False
            details = {"source": ACTOR, "reason": endpoint.reason, "since": endpoint.since}
            entry_id, project = self._make_id(AUDIT_ENTRY_PREFIX), endpoint.project
            await write_audit_entry(connection, entry_id, ACTOR, "disable", OBJECT_TYPE, endpoint.id, details, project)
            return True


def _build_reported(row: DatabaseRow) -> ReportedDelivery:
    return ReportedDelivery(
        DELIVERY_PREFIX + row["id"].hex,
        NOTIFICATION_PREFIX + row["notification_id"].hex,
        row["user_id"],
        row["channel"],
        Status(row["status"]),
        row["reason"],
        row["provider"],
        row["redrive_count"],
        row["attempt"],
        row["updated_at"].timestamp(),
        row["type"] or "",
        row["category"] or "",
        row["priority"] or "medium",
        row["is_test"] or False,
    )


def _build_failing(row: DatabaseRow) -> FailingEndpoint:
    reason = "gone" if row["is_gone"] else "failing"
    endpoint_id = ENDPOINT_PREFIX + row["id"].hex
    return FailingEndpoint(endpoint_id, row["user_id"], row["url"], reason, row["since"], row["has_rule"], row["project"])  # type: ignore[arg-type]
