"""Faust apps on batches: build one from settings, attach plain async functions to topics, add tables, commit what they decide."""

from __future__ import annotations

import os
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from socket import gethostname
from time import monotonic
from typing import Any, Literal, overload

import faust
import mode.loop
from faust.app.base import BootStrategy

from app.streaming.batch_consumer import BatchConsumer
from app.streaming.checks import demand_engine
from app.streaming.commit import BatchCommit
from app.streaming.connections import mend_connections
from app.streaming.forgiving import forgive_names
from app.streaming.guard import EndProcess, Run, RunHeld, end_by_force, held_agent, plain_agent
from app.streaming.lean import make_lean, settle
from app.streaming.ownership import Ownership
from app.streaming.recovery import Tables
from app.streaming.settings import StreamSettings
from app.streaming.shared_outbox import GroupCommit
from app.streaming.table import RECOVERY_BATCHES, ROCKSDB, Table
from app.streaming.transport import BatchTransport

RAW: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}


class SettingsDecide(BootStrategy):
    """Starts the web server if the settings say so: the worker command's own default is to start it always."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.web_port)


class StreamApp(faust.App):
    """A Faust app whose agents take batches; made by `build`."""

    BootStrategy = SettingsDecide

    settings: StreamSettings
    inputs: list[str]
    outputs: list[str]
    before_start: list[Callable[[], Awaitable[None]]]

    def topics_needed(self) -> list[str]:
        """The topics that must be there before the app starts; changelogs too, unless it may create them."""
        changelogs = [] if self.settings.declare_topics else [table.changelog for table in self.tables.values()]
        return [*self.inputs, *self.outputs, *changelogs]

    async def on_first_start(self) -> None:
        """Before anything connects: the engine's checks, those of the app, lean libraries, and the data directory with its parents."""
        demand_engine()
        mend_connections()
        forgive_names()
        make_lean()  # not in `build`: it is for the whole process, and a process that only builds an app may read Kafka otherwise
        for check in self.before_start:
            await check()
        self.settings.datadir.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Stops in order: batches in hand end, offsets are committed, the group is left; but not for ever."""
        end_by_force(self.settings.drain + self.settings.end_after)
        await super().on_stop()


def build(settings: StreamSettings) -> StreamApp:
    """A Faust app for one role: nothing connects before the worker starts."""
    mode.loop.use("uvloop")
    app = StreamApp(settings.app_id, **_conf(settings))
    app.settings, app.inputs, app.outputs, app.before_start = settings, [], [], []
    app.transport = BatchTransport(app.conf.broker_consumer, app, settings)
    app.on_rebalance_complete.connect(_settled)
    return app


async def _settled(app: Any, **_: Any) -> None:
    settle()


def _partition(key: bytes | None, every: Sequence[int], available: Sequence[int]) -> int:
    """librdkafka's default: crc32 of the key, as all of ours do it."""
    return every[zlib.crc32(key or b"") % len(every)]


def _conf(settings: StreamSettings) -> dict[str, Any]:
    return {**_broker_conf(settings), **_producer_conf(settings), **_web_conf(settings), **_table_conf(settings)}


def _broker_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        # Faust lets the environment win over these: only what begins with this prefix counts.
        "env_prefix": "HEROLD_FAUST",
        "broker": [f"kafka://{address}" for address in settings.broker.split(",")],
        "broker_commit_interval": settings.commit_interval,
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": settings.heartbeat_interval,
        "broker_rebalance_timeout": settings.rebalance_timeout,
        "broker_request_timeout": settings.request_timeout,
        "broker_max_poll_interval": settings.poll_interval,
        "consumer_max_fetch_size": settings.fetch_bytes,
        "consumer_auto_offset_reset": "earliest",
        # A queue never holds more than `depth` batches of each of its partitions.
        "stream_buffer_maxsize": 4096,
        "worker_redirect_stdouts": False,
    }


def _producer_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": settings.batch_bytes,
        "producer_compression_type": "lz4",
        "producer_request_timeout": settings.produce_timeout,
        "producer_partitioner": _partition,
    }


def _table_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "store": "rocksdb://",
        "datadir": str(settings.datadir),
        "Table": Table,
        "TableManager": Tables,
        "table_standby_replicas": settings.standbys,
        "topic_partitions": settings.partitions,
        "topic_replication_factor": settings.replication,
        "topic_allow_declare": settings.declare_topics,
        "topic_disable_leader": True,
    }


