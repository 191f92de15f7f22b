"""Faust apps that work on batches: builds an app from its settings, adds agents and tables."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar

import faust
import mode.loop
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from app.forced_exit import schedule_forced_exit
from app.streaming.aiokafka_patches import patch_aiokafka, tune_aiokafka
from app.streaming.broker_clock import BrokerClock
from app.streaming.consumer.batch_consumer import BatchConsumer
from app.streaming.consumer.failure_policy import BatchProcessor, ShutdownOnFailure, build_agent
from app.streaming.consumer.position_check import PositionJump, PositionJumpError
from app.streaming.faust_config import SettingsBootStrategy, StreamSettings, build_conf
from app.streaming.library_check import require_libraries
from app.streaming.partition_check import PartitionCheck
from app.streaming.process_tuning import freeze_heap, quiet_noisy_loggers, tune_process
from app.streaming.producer import IdempotentProducer
from app.streaming.rocksdb_table import RECOVERY_BUFFER_SIZE, ROCKSDB_OPTIONS, RocksDBTable
from app.telemetry import log_event

log = logging.getLogger(__name__)

RAW_TOPIC_OPTIONS: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}


class BatchTransport(driver.Transport):
    """Faust's transport over aiokafka, with batches; `topic_priorities` holds the priority of each source topic, 0 for the highest."""

    Consumer: ClassVar[type[Any]] = BatchConsumer
    Producer: ClassVar[type[Any]] = IdempotentProducer

    def __init__(self, url: Any, app: Any, settings: StreamSettings) -> None:
        super().__init__(url, app)
        self.settings = settings
        self.topic_priorities: dict[str, int] = {}


class StreamApp(faust.App):
    """A Faust app whose agents take batches; built by `build_stream_app`."""

    BootStrategy = SettingsBootStrategy

    settings: StreamSettings
    source_topics: list[str]
    sink_topics: list[str]
    startup_checks: list[Callable[[], Awaitable[None]]]
    drain_callbacks: list[Callable[[], None]]
    stop_callbacks: list[Callable[[float], object]]  # called with the seconds that the drain may take
    broker_clock: BrokerClock
    position_jump_callbacks: list[Callable[[PositionJump], None]]
    has_rejected_jump = False
    is_heap_frozen = False
    partition_check: PartitionCheck

    def get_required_topics(self) -> list[str]:
        """The topics that must exist before the app starts. Changelogs are among them unless Faust may create them."""
        changelogs = [] if self.settings.topic_allow_declare else [table.changelog_topic_name for table in self.tables.values()]
        return [*self.source_topics, *self.sink_topics, *changelogs]

    async def on_first_start(self) -> None:
        """Checks libraries, patches them, runs the app's start-up checks and creates the data directory, before anything connects."""
        require_libraries()
        # Not in `build_stream_app`: these change the whole process, and a process that only builds an app may read Kafka without them.
        patch_aiokafka()
        tune_aiokafka()
        tune_process()
        for check in self.startup_checks:
            await check()
        self.settings.datadir.mkdir(parents=True, exist_ok=True)
        await super().on_first_start()

    def accept_position_jump(self, jump: PositionJump) -> bool:
        """Log and count a position that moved without reading. Returns False, and ends the worker, if the settings say so."""
        if self.has_rejected_jump:
            return False
        log_event(
            "worker.position_jumped",
            logging.ERROR,
            topic=jump.topic,
            partition=jump.partition,
            from_offset=jump.from_offset,
            to_offset=jump.to_offset,
            direction=jump.direction,
            offset_count=jump.offset_count,
        )
        for callback in self.position_jump_callbacks:
            callback(jump)
        self.has_rejected_jump = self.settings.stop_on_position_jump
        if self.has_rejected_jump:
            error = PositionJumpError(
                f"{jump.topic} partition {jump.partition}: the next record was to be offset {jump.from_offset}, "
                f"but the log continues at {jump.to_offset}; set worker.on_position_jump to continue to accept this"
            )
            log.critical("the worker stops: %s", error)
            ShutdownOnFailure(self, self.settings.shutdown_timeout)(error)
        return not self.has_rejected_jump

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Checks the partition counts first: Faust then recovers the tables and resumes the flow of records."""
        if self.should_stop or await self.partition_check.check_assignment(assigned):
            await super()._on_partitions_assigned(assigned, generation_id)

    async def on_stop(self) -> None:
        """Stops in order: drains batches in flight, commits offsets, leaves the group. A time limit bounds all of it."""
        schedule_forced_exit(self.settings.drain_timeout + self.settings.shutdown_timeout)
        if self._consumer is not None:
            for callback in self.stop_callbacks:
                callback(self._consumer.drain_timeout)
        await super().on_stop()


def build_stream_app(settings: StreamSettings) -> StreamApp:
    """A Faust app of one role. It connects to nothing before the worker starts."""
    mode.loop.use("uvloop")
    app = StreamApp(settings.app_id, **build_conf(settings))
    app.broker_clock = BrokerClock(time.time, time.monotonic)
    app.settings, app.source_topics, app.sink_topics = settings, [], []
    app.startup_checks, app.drain_callbacks, app.stop_callbacks, app.position_jump_callbacks = [], [], [], []
    app.transport = BatchTransport(app.conf.broker_consumer, app, settings)
    app.partition_check = PartitionCheck(app, ShutdownOnFailure(app, settings.shutdown_timeout))
    app.task(_check_partitions)
    app.on_rebalance_complete.connect(_handle_rebalance_complete)
    return app


async def _check_partitions(app: Any) -> None:
    await app.partition_check.check_periodically()


async def _handle_rebalance_complete(app: StreamApp, **_: Any) -> None:
    quiet_noisy_loggers()
    if not app.is_heap_frozen:  # once: a later freeze would keep what earlier assignments have left behind
        app.is_heap_frozen = True
        freeze_heap()


def add_agents(app: StreamApp, topics: Sequence[str], processor: BatchProcessor) -> None:
    """Process the batches of these topics, highest priority first. Each topic has an agent, and each of its partitions an actor.

    `processor` acknowledges each batch through its handle; several batches of a partition are in flight, up to the priority's limit.
    Raises ValueError if there are more topics than priority limits.
    """
    if len(topics) > len(app.settings.priority_limits):
        raise ValueError(f"{len(topics)} topics, but only {len(app.settings.priority_limits)} priority limits")
    on_failure = ShutdownOnFailure(app, app.settings.shutdown_timeout)
    for priority, topic in enumerate(topics):
        app.transport.topic_priorities[topic] = priority
        app.source_topics.append(topic)
        agent = build_agent(processor, on_failure)
        agent.__module__, agent.__qualname__ = app.settings.app_id, topic
        app.agent(app.topic(topic, **RAW_TOPIC_OPTIONS), name=f"{app.settings.app_id}.{topic}", isolated_partitions=True)(agent)


def add_table(app: StreamApp, name: str) -> RocksDBTable:
    """A table of the app, co-partitioned with its source topics; keys and rows are bytes."""
    table: RocksDBTable = app.Table(
        name,
        key_type=bytes,
        value_type=bytes,
        partitions=app.settings.topic_partitions,
        options=dict(ROCKSDB_OPTIONS),
        recovery_buffer_size=RECOVERY_BUFFER_SIZE,
        extra_topic_configs={"cleanup.policy": "compact"},  # if Faust creates the changelog
    )
    return table
