"""What all roles share: stream settings from faust.yml, the checks at start, the web views, and work beside the stream."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.admin.topics import require_topics
from app.settings import Settings
from app.streaming.application import StreamApp, add_table, build_stream_app
from app.streaming.consumer.priority_selector import PriorityLimits
from app.streaming.rocksdb_table import RocksDBTable
from app.streaming.settings import StreamSettings
from app.telemetry import Metrics, build_logging_config, log_event
from app.topology import get_role_spec
from app.workers.ttl_sweeper import TtlSweeper
from app.workers.web_views import add_web_views
from schemas.topics import define_topics

AsyncCallback = Callable[[], Awaitable[object]]


class WorkerBuilder:
    """A role under construction: its app, its tables by name, its metrics."""

    def __init__(self, role: str, settings: Settings, priority_rules: tuple[PriorityLimits, ...], **more: Any) -> None:
        self.role, self.settings, self.role_spec, self.metrics = role, settings, get_role_spec(role), Metrics()
        self.app: StreamApp = build_stream_app(build_stream_settings(role, settings, priority_rules, **more))
        self.app.conf.logging_config = build_logging_config(settings.service.log_level)
        self.app.sink_topics += [settings.kafka.topic_prefix + topic for topic in self.role_spec.sink_topics]
        self.tables: dict[str, RocksDBTable] = {
            name: add_table(self.app, name, retention=2 * ttl) for name, ttl in self.role_spec.table_ttls.items()
        }
        self._shutdown_callbacks: list[AsyncCallback] = []
        self.app.on_before_shutdown.connect(self._run_shutdown_callbacks, weak=False)
        self.app.on_worker_init.connect(self._log_started, weak=False)
        add_web_views(self.app, self.tables, self.metrics, settings)
        self.app.startup_checks.append(self._require_topics)
        if self.tables:
            self.add_task("ttl_sweeper", lambda: TtlSweeper(self.tables, self.role_spec.table_ttls, clock).run_forever(asyncio.sleep))

    @property
    def source_topics(self) -> list[str]:
        """The topics of the role, highest priority first."""
        return [self.settings.kafka.topic_prefix + topic for topic in self.role_spec.source_topics]

    def add_task(self, name: str, work: AsyncCallback) -> None:
        """Run `work` once beside the stream, when the worker is ready; what it raises ends the worker."""

        async def task(app: Any) -> None:
            await work()

        task.__name__ = task.__qualname__ = name
        self.app.task(task)

    def add_shutdown_callback(self, work: AsyncCallback) -> None:
        """Do this before the worker stops."""
        self._shutdown_callbacks.append(work)

    def add_revocation_callback(self, on_revoked: Callable[[set[int]], None]) -> None:
        """Tell `on_revoked` the numbers of the partitions that a rebalance takes away."""

        async def handle_revocation(app: Any, partitions: Any, **_: Any) -> None:
            on_revoked({tp.partition for tp in partitions})

        self.app.on_partitions_revoked.connect(handle_revocation, weak=False)

    async def _run_shutdown_callbacks(self, app: Any, **_: Any) -> None:
        for work in self._shutdown_callbacks:
            await work()

    def _log_started(self, app: Any, **_: Any) -> None:
        log_event("worker.started", role=self.role, group=app.settings.app_id, partitions=self.settings.kafka.topic_partitions)

    async def _require_topics(self) -> None:
        kafka = self.settings.kafka
        await require_topics(
            kafka.bootstrap_servers, kafka.topic_prefix, kafka.topic_partitions, kafka.topic_replication_factor, kafka.min_insync_replicas
        )


def build_stream_settings(role: str, settings: Settings, priority_rules: tuple[PriorityLimits, ...], **more: Any) -> StreamSettings:
    """The streaming part of a role."""
    kafka, worker = settings.kafka, settings.worker
    return StreamSettings(
        app_id=kafka.topic_prefix + role,
        bootstrap_servers=kafka.bootstrap_servers,
        datadir=Path(worker.data_dir) / f"{role}-{worker.instance_id}",
        topic_partitions=kafka.topic_partitions,
        topic_replication_factor=kafka.topic_replication_factor,
        standby_replicas=worker.standby_replicas if get_role_spec(role).table_ttls else 0,
        commit_interval=worker.commit_interval,
        session_timeout=kafka.session_timeout,
        heartbeat_interval=min(3.0, kafka.session_timeout / 3),
        produce_timeout=kafka.request_timeout,
        fetch_max_wait=worker.fetch_max_wait,
        priority_limits=priority_rules,
        web_port=worker.web_port,
        web_bind=worker.web_bind,
        web_token=worker.web_token,
        max_message_bytes={kafka.topic_prefix + topic.name: topic.max_message_bytes for topic in define_topics()},
        **more,
    )


def build_priority_limits(
    max_batch_records: int,
    max_batch_records_medium_busy: int,
    max_batch_records_low_busy: int,
    max_in_flight_batches: int,
    max_in_flight_batches_low_busy: int,
) -> tuple[PriorityLimits, ...]:
    """How the three priorities are fetched; a lower one in smaller batches while a higher one has traffic, of the low one maybe fewer."""
    return (
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches,
            max_skips=0,
        ),
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records_medium_busy,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches,
            max_skips=4,
        ),
        PriorityLimits(
            max_batch_records=max_batch_records,
            max_batch_records_busy=max_batch_records_low_busy,
            max_in_flight_batches=max_in_flight_batches,
            max_in_flight_batches_busy=max_in_flight_batches_low_busy,
            max_skips=16,
        ),
    )


def call_later(seconds: float, callback: Callable[[], None]) -> object:
    """Call `callback` in so many seconds."""
    return asyncio.get_running_loop().call_later(seconds, callback)


clock = time.time