def _web_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "web_enabled": bool(settings.web_port),
        "web_bind": settings.web_bind,
        "web_port": settings.web_port or 6066,
        # The group's leader knows workers by this name: it has to be unique, and reachable where the web is on.
        "canonical_url": _canonical_url(settings),
        "web_tables_enabled": False,
        "web_router_enabled": False,
    }


def _canonical_url(settings: StreamSettings) -> str:
    host = gethostname() if settings.web_bind == "0.0.0.0" else settings.web_bind
    return f"http://{host}:{settings.web_port}" if settings.web_port else f"http://{gethostname()}/{os.getpid()}"


@overload
def attach(app: StreamApp, lanes: Sequence[str], run: Run, *, held: Literal[False] = False) -> None: ...
@overload
def attach(app: StreamApp, lanes: Sequence[str], run: RunHeld, *, held: Literal[True]) -> None: ...
def attach(app: StreamApp, lanes: Sequence[str], run: Any, *, held: bool = False) -> None:
    """Let `run` take the batches of these topics, highest lane first; one agent for each topic, one actor for each of its partitions.

    Plain: `async def run(batches)` gets a `Batch` at a time, acknowledged when it asks for the next. Held: it gets a `HeldBatch`, up to the
    lane's depth of them at once for a partition, and acknowledges each when its last record has ended.
    """
    if len(lanes) > len(app.settings.lane_rules):
        raise ValueError(f"{len(lanes)} lanes, but only {len(app.settings.lane_rules)} lane rules")
    end = EndProcess(app, app.settings.end_after)
    for rank, topic in enumerate(lanes):
        app.transport.lanes[topic] = rank
        app.inputs.append(topic)
        agent = held_agent(run, end) if held else plain_agent(run, end)
        agent.__module__, agent.__qualname__ = app.settings.app_id, topic
        app.agent(app.topic(topic, **RAW), name=f"{app.settings.app_id}.{topic}", isolated_partitions=True)(agent)


def add_table(app: StreamApp, name: str, *, keep: int | None = None) -> Table:
    """A table of the app: rows are bytes, co-partitioned with its inputs.

    `keep`: seconds that the changelog keeps a row, where Faust creates the topic.
    """
    configs = {"cleanup.policy": "compact,delete", "retention.ms": str(keep * 1000)} if keep else {"cleanup.policy": "compact"}
    table: Table = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=app.settings.partitions,
        options=dict(ROCKSDB),
        recovery_buffer_size=RECOVERY_BATCHES,
        extra_topic_configs=configs,
    )
    return table


@dataclass
class _Consumer:
    """The app's consumer, which Faust makes only when the worker starts; looked up once, for it is asked with every output."""

    app: StreamApp

    @cached_property
    def made(self) -> BatchConsumer:
        consumer: BatchConsumer = self.app.consumer
        return consumer

    def generation(self) -> int:
        return self.made.generation()

    def coordinator_generation(self) -> int:
        return self.made.coordinator_generation()

    def heard_at(self) -> float:
        return self.made.heard_at()

    def owns(self, partition: int) -> bool:
        return self.made.owns(partition)


def _ownership(app: StreamApp) -> Ownership:
    return Ownership(_Consumer(app), session=app.settings.session_timeout, now=monotonic)


def _limit(app: StreamApp) -> Callable[[str], int]:
    limits, default = app.settings.topic_limits, app.settings.default_limit
    return lambda topic: limits.get(topic, default)


def _producer(app: StreamApp) -> Callable[[], Any]:
    return lambda: app.producer._ensure_producer()


def commit_of(app: StreamApp) -> BatchCommit:
    """The commit for agents whose batches end in order (schemas.ports.Commit)."""
    end = EndProcess(app, app.settings.end_after)
    return BatchCommit(_producer(app), _limit(app), _ownership(app), linger=app.settings.linger, on_failure=end)


def shared_outbox_of(app: StreamApp, table: Table) -> GroupCommit:
    """The one outbox of a worker whose batches end in any order (schemas.ports.SharedOutbox); its rows go to `table`."""
    settings = app.settings
    return GroupCommit(
        _producer(app),
        _limit(app),
        _ownership(app),
        table,
        linger=settings.linger,
        most=settings.group_records,
        on_failure=EndProcess(app, settings.end_after),
    )
