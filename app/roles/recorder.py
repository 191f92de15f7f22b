"""The recorder's worker: status events and dead letters to PostgreSQL, and partitions made ahead."""

import asyncio
import logging

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.recorder import Recorder
from app.roles.observers import RecorderObserver
from app.roles.worker import Worker, clock
from app.settings import Settings
from app.streaming.application import StreamApp, attach
from app.streaming.lanes import LaneRule
from app.telemetry import log_line
from schemas.errors import Unavailable
from tables.postgres.partitions import drop_partitions, ensure_partitions
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore

DAYS_AHEAD = 7
HOUR = 3600.0


def build(role: str, settings: Settings) -> StreamApp:
    """The app of the recorder."""
    own = settings.recorder
    rule = LaneRule(records=own.batch, records_busy=own.batch, depth=own.depth, depth_busy=own.depth, patience=4)
    worker = Worker(role, settings, (rule, rule))
    database = Database(settings.postgres.url, settings.postgres.pool)
    store, observe = RecordingStore(database), RecorderObserver(worker.metrics)
    status, dead_letters = worker.reads
    recorder = Recorder(store, asyncio.sleep, clock, observe, own.linger, own.linger_events)
    letters = DeadLetterRecorder(store, asyncio.sleep, clock, observe, own.linger)
    attach(worker.app, [status], recorder.run)
    attach(worker.app, [dead_letters], letters.run)
    worker.beside("partitions", lambda: tend(database, settings.postgres.keep_days))
    worker.at_end(recorder.stop)  # what lingers is not written any more: it is not acknowledged either
    worker.at_end(letters.stop)
    worker.at_end(database.close)
    return worker.app


async def tend(database: Database, keep: int) -> None:
    """Make partitions of history a week ahead and drop those older than `keep` days, for ever; PostgreSQL may be away meanwhile."""
    while True:
        try:
            made = await ensure_partitions(database, clock(), DAYS_AHEAD)
            dropped = await drop_partitions(database, clock(), keep)
            if made or dropped:
                log_line("partitions.made", made=made, dropped=dropped)
        except Unavailable as why:
            log_line("recorder.waits", logging.WARNING, cause=str(why), work="partitions")
        await asyncio.sleep(HOUR)
