"""What all roles share: stream settings from faust.yml, the checks at start, the web views, and work beside the stream."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from app.roles.sweep import Sweep
from app.roles.views import mount_views
from app.settings import Settings
from app.streaming.application import StreamApp, add_table, build
from app.streaming.lanes import LaneRule
from app.streaming.settings import StreamSettings
from app.streaming.table import Table
from app.telemetry import Metrics, log_line, logging_config
from app.topics import demand
from app.topology import stage_of
from schemas.topics import catalogue

Work = Callable[[], Awaitable[object]]


class Worker:
    """A role under construction: its app, its tables by name, its metrics."""

    def __init__(self, role: str, settings: Settings, lane_rules: tuple[LaneRule, ...], **more: Any) -> None:
        self.role, self.settings, self.stage, self.metrics = role, settings, stage_of(role), Metrics()
        self.app: StreamApp = build(stream_settings(role, settings, lane_rules, **more))
        self.app.conf.logging_config = logging_config(settings.herold.log_level)
        self.app.outputs += [settings.herold.topic_prefix + topic for topic in self.stage.writes]
        self.tables: dict[str, Table] = {name: add_table(self.app, name, keep=2 * ttl) for name, ttl in self.stage.tables.items()}
        self._closing: list[Work] = []
        self.app.on_before_shutdown.connect(self._close, weak=False)
        self.app.on_worker_init.connect(self._started, weak=False)
        mount_views(self.app, self.tables, self.metrics, settings)
        self.app.before_start.append(self._demand_topics)
        if self.tables:
            self.beside("sweep", lambda: Sweep(self.tables, self.stage.tables, clock).keep(asyncio.sleep))

    @property
    def reads(self) -> list[str]:
        """The topics of the role, highest lane first."""
        return [self.settings.herold.topic_prefix + topic for topic in self.stage.reads]

    def beside(self, name: str, work: Work) -> None:
        """Run `work` once beside the stream, when the worker is ready; what it raises ends the worker."""

        async def task(app: Any) -> None:
            await work()

        task.__name__ = task.__qualname__ = name
        self.app.task(task)

    def at_end(self, work: Work) -> None:
        """Do this before the worker stops."""
        self._closing.append(work)

    def forget_at_revoke(self, forget: Callable[[set[int]], None]) -> None:
        """Tell `forget` the numbers of the partitions that a rebalance takes away."""

        async def revoked(app: Any, partitions: Any, **_: Any) -> None:
            forget({tp.partition for tp in partitions})

        self.app.on_partitions_revoked.connect(revoked, weak=False)

    async def _close(self, app: Any, **_: Any) -> None:
        for work in self._closing:
            await work()

    def _started(self, app: Any, **_: Any) -> None:
        log_line("worker.started", role=self.role, group=app.settings.app_id, partitions=self.settings.herold.partitions)

    async def _demand_topics(self) -> None:
        kafka, herold = self.settings.kafka, self.settings.herold
        await demand(kafka.bootstrap_servers, herold.topic_prefix, herold.partitions, kafka.replication, kafka.min_insync)


def stream_settings(role: str, settings: Settings, lane_rules: tuple[LaneRule, ...], **more: Any) -> StreamSettings:
    """The streaming part of a role."""
    herold, kafka, streaming = settings.herold, settings.kafka, settings.streaming
    return StreamSettings(
        app_id=herold.topic_prefix + role,
        broker=kafka.bootstrap_servers,
        datadir=Path(herold.data_dir) / f"{role}-{herold.worker}",
        partitions=herold.partitions,
        replication=kafka.replication,
        standbys=streaming.standby_replicas if stage_of(role).tables else 0,
        commit_interval=streaming.commit_interval,
        session_timeout=kafka.session_timeout,
        heartbeat_interval=min(3.0, kafka.session_timeout / 3),
        produce_timeout=kafka.request_timeout,
        fetch_idle=streaming.fetch_wait,
        lane_rules=lane_rules,
        web_port=streaming.web_port,
        web_bind=streaming.web_bind,
        web_token=streaming.web_token,
        topic_limits={herold.topic_prefix + topic.name: topic.max_bytes for topic in catalogue()},
        **more,
    )


def lanes_of(batch: int, busy_medium: int, busy_low: int, depth: int, low_depth_busy: int) -> tuple[LaneRule, ...]:
    """How the three lanes are fetched; a lower one in smaller batches while a higher one has traffic, of the low one then maybe fewer."""
    return (
        LaneRule(records=batch, records_busy=batch, depth=depth, depth_busy=depth, patience=0),
        LaneRule(records=batch, records_busy=busy_medium, depth=depth, depth_busy=depth, patience=4),
        LaneRule(records=batch, records_busy=busy_low, depth=depth, depth_busy=low_depth_busy, patience=16),
    )


def later(seconds: float, work: Callable[[], None]) -> object:
    """Call `work` in so many seconds."""
    return asyncio.get_running_loop().call_later(seconds, work)


clock = time.time
