"""The web view `/report`: what the worker says of itself, for the gateway's pages about workers, tables and the topology."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Any, Final

import msgspec
from aiohttp import web
from faust.types import TP

from app.process_facts import LoopLag, read_memory_bytes, read_version
from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.telemetry import Metrics
from app.workers.assigned_worker import AssignedWorker, is_ready
from schemas.metrics import DELIVERY_ATTEMPTS, ORDERED_DELIVERIES_WAITING, RECORDER_ROWS
from schemas.ports import Clock
from schemas.worker_reports import RecoveryReport, TableReport, WorkerActivity, WorkerReport
from tables.table_definition import TableDefinition

MAX_COUNTED_ROWS: Final = 2_000  # of a table, in a few milliseconds

Tables = Collection[tuple[TableDefinition, RocksDBTable]]


class ActivityWatch:
    """What a worker does and since when, and how far its recovery got; `clock` is monotonic."""

    def __init__(self, read_activity: Callable[[], WorkerActivity], count_remaining: Callable[[], int], clock: Clock) -> None:
        self._read_activity, self._count_remaining, self._clock = read_activity, count_remaining, clock
        self.activity: WorkerActivity = "starting"
        self._since, self._recovery_total = clock(), 0

    @property
    def seconds(self) -> float:
        """Since when the worker does this."""
        return self._clock() - self._since

    def observe(self) -> None:
        """Look again what the worker does."""
        activity = self._read_activity()
        if activity != self.activity:
            self.activity, self._since, self._recovery_total = activity, self._clock(), 0
        if activity == "recovering":  # the ends of the changelogs are known a moment after the recovery has begun
            self._recovery_total = max(self._recovery_total, self._count_remaining())

    def build_recovery_report(self) -> RecoveryReport | None:
        """The progress of a recovery; None without one."""
        if self.activity != "recovering":
            return None
        return RecoveryReport(self._recovery_total, self._count_remaining(), self.seconds)


class ReportView:
    """Builds the report of this worker."""

    def __init__(self, app: StreamApp, role: str, name: str, tables: Tables, metrics: Metrics, prefix: str, clock: Clock) -> None:
        """`name`: the setting worker.instance_id; `prefix`: of the topics; `clock` is monotonic."""
        self._app, self._role, self._name, self._tables, self._metrics = app, role, name, tables, metrics
        self._prefix, self._clock, self._started_at = prefix, clock, clock()
        self._loop_lag = LoopLag(clock)
        self._watch = ActivityWatch(self._read_activity, self._count_active_remaining, clock)

    async def sample_forever(self) -> None:
        """Watch the event loop and the activity until cancelled."""
        await self._loop_lag.sample_forever(self._watch.observe)

    def build_report(self) -> WorkerReport:
        """The report as of now."""
        self._watch.observe()
        return WorkerReport(
            role=self._role,
            name=self._name,
            version=read_version(),
            uptime=self._clock() - self._started_at,
            memory_bytes=read_memory_bytes(),
            loop_lag=self._loop_lag.worst,
            activity=self._watch.activity,
            activity_seconds=self._watch.seconds,
            partitions=sorted(self._app.consumer.membership.get_assigned()),
            tables=[self._build_table_report(definition, table) for definition, table in self._tables],
            produced={topic.removeprefix(self._prefix): count for topic, count in self._app.producer.record_counts.items()},
            calls=int(self._metrics.sum_values(DELIVERY_ATTEMPTS)),
            rows=int(self._metrics.sum_values(RECORDER_ROWS)),
            ordered_waiting=int(self._metrics.sum_values(ORDERED_DELIVERIES_WAITING)),
            recovery=self._watch.build_recovery_report(),
        )

    def _read_activity(self) -> WorkerActivity:
        app = self._app
        if app.should_stop:
            return "stopping"
        if app.rebalancing:
            return "rebalancing"
        if app.in_recovery:
            return "recovering"
        return "running" if is_ready(app) else "starting"

    def _count_active_remaining(self) -> int:
        return sum(max(0, count) for count in self._app.tables.recovery.active_remaining().values())

    def _build_table_report(self, definition: TableDefinition, table: RocksDBTable) -> TableReport:
        recovery, topic = self._app.tables.recovery, table.changelog_topic_name
        actives = sorted(tp.partition for tp in recovery.active_tps if tp.topic == topic)
        standbys = sorted(tp.partition for tp in recovery.standby_tps if tp.topic == topic)
        remaining = sum(max(0, count) for tp, count in recovery.active_remaining().items() if tp.topic == topic)
        rows = table.estimate_row_count(actives)
        return TableReport(
            name=definition.name,
            row_count=rows,
            size_bytes=table.estimate_bytes(),
            partitions=actives,
            standby_partitions=standbys,
            remaining=remaining if self._watch.activity == "recovering" else 0,
            standby_remaining=sum(self._count_standby_remaining(recovery, TP(topic, partition)) for partition in standbys),
            entry_count=table.count_rows(actives, *definition.entries) if definition.entries and rows <= MAX_COUNTED_ROWS else None,
        )

    def _count_standby_remaining(self, recovery: Any, tp: TP) -> int:
        # the end as of the last fetch; Faust's own is that of the last recovery
        end, applied = self._app.consumer.highwater(tp), recovery.standby_offsets.get(tp)
        return 0 if end is None else max(0, end - 1 - (-1 if applied is None else applied))


def add_report_view(view: ReportView, assigned_worker: AssignedWorker, router: Any) -> None:
    """Add the route: 401 without the token."""

    async def get_report(request: web.Request) -> web.Response:
        unauthorized = assigned_worker.find_unauthorized_problem(request)
        return unauthorized or web.Response(body=msgspec.json.encode(view.build_report()), content_type="application/json")

    router.add_get("/report", get_report)


def start_early(
    app: StreamApp, tasks: Iterable[Callable[[], Awaitable[None]]], on_started: Callable[[asyncio.Task[Any]], None]
) -> Callable[[], Awaitable[None]]:
    """A start-up check that starts tasks at once: Faust starts its own tasks after the recovery, in which people want to see the worker."""

    async def start_tasks() -> None:
        for task in tasks:
            on_started(app.add_future(task()))  # cancelled with the app

    return start_tasks
