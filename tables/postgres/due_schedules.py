"""Starts the runs of due schedules: the broadcasts and the time of the next run are written in one transaction."""

from collections.abc import Callable

from schemas.broadcasts import BROADCAST_PREFIX
from schemas.ids import to_uuid_hex
from schemas.schedules import SCHEDULE_PREFIX, DueSchedule, RunPlan, StartedRuns
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries
from tables.postgres.schedules import read_timing
from tables.postgres.user_rows import to_timestamp

_SQL = load_queries("due_schedules")


class PostgresDueSchedules:
    """Implements schemas.store_ports.DueSchedules; the times are those of PostgreSQL's clock."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def start_runs(self, plan: Callable[[DueSchedule, float], RunPlan], limit: int) -> list[StartedRuns]:
        """Start the runs of at most `limit` due schedules that no other worker has in hand."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            rows = await connection.fetch(_SQL["lock_due_schedules"], limit)
            return [await self._start(connection, row, plan(_build_due_schedule(row), row["now"])) for row in rows]

    async def get_wait(self) -> float | None:
        """Seconds until the next run of any schedule is due; None if none ever is."""
        (row,) = await self._database.fetch(_SQL["get_wait"])
        return None if row["seconds"] is None else float(row["seconds"])

    async def _start(self, connection: Connection, row: DatabaseRow, plan: RunPlan) -> StartedRuns:
        ids = [to_uuid_hex(self._make_id(BROADCAST_PREFIX)) for _ in plan.run_times]
        times = [to_timestamp(at) for at in plan.run_times]
        inserted = await connection.fetch(_SQL["insert_runs"], row["id"], ids, times) if ids else []
        await connection.execute(_SQL["move_schedule"], row["id"], to_timestamp(plan.next_run_at), times[-1] if times else None)
        broadcast_ids = [f"{BROADCAST_PREFIX}{run['id'].hex}" for run in inserted]
        return StartedRuns(f"{SCHEDULE_PREFIX}{row['id'].hex}", row["name"], plan, broadcast_ids)


def _build_due_schedule(row: DatabaseRow) -> DueSchedule:
    return DueSchedule(f"{SCHEDULE_PREFIX}{row['id'].hex}", row["name"], read_timing(row), row["missed"], row["next_run_at"].timestamp())
