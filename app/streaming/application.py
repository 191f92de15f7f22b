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

from app.streaming.commit.committer import PipelinedCommitter
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.shared_outbox import GroupCommitOutbox
from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.consumer.failure_policy import (
    BatchHandleProcessor,
    BatchProcessor,
    ShutdownOnFailure,
    build_auto_ack_agent,
    build_manual_ack_agent,
    schedule_forced_exit,
)
from app.streaming.patches.connections import patch_connection_send
from app.streaming.patches.header_decoding import patch_header_decoding
from app.streaming.patches.tuning import tune_after_rebalance, tune_process
from app.streaming.recovery import StrictTableManager
from app.streaming.rocksdb_table import RECOVERY_BUFFER_SIZE, ROCKSDB_OPTIONS, RocksDBTable
from app.streaming.settings import StreamSettings
from app.streaming.startup_checks import require_libraries
from app.streaming.transport import BatchTransport

RAW_TOPIC_OPTIONS: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}


class SettingsBootStrategy(BootStrategy):
    """Starts the web server if the settings say so: the worker command's own default is to start it always."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.web_port)


class StreamApp(faust.App):
    """A Faust app whose agents take batches; made by `build`."""

    BootStrategy = SettingsBootStrategy

    settings: StreamSettings
    source_topics: list[str]
    sink_topics: list[str]
    startup_checks: list[Callable[[], Awaitable[None]]]

    def get_required_topics(self) -> list[str]:
        """The topics that must be there before the app starts; changelogs too, unless it may create them."""
        changelogs = [] if self.settings.topic_allow_declare else [table.changelog_topic_name for table in self.tables.values()]
        return [*self.source_topics, *self.sink_topics, *changelogs]

    async def on_first_start(self) -> None:
        """Before anything connects: the engine's checks, those of the app, lean libraries, and the data directory with its parents."""
        require_libraries()
        patch_connection_send()
        patch_header_decoding()
        tune_process()  # not in `build`: it is for the whole process, and a process that only builds an app may read Kafka otherwise
        for check in self.startup_checks:
            await check()
        self.settings.datadir.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    async def on_stop(self) -> None:
        """Stops in order: batches in hand end, offsets are committed, the group is left; but not for ever."""
        schedule_forced_exit(self.settings.drain_timeout + self.settings.shutdown_timeout)
        await super().on_stop()


def build_stream_app(settings: StreamSettings) -> StreamApp:
    """A Faust app for one role: nothing connects before the worker starts."""
    mode.loop.use("uvloop")
    app = StreamApp(settings.app_id, **_build_conf(settings))
    app.settings, app.source_topics, app.sink_topics, app.startup_checks = settings, [], [], []
    app.transport = BatchTransport(app.conf.broker_consumer, app, settings)
    app.on_rebalance_complete.connect(_handle_rebalance_complete)
    return app


async def _handle_rebalance_complete(app: Any, **_: Any) -> None:
    tune_after_rebalance()


def _select_partition(key: bytes | None, all_partitions: Sequence[int], available: Sequence[int]) -> int:
    """librdkafka's default: crc32 of the key, as all of ours do it."""
    return all_partitions[zlib.crc32(key or b"") % len(all_partitions)]


def _build_conf(settings: StreamSettings) -> dict[str, Any]:
    return {**_build_broker_conf(settings), **_build_producer_conf(settings), **_build_web_conf(settings), **_build_table_conf(settings)}


def _build_broker_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        # Faust lets the environment win over these: only what begins with this prefix counts.
        "env_prefix": "HEROLD_FAUST",
        "broker": [f"kafka://{address}" for address in settings.bootstrap_servers.split(",")],
        "broker_commit_interval": settings.commit_interval,
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": settings.heartbeat_interval,
        "broker_rebalance_timeout": settings.rebalance_timeout,
        "broker_request_timeout": settings.request_timeout,
        "broker_max_poll_interval": settings.max_poll_interval,
        "consumer_max_fetch_size": settings.max_fetch_size,
        "consumer_auto_offset_reset": "earliest",
        # A queue never holds more than `depth` batches of each of its partitions.
        "stream_buffer_maxsize": 4096,
        "worker_redirect_stdouts": False,
    }


def _build_producer_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": settings.max_batch_size,
        "producer_compression_type": "lz4",
        "producer_request_timeout": settings.produce_timeout,
        "producer_partitioner": _select_partition,
    }


def _build_table_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "store": "rocksdb://",
        "datadir": str(settings.datadir),
        "Table": RocksDBTable,
        "TableManager": StrictTableManager,
        "table_standby_replicas": settings.standby_replicas,
        "topic_partitions": settings.topic_partitions,
        "topic_replication_factor": settings.topic_replication_factor,
        "topic_allow_declare": settings.topic_allow_declare,
        "topic_disable_leader": True,
    }


