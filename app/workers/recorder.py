"""The recorder's worker: status events and dead letters to PostgreSQL, and partitions made ahead."""

import asyncio
import logging

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.consumer.priority_selector import PriorityLimits
from app.telemetry import log_event
from app.workers.observers import RecorderObserver
from app.workers.worker_builder import WorkerBuilder, clock
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.partitions import drop_expired_partitions, ensure_partitions

PARTITION_DAYS_AHEAD = 7
PARTITION_MAINTENANCE_INTERVAL = 3600.0


def build_recorder_app(role: str, settings: Settings) -> StreamApp:
    """The app of the recorder."""
    own = settings.recorder
    rule = PriorityLimits(
        max_batch_records=own.max_batch_records,
        max_batch_records_busy=own.max_batch_records,
        max_in_flight_batches=own.max_in_flight_batches,
        max_in_flight_batches_busy=own.max_in_flight_batches,
        max_skips=4,
    )
    worker = WorkerBuilder(role, settings, (rule, rule))
    database = Database(settings.postgres.url, settings.postgres.pool_max_size)
    store, observe = PostgresHistoryWriter(database), RecorderObserver(worker.metrics)
    status, dead_letters = worker.source_topics
    recorder = Recorder(store, asyncio.sleep, clock, observe, own.linger, own.linger_max_events)
    letters = DeadLetterRecorder(store, asyncio.sleep, clock, observe, own.linger)
    add_agents(worker.app, [status], recorder.run)
    add_agents(worker.app, [dead_letters], letters.run)
    worker.add_task("partition_maintenance", lambda: maintain_partitions(database, settings.postgres.retention_days))
    worker.add_shutdown_callback(recorder.stop)  # what lingers is not written any more: it is not acknowledged either
    worker.add_shutdown_callback(letters.stop)
    worker.add_shutdown_callback(database.close)
    return worker.app


async def maintain_partitions(database: Database, retention_days: int) -> None:
    """Make partitions of history a week ahead and drop those older than `retention_days`, for ever; PostgreSQL may be away meanwhile."""
    while True:
        try:
            made = await ensure_partitions(database, clock(), PARTITION_DAYS_AHEAD)
            dropped = await drop_expired_partitions(database, clock(), retention_days)
            if made or dropped:
                log_event("partitions.maintained", created=made, dropped=dropped)
        except UnavailableError as why:
            log_event("recorder.database_unavailable", logging.WARNING, cause=str(why), work="partitions")
        await asyncio.sleep(PARTITION_MAINTENANCE_INTERVAL)
