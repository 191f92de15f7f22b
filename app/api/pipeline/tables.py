"""The tables of all roles, summed over the reports of their workers; pure."""

from collections.abc import Sequence

from app.api.pipeline.bodies import TablesResponse, TableState
from app.api.pipeline.snapshot import Snapshot, describe_sources, name_worker
from app.api.pipeline.workers import build_recovery, describe_role_problem
from app.topology import TOPOLOGY, RoleSpec
from schemas.worker_reports import TableReport

TABLE_NAMES = frozenset(name for spec in TOPOLOGY for name in spec.table_ttls)
TABLE_ROLES = {name: tuple(spec.role for spec in TOPOLOGY if name in spec.table_ttls) for name in TABLE_NAMES}
"""The roles that have each table."""


def build_tables(snapshot: Snapshot) -> TablesResponse:
    """The response with all tables."""
    items = [build_table(snapshot, spec, name, lifetime) for spec in TOPOLOGY for name, lifetime in spec.table_ttls.items()]
    return TablesResponse(snapshot.now, describe_sources(snapshot, "kafka", "workers"), items, snapshot.partitions)


def build_table(snapshot: Snapshot, spec: RoleSpec, name: str, lifetime: int | None) -> TableState:
    """A table of a role."""
    answers = [(answer.url, answer.report) for answer in snapshot.list_answers(spec.role) if answer.report]
    found = [(url, report, table) for url, report in answers for table in report.tables if table.name == name]
    tables = [table for _, _, table in found]
    recoveries = [report.recovery for _, report, table in found if report.recovery and table.remaining]
    return TableState(
        role=spec.role,
        table=name,
        row_count=sum(table.row_count for table in tables),
        size_bytes=sum(table.size_bytes for table in tables),
        lifetime=lifetime,
        workers=[name_worker(url) for url, _, _ in found],
        partitions=sorted({partition for table in tables for partition in table.partitions}),
        standby_partitions=sorted({partition for table in tables for partition in table.standby_partitions}),
        changelog_lag=sum(table.remaining for table in tables),
        standby_lag=sum(table.standby_remaining for table in tables),
        recovery=build_recovery(recoveries),
        problem=describe_table_problem(snapshot, spec.role, tables),
    )


def describe_table_problem(snapshot: Snapshot, role: str, tables: Sequence[TableReport]) -> str:
    """Why what is shown of a table is not all; empty if it is."""
    if tables:
        return describe_role_problem(snapshot, role)
    return describe_role_problem(snapshot, role) or "no worker says what it has of this table"
