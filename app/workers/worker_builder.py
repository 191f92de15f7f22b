"""What all roles have in common: stream settings from faust.yml, start-up checks, tables, web views and background tasks."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from agents.dead_letter_limit import DeadLetterLimit
from app.admin.acls import require_rights
from app.admin.topics import require_topics
from app.kafka.acls import build_role_rules
from app.kafka.client_options import build_security_options
from app.server_certificate import ServerCertificate, reload_forever
from app.settings import Settings, WorkerSection
from app.streaming.application import StreamApp, add_table, build_stream_app
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.streaming.consumer.position_check import PositionJump
from app.streaming.faust_config import StreamSettings
from app.streaming.rocksdb_table import RocksDBTable
from app.streaming.time_limit import run_with_time_limit
from app.telemetry import Metrics, build_logging_config, log_event
from app.topology import get_role_spec
from app.workers.registration import register_forever
from app.workers.report_view import ReportView, start_early
from app.workers.ttl_sweeper import TtlSweeper
from app.workers.user_rows_view import RemoveRows
from app.workers.web_access import build_web_certificate
from app.workers.web_views import add_web_views
from schemas.metrics import CLOCK_ERROR, POSITION_JUMPS
from schemas.topics import TOPICS
from tables.redis.client import RedisClient
from tables.redis.worker_addresses import RedisWorkerAddresses

MAX_SKIPS_MEDIUM = 4  # fetches in which medium may be skipped although it has data
MAX_SKIPS_LOW = 16
SHUTDOWN_CALLBACKS_TIMEOUT = 2.0  # seconds of all shutdown callbacks; a server or provider may be unreachable
MIN_CALLBACK_TIMEOUT = 0.1  # seconds that the last ones have although those before took all the time

AsyncCallback = Callable[[], Coroutine[Any, Any, object]]


class WorkerBuilder:
    """Builds the app of a role, with its tables by name and its metrics."""

    def __init__(self, role: str, settings: Settings, priority_limits: tuple[PriorityLimits, ...]) -> None:
        self.role, self.settings, self.role_spec, self.metrics = role, settings, get_role_spec(role), Metrics()
        certificate = build_web_certificate(settings.worker)
        self.app: StreamApp = build_stream_app(build_stream_settings(role, settings, priority_limits, certificate))
        self.app.conf.logging_config = build_logging_config(settings.service.log_level)
        self.app.sink_topics += [settings.kafka.topic_prefix + topic for topic in self.role_spec.sink_topics]
        self.tables: dict[str, RocksDBTable] = {table.name: add_table(self.app, table.name) for table in self.role_spec.tables}
        self.clock = self.app.broker_clock
        self.metrics.set_gauge_function(CLOCK_ERROR, lambda: self.clock.error)
        self._shutdown_callbacks: list[AsyncCallback] = []
        self._close_callbacks: list[AsyncCallback] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.app.on_before_shutdown.connect(self._run_shutdown_callbacks, weak=False)
        self.app.on_worker_init.connect(self._log_started, weak=False)
        self.removals: dict[str, RemoveRows] = {}  # by the name of the tables whose rows an operator may remove
        tables = [(definition, self.tables[definition.name]) for definition in self.role_spec.tables]
        self.report_view = ReportView(
            self.app, role, settings.worker.instance_id, tables, self.metrics, settings.kafka.topic_prefix, time.monotonic
        )
        add_web_views(self.app, role, self.role_spec.tables, self.tables, self.removals, self.metrics, settings, self.report_view)
        self.app.startup_checks.append(self._require_topics)
        self.app.position_jump_callbacks.append(self._count_position_jump)
        if self.tables:
            sweeper = TtlSweeper(self.role_spec.tables, self.tables, self.clock, lambda: self.clock.is_confirmed)
            self.add_task("ttl_sweeper", lambda: sweeper.run_forever(asyncio.sleep))
        if settings.worker.web_port:
            self._show_to_gateways()
        if certificate and settings.worker.web_port:
            self.add_task("certificate", partial(reload_forever, certificate, asyncio.sleep))

    @property
    def source_topics(self) -> list[str]:
        """The topics of the role with the topic prefix, highest priority first."""
        return [self.settings.kafka.topic_prefix + topic for topic in self.role_spec.source_topics]

    def build_dead_letter_limit(self) -> DeadLetterLimit:
        """The limit of this worker's dead letters, with an alert in the log."""
        worker = self.settings.worker

        def alert(dead_letters: int, records: int) -> None:
            log_event("worker.dead_letter_limit_reached", logging.CRITICAL, role=self.role, dead_letters=dead_letters, records=records)

        return DeadLetterLimit(worker.max_dead_letters, worker.max_dead_letter_share, time.monotonic, alert)

    def add_task(self, name: str, callback: AsyncCallback) -> None:
        """Run `callback` once, as a task beside the stream, when the worker is ready. An exception in it stops the worker.

        It is cancelled when the worker stops, after the shutdown callbacks and before connections close.
        """

        async def task(app: Any) -> None:
            if (running := asyncio.current_task()) is not None:
                self._tasks.add(running)
            await callback()

        task.__name__ = task.__qualname__ = name
        self.app.task(task)

    def add_shutdown_callback(self, callback: AsyncCallback) -> None:
        """Call `callback` before the worker stops."""
        self._shutdown_callbacks.append(callback)

    def add_close_callback(self, callback: AsyncCallback) -> None:
        """Close a connection when nothing uses it any more: after the shutdown callbacks, and after the tasks have ended."""
        self._close_callbacks.append(callback)

    def add_revocation_callback(self, on_revoked: Callable[[set[int]], None]) -> None:
        """Call `on_revoked` with the numbers of the partitions that a rebalance revokes."""

        async def handle_revocation(app: Any, partitions: Any, **_: Any) -> None:
            on_revoked({tp.partition for tp in partitions})

        self.app.on_partitions_revoked.connect(handle_revocation, weak=False)

    def _show_to_gateways(self) -> None:
        redis = RedisClient(self.settings.redis.url, time.monotonic, self.settings.kafka.topic_prefix, self.settings.redis.socket_timeout)
        addresses, url = RedisWorkerAddresses(redis), str(self.app.conf.canonical_url).rstrip("/")
        tasks = (partial(register_forever, addresses, self.role, url, asyncio.sleep), self.report_view.sample_forever)
        self.app.startup_checks.append(start_early(self.app, tasks, self._tasks.add))
        self.add_close_callback(redis.close)

    async def _run_shutdown_callbacks(self, app: Any, **_: Any) -> None:
        deadline = time.monotonic() + SHUTDOWN_CALLBACKS_TIMEOUT
        for callback in (*self._shutdown_callbacks, self._end_tasks, *self._close_callbacks):
            if not await run_with_time_limit(callback(), max(MIN_CALLBACK_TIMEOUT, deadline - time.monotonic())):
                log_event("worker.shutdown_callback_cancelled", logging.WARNING, role=self.role, callback=callback.__qualname__)

    async def _end_tasks(self) -> None:
        """A task that would still run when its connection is closed would report an outage."""
        tasks = {task for task in self._tasks if not task.done()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _log_started(self, app: Any, **_: Any) -> None:
        log_event("worker.started", role=self.role, group=app.settings.app_id, partitions=self.settings.kafka.topic_partitions)

    def _count_position_jump(self, jump: PositionJump) -> None:
        self.metrics.increment(POSITION_JUMPS, 1, jump.topic, jump.direction)

    async def _require_topics(self) -> None:
        kafka = self.settings.kafka
        await require_rights(kafka, self.role)
        await require_topics(kafka, {rule.name for rule in build_role_rules(kafka, self.role) if rule.resource == "topic"})


def build_stream_settings(
    role: str, settings: Settings, priority_limits: tuple[PriorityLimits, ...], certificate: ServerCertificate | None = None
) -> StreamSettings:
    """The stream settings of a role; `certificate` is that of its web views."""
    kafka, worker = settings.kafka, settings.worker
    return StreamSettings(
        app_id=kafka.topic_prefix + role,
        bootstrap_servers=kafka.bootstrap_servers,
        security=build_security_options(kafka.security),
        datadir=Path(worker.data_dir) / f"{role}-{worker.instance_id}",
        topic_partitions=kafka.topic_partitions,
        topic_replication_factor=kafka.topic_replication_factor,
        topic_allow_declare=False,  # `herold topics apply` creates the changelogs
        stop_on_position_jump=worker.on_position_jump == "stop",
        standby_replicas=worker.standby_replicas if get_role_spec(role).tables else 0,
        commit_interval=worker.commit_interval,
        session_timeout=kafka.session_timeout,
        produce_timeout=kafka.request_timeout,
        drain_timeout=worker.drain_timeout,
        shutdown_timeout=worker.shutdown_timeout,
        fetch_max_wait=worker.fetch_max_wait,
        max_in_flight_bytes=worker.max_in_flight_bytes,
        priority_limits=priority_limits,
        web_port=worker.web_port,
        web_bind=worker.web_bind,
        web_ssl_context=certificate.context if certificate else None,
        max_message_bytes={kafka.topic_prefix + topic.name: topic.max_message_bytes for topic in TOPICS},
    )


def build_priority_limits(
    worker: WorkerSection,
    max_batch_records: int,
    max_batch_records_medium_busy: int,
    max_batch_records_low_busy: int,
    max_in_flight_batches: int,
    max_in_flight_batches_low_busy: int,
) -> tuple[PriorityLimits, ...]:
    """The fetch limits of high, medium and low; the `_busy` ones apply while a higher priority has traffic."""
    return (
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches,
            max_skips=0,
            gathering_time=worker.gathering_time_high,
        ),
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records_medium_busy,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches,
            max_skips=MAX_SKIPS_MEDIUM,
            gathering_time=worker.gathering_time_medium,
        ),
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records_low_busy,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches_low_busy,
            max_skips=MAX_SKIPS_LOW,
            gathering_time=worker.gathering_time_low,
        ),
    )


def call_later(seconds: float, callback: Callable[[], None]) -> object:
    """Call `callback` after `seconds`."""
    return asyncio.get_running_loop().call_later(seconds, callback)
