"""The reports that wait for their delivery; implements schemas.store_ports.WaitingReports."""

from collections.abc import Sequence

from schemas.history import ReceivedReport, WrittenReports
from schemas.history_counts import HistoryChanges
from schemas.ids import to_uuid_hex
from tables.postgres.database import Database
from tables.postgres.history_counts import add_changes
from tables.postgres.query_loader import load_queries
from tables.postgres.reports import build_waiting_report, get_report_key, merge_reports

_SQL = load_queries("reports")


class PostgresWaitingReports:
    """Reads and empties the table waiting_reports. Each method raises UnavailableError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def merge_matched(self, limit: int) -> WrittenReports:
        """Merge at most `limit` reports whose deliveries are recorded by now."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            rows = await connection.fetch(_SQL["take_matched_reports"], limit)
            if not rows:
                return WrittenReports()
            reports = list(map(build_waiting_report, rows))
            changes = HistoryChanges()
            waiting, changed_users = await merge_reports(connection, reports, changes, self._database.sealing)
            await add_changes(connection, changes)
            return WrittenReports(len(rows) - waiting, 0, waiting, changed_users)

    async def list_merged(self, limit: int) -> list[ReceivedReport]:
        """At most `limit` reports that were merged so, until they are ended."""
        return list(map(build_waiting_report, await self._database.fetch(_SQL["list_merged_reports"], limit)))

    async def end(self, reports: Sequence[ReceivedReport]) -> None:
        """Forget merged reports that nobody waits for any more."""
        await self._database.fetch(_SQL["delete_merged_reports"], *_list_keys(reports))

    async def list_old(self, before: float, limit: int) -> list[ReceivedReport]:
        """At most `limit` reports that were received before this time (epoch seconds), oldest first."""
        return list(map(build_waiting_report, await self._database.fetch(_SQL["list_old_reports"], before, limit)))

    async def delete(self, reports: Sequence[ReceivedReport]) -> None:
        """Let these reports wait no more, and forget that they came."""
        await self._database.fetch(_SQL["delete_reports"], *_list_keys(reports))


def _list_keys(reports: Sequence[ReceivedReport]) -> tuple[list[str], list[str], list[str]]:
    keys = [get_report_key(report) for report in reports]
    ids = [to_uuid_hex(delivery_id) for delivery_id, _, _ in keys]
    return ids, [provider for _, provider, _ in keys], [key for _, _, key in keys]
