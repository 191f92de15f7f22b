"""The recorder's worker: writes status events and dead letters to PostgreSQL, and maintains the partitions of history."""

import asyncio
import logging

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from app.admin.database import maintain_partitions
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.broker_clock import BrokerClock
from app.streaming.consumer.priority_selector import PriorityLimits
from app.telemetry import log_event
from app.workers.observers import RecorderObserver
from app.workers.worker_builder import MAX_SKIPS_MEDIUM, WorkerBuilder
from schemas.errors import UnavailableError
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter

PARTITION_MAINTENANCE_INTERVAL = 3600.0  # seconds


def build_recorder_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of the recorder."""
    section = settings.recorder
    limits = PriorityLimits(
        max_batch_records=section.max_batch_records,
        max_batch_records_busy=section.max_batch_records,
        max_in_flight_batches=section.max_in_flight_batches,
        max_in_flight_batches_busy=section.max_in_flight_batches,
        max_skips=MAX_SKIPS_MEDIUM,
    )
    worker = WorkerBuilder(role, settings, (limits, limits))
    database = Database(settings.postgres.url, settings.postgres.pool_max_size)
    store, observer = PostgresHistoryWriter(database), RecorderObserver(worker.metrics)
    status_topic, dead_letter_topic = worker.source_topics
    recorder = Recorder(store, asyncio.sleep, worker.clock, observer, section.linger, section.linger_max_events)
    dead_letter_recorder = DeadLetterRecorder(store, asyncio.sleep, worker.clock, observer, section.linger)
    add_agents(worker.app, [status_topic], recorder.run)
    add_agents(worker.app, [dead_letter_topic], dead_letter_recorder.run)
    worker.add_task("partition_maintenance", lambda: maintain_partitions_forever(database, worker.clock, settings.postgres.retention_days))
    worker.add_shutdown_callback(recorder.stop)  # an open group is not written; it is not acknowledged either
    worker.add_shutdown_callback(dead_letter_recorder.stop)
    worker.add_shutdown_callback(database.close)
    return worker.app


async def maintain_partitions_forever(database: Database, clock: BrokerClock, retention_days: int) -> None:
    """Maintain the partitions every PARTITION_MAINTENANCE_INTERVAL until cancelled; a failure of PostgreSQL is logged.

    None is dropped while the brokers do not confirm the time: a clock that is ahead would drop history for good.
    """
    while True:
        try:
            created, dropped = await maintain_partitions(database, clock(), retention_days if clock.is_confirmed else None)
            if created or dropped:
                log_event("partitions.maintained", created=created, dropped=dropped)
        except UnavailableError as error:
            log_event("recorder.database_unavailable", logging.WARNING, cause=str(error), work="partitions")
        await asyncio.sleep(PARTITION_MAINTENANCE_INTERVAL)