def _build_web_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "web_enabled": bool(settings.web_port),
        "web_bind": settings.web_bind,
        "web_port": settings.web_port or 6066,
        # The group's leader knows workers by this name: it has to be unique, and reachable where the web is on.
        "canonical_url": _build_canonical_url(settings),
        "web_tables_enabled": False,
        "web_router_enabled": False,
    }


def _build_canonical_url(settings: StreamSettings) -> str:
    host = gethostname() if settings.web_bind == "0.0.0.0" else settings.web_bind
    return f"http://{host}:{settings.web_port}" if settings.web_port else f"http://{gethostname()}/{os.getpid()}"


@overload
def add_agents(app: StreamApp, topics: Sequence[str], processor: BatchProcessor, *, manual_ack: Literal[False] = False) -> None: ...
@overload
def add_agents(app: StreamApp, topics: Sequence[str], processor: BatchHandleProcessor, *, manual_ack: Literal[True]) -> None: ...
def add_agents(app: StreamApp, topics: Sequence[str], processor: Any, *, manual_ack: bool = False) -> None:
    """Let `processor` take the batches of these topics, highest priority first: an agent for each topic, an actor for each partition.

    Plain: `async def run(batches)` gets a `Batch` at a time, acknowledged when it asks for the next. Held: it gets a `HeldBatch`, up to the
    priority's depth of them at once for a partition, and acknowledges each when its last record has ended.
    """
    if len(topics) > len(app.settings.priority_limits):
        raise ValueError(f"{len(topics)} topics, but only {len(app.settings.priority_limits)} priority limits")
    end = ShutdownOnFailure(app, app.settings.shutdown_timeout)
    for rank, topic in enumerate(topics):
        app.transport.topic_priorities[topic] = rank
        app.source_topics.append(topic)
        agent = build_manual_ack_agent(processor, end) if manual_ack else build_auto_ack_agent(processor, end)
        agent.__module__, agent.__qualname__ = app.settings.app_id, topic
        app.agent(app.topic(topic, **RAW_TOPIC_OPTIONS), name=f"{app.settings.app_id}.{topic}", isolated_partitions=True)(agent)


def add_table(app: StreamApp, name: str, *, retention: int | None = None) -> RocksDBTable:
    """A table of the app: rows are bytes, co-partitioned with its inputs.

    `keep`: seconds that the changelog keeps a row, where Faust creates the topic.
    """
    configs = {"cleanup.policy": "compact,delete", "retention.ms": str(retention * 1000)} if retention else {"cleanup.policy": "compact"}
    table: RocksDBTable = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=app.settings.topic_partitions,
        options=dict(ROCKSDB_OPTIONS),
        recovery_buffer_size=RECOVERY_BUFFER_SIZE,
        extra_topic_configs=configs,
    )
    return table


@dataclass
class _LazyMembership:
    """The app's consumer, which Faust makes only when the worker starts; looked up once, for it is asked with every output."""

    app: StreamApp

    @cached_property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self.app.consumer
        return consumer

    def get_generation(self) -> int:
        return self._consumer.get_generation()

    def get_coordinator_generation(self) -> int:
        return self._consumer.get_coordinator_generation()

    def get_last_heartbeat_at(self) -> float:
        return self._consumer.get_last_heartbeat_at()

    def is_assigned(self, partition: int) -> bool:
        return self._consumer.is_assigned(partition)


def _build_fence(app: StreamApp) -> GenerationFence:
    return GenerationFence(_LazyMembership(app), session_timeout=app.settings.session_timeout, monotonic=monotonic)


def _build_size_limit(app: StreamApp) -> Callable[[str], int]:
    limits, default = app.settings.max_message_bytes, app.settings.default_max_message_bytes
    return lambda topic: limits.get(topic, default)


def _build_producer_getter(app: StreamApp) -> Callable[[], Any]:
    return lambda: app.producer._ensure_producer()


def build_batch_committer(app: StreamApp) -> PipelinedCommitter:
    """The commit for agents whose batches end in order (schemas.ports.Commit)."""
    end = ShutdownOnFailure(app, app.settings.shutdown_timeout)
    return PipelinedCommitter(
        _build_producer_getter(app), _build_size_limit(app), _build_fence(app), linger=app.settings.linger, on_failure=end
    )


def build_shared_outbox(app: StreamApp, table: RocksDBTable) -> GroupCommitOutbox:
    """The one outbox of a worker whose batches end in any order (schemas.ports.SharedOutbox); its rows go to `table`."""
    settings = app.settings
    return GroupCommitOutbox(
        _build_producer_getter(app),
        _build_size_limit(app),
        _build_fence(app),
        table,
        linger=settings.linger,
        max_records=settings.linger_max_records,
        on_failure=ShutdownOnFailure(app, settings.shutdown_timeout),
    )
