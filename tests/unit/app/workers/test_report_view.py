"""What a worker says of itself, with a worker in one state; tests/integration/workers asks real ones."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from app.streaming.application import add_table
from app.streaming.commit.outbox import WrittenOffsets
from app.streaming.rocksdb_table import RocksDBTable
from app.telemetry import Metrics
from app.workers.report_view import ActivityWatch, ReportView
from schemas.metrics import DELIVERY_ATTEMPTS, ORDERED_DELIVERIES_WAITING, RECORDER_ROWS
from schemas.worker_reports import RecoveryReport, TableReport, WorkerActivity
from tables.table_definition import CountedEntries, TableDefinition
from tests.unit.app.streaming.app_builder import build_app

CHANGELOG = "t-router-seen-changelog"
SEEN = TableDefinition("seen", lambda row: 0.0, lambda get_rows, user, key: None, entries=CountedEntries(b"a", lambda row: row != b"0"))


@dataclass
class FakeRecovery:
    """Partition 0 is active and 1 a standby; of each, `remaining` records are not applied."""

    remaining: int = 0
    active_tps: set[TP] = field(default_factory=lambda: {TP(CHANGELOG, 0)})
    standby_tps: set[TP] = field(default_factory=lambda: {TP(CHANGELOG, 1)})
    standby_offsets: Counter[TP] = field(default_factory=lambda: Counter({TP(CHANGELOG, 1): 6}))

    def active_remaining(self) -> Counter[TP]:
        return Counter({TP(CHANGELOG, 0): self.remaining})


@dataclass
class FakeApp:
    """A worker in one state; it is also its own consumer, producer and membership."""

    should_stop: bool = False
    started: bool = True
    rebalancing: bool = False
    in_recovery: bool = False
    recovery: FakeRecovery = field(default_factory=FakeRecovery)
    highwater_offset: int | None = 10
    record_counts: dict[str, int] = field(default_factory=lambda: {"t-notifications.status": 3})

    @property
    def consumer(self) -> "FakeApp":
        return self

    producer = membership = consumer

    @property
    def tables(self) -> SimpleNamespace:
        return SimpleNamespace(recovery=self.recovery)

    def assignment(self) -> set[int]:
        return {0}

    def get_assigned(self) -> frozenset[int]:
        return frozenset({2})

    def highwater(self, tp: TP) -> int | None:
        return self.highwater_offset


@pytest.fixture
def table(tmp_path: Path) -> Any:
    app = build_app(tmp_path)
    (tmp_path / "deep" / "data" / "v1" / "tables").mkdir(parents=True)
    table = add_table(app, "seen")
    table.apply_rows(0, {b"a": b"1", b"b": b"2", b"a0": b"0", b"a2": b"2"}, WrittenOffsets(0, 3, 4))
    yield table
    table.data._dbs.clear()


def build_view(app: Any, table: RocksDBTable | None = None, metrics: Metrics | None = None) -> ReportView:
    return ReportView(app, "router", "1", [] if table is None else [(SEEN, table)], metrics or Metrics(), "t-", lambda: 100.0)


def test_a_worker_reports_its_partitions_tables_and_counts(table: RocksDBTable) -> None:
    metrics = Metrics()
    metrics.increment(DELIVERY_ATTEMPTS, 3, "email", "high", "ACCEPTED")
    metrics.increment(DELIVERY_ATTEMPTS, 4, "email", "low", "THROTTLED")
    metrics.increment(RECORDER_ROWS, 5, "notifications")
    for place, count in (("worker", 2), ("scheduler", 30)):
        metrics.set_gauge_function(ORDERED_DELIVERIES_WAITING, partial(float, count), place)
    report = build_view(FakeApp(), table, metrics).build_report()
    assert (report.role, report.name, report.activity, report.partitions) == ("router", "1", "running", [2])
    assert (report.produced, report.calls, report.rows, report.recovery) == ({"notifications.status": 3}, 7, 5, None)
    assert report.ordered_waiting == 32
    (found,) = report.tables
    assert found == TableReport("seen", 4, found.size_bytes, [0], [1], remaining=0, standby_remaining=3, entry_count=2)
    assert found.size_bytes > 0


def test_entries_that_are_many_are_not_counted(table: RocksDBTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workers.report_view.MAX_COUNTED_ROWS", 3)
    (found,) = build_view(FakeApp(), table).build_report().tables
    assert found.entry_count is None


def test_a_standby_whose_end_is_not_known_yet_lags_by_nothing(table: RocksDBTable) -> None:
    (found,) = build_view(FakeApp(highwater_offset=None), table).build_report().tables
    assert found.standby_remaining == 0


@pytest.mark.parametrize(
    ("app", "activity"),
    [
        (FakeApp(), "running"),
        (FakeApp(started=False), "starting"),
        (FakeApp(rebalancing=True, in_recovery=True), "rebalancing"),
        (FakeApp(in_recovery=True), "recovering"),
        (FakeApp(should_stop=True, rebalancing=True), "stopping"),
    ],
)
def test_a_worker_does_one_thing_at_a_time(app: FakeApp, activity: str) -> None:
    assert build_view(app).build_report().activity == activity


def test_a_recovery_has_a_beginning_and_remains(table: RocksDBTable) -> None:
    app = FakeApp(in_recovery=True, recovery=FakeRecovery(remaining=40))
    view = build_view(app, table)
    assert view.build_report().recovery == RecoveryReport(40, 40, 0.0)
    app.recovery.remaining = 10
    report = view.build_report()
    assert (report.recovery, report.tables[0].remaining) == (RecoveryReport(40, 10, 0.0), 10)


def test_an_activity_lasts_until_the_next_one() -> None:
    now, remaining = 0.0, 0
    activity: WorkerActivity = "starting"
    watch = ActivityWatch(lambda: activity, lambda: remaining, lambda: now)
    now = 5.0
    watch.observe()
    assert (watch.activity, watch.seconds) == ("starting", 5.0)
    activity, remaining = "recovering", 50
    watch.observe()
    now, remaining = 8.0, 20
    watch.observe()
    assert watch.build_recovery_report() == RecoveryReport(50, 20, 3.0)
    activity = "running"
    watch.observe()
    assert (watch.seconds, watch.build_recovery_report()) == (0.0, None)
