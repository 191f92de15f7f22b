from msgspec.structs import replace

from app.api.pipeline.bodies import TableState
from app.api.pipeline.row import build_row
from app.api.pipeline.snapshot import Snapshot
from app.api.pipeline.tables import TABLE_ROLES, build_tables
from schemas.lifetimes import IDEMPOTENCY_ROWS
from schemas.worker_reports import RecoveryReport
from tests.unit.app.api.pipeline.builders import TABLE, build_answer, build_snapshot


def find_table(snapshot: Snapshot, role: str, table: str) -> TableState:
    return next(item for item in build_tables(snapshot).items if (item.role, item.table) == (role, table))


def test_a_table_is_the_sum_over_its_workers() -> None:
    first = replace(TABLE, partitions=[0], standby_partitions=[1], standby_remaining=3)
    second = replace(TABLE, partitions=[1], standby_partitions=[0], standby_remaining=4)
    answers = [build_answer("router", tables=[first]), build_answer("router", "2", tables=[second])]
    table = find_table(build_snapshot(answers=answers), "router", "idempotency")
    assert (table.row_count, table.size_bytes, table.partitions, table.standby_partitions) == (20, 8192, [0, 1], [0, 1])
    assert (table.standby_lag, table.changelog_lag, table.recovery, table.problem) == (7, 0, None, "")
    assert (table.workers, table.lifetime) == (["router-1:6066", "router-2:6066"], IDEMPOTENCY_ROWS)


def test_a_table_that_recovers_says_how_far_it_is() -> None:
    recovering = build_answer("router", tables=[replace(TABLE, remaining=40)], recovery=RecoveryReport(100, 40, 6.0), activity="recovering")
    table = find_table(build_snapshot(answers=[recovering]), "router", "idempotency")
    assert table.recovery is not None
    assert (table.changelog_lag, table.recovery.seconds_left, table.problem) == (40, 4.0, "a worker recovers its tables")


def test_a_table_of_which_nobody_says_anything_is_not_shown_as_empty() -> None:
    table = find_table(build_snapshot(answers=[]), "email", "attempts")
    assert (table.row_count, table.problem) == (0, "no worker says what it has of this table")


def test_the_same_table_may_be_of_several_roles() -> None:
    assert TABLE_ROLES["attempts"] == ("email", "sms", "push", "webhook")
    assert TABLE_ROLES["idempotency"] == ("router",)


def test_a_row_is_shown_with_its_place() -> None:
    found = {"table": "due", "partition": 1, "user_id": "u-1", "worker": "http://10.0.0.1:6066", "due_at": "2026-11-28T00:00:00Z"}
    row = build_row("scheduler", "ntf_1", found)
    assert (row.partition, row.worker, row.row) == (1, "10.0.0.1:6066", {"due_at": "2026-11-28T00:00:00Z"})
