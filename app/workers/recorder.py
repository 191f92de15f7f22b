"""The recorder's worker: writes status events and dead letters to PostgreSQL, and maintains the partitions of history."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from agents.recorder.dead_letters import DeadLetterRecorder
from agents.recorder.device_removals import DeviceRemovingWriter
from agents.recorder.follow_ups import FollowUps, FollowUpSettings
from agents.recorder.recorder import Recorder
from agents.recorder.resends import Resender
from agents.recorder.waiting_reports import WaitingReportMerger
from app.admin.database import maintain_partitions
from app.analytics_settings import AnalyticsSection
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.random_id_bits import RandomIdBits
from app.encryption.sealers import build_column_sealing
from app.kafka.record_reader import KafkaRecordReader
from app.ordered_ids import OrderedIds
from app.retry_settings import parse_resend_delays
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.broker_clock import BrokerClock
from app.streaming.committer_factory import build_unbatched_outbox
from app.streaming.consumer.failure_policy import ShutdownOnFailure
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.telemetry import log_event
from app.workers.missing_keys import watch_missing_keys
from app.workers.observers import RecorderObserver
from app.workers.worker_builder import MAX_SKIPS_MEDIUM, WorkerBuilder
from schemas.channels import CHANNELS
from schemas.errors import UnavailableError
from schemas.events import StatusEvent
from schemas.history_counts import FoldBounds, compute_fold_bound
from schemas.lifetimes import DAY, HOUR
from schemas.metrics import RESENDS, WEBHOOK_ENDPOINTS_DISABLED
from schemas.status_webhooks import FailingEndpoint
from tables.postgres.database import Database
from tables.postgres.device_rejections import PostgresRejectedDeviceStore
from tables.postgres.endpoint_reports import PostgresEndpointReports
from tables.postgres.history_counts import fold_counts
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.waiting_reports import PostgresWaitingReports
from tables.redis.client import RedisClient
from tables.redis.profile_cache import forget

PARTITION_MAINTENANCE_INTERVAL = 3600.0  # seconds

log = logging.getLogger(__name__)


def build_recorder_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of the recorder."""
    section = settings.recorder
    limits = PriorityLimits(
        max_batch_records=section.max_batch_records,
        max_batch_records_busy=section.max_batch_records,
        max_in_flight_batches=section.max_in_flight_batches,
        max_in_flight_batches_busy=section.max_in_flight_batches,
        max_skips=MAX_SKIPS_MEDIUM,
        gathering_time=section.gathering_time,
    )
    worker = WorkerBuilder(role, settings, (limits, limits))
    database = Database(settings.postgres.url, settings.postgres.pool_max_size)
    database.sealing = build_column_sealing(settings.encryption)
    history, observer = PostgresHistoryWriter(database), RecorderObserver(worker.metrics)
    devices = PostgresRejectedDeviceStore(database, OrderedIds(worker.clock, RandomIdBits(os.urandom)))
    store = DeviceRemovingWriter(history, devices)
    status_topic, dead_letter_topic = worker.source_topics
    on_failure = build_failure_handler(ShutdownOnFailure(worker.app, worker.app.settings.shutdown_timeout))
    redis = RedisClient(settings.redis.url, time.monotonic, settings.kafka.topic_prefix, settings.redis.socket_timeout)
    eviction = ProfileEviction(partial(forget, redis))  # what a report changes of a user's consent counts at the next look-up
    follow_ups = _build_follow_ups(worker, settings, database, eviction)
    recorder = Recorder(
        store, asyncio.sleep, worker.clock, observer, on_failure, section.linger, section.linger_max_events, eviction.evict, follow_ups
    )
    dead_letter_recorder = DeadLetterRecorder(history, asyncio.sleep, worker.clock, observer, on_failure, section.linger)
    for topic, topic_recorder in ((status_topic, recorder), (dead_letter_topic, dead_letter_recorder)):
        add_agents(worker.app, [topic], topic_recorder.run)
        worker.add_revocation_callback(topic_recorder.on_partitions_revoked)
        worker.add_shutdown_callback(topic_recorder.stop)  # an open group is not written; it is not acknowledged either
    worker.add_task("partition_maintenance", lambda: maintain_partitions_forever(database, worker.clock, settings))
    get_time, late = partial(get_confirmed_time, worker.clock), PostgresWaitingReports(database)
    merger = WaitingReportMerger(late, store, asyncio.sleep, get_time, observer, eviction.evict, follow_ups)
    worker.add_task("waiting_reports", merger.run_forever)
    watch_missing_keys(worker, database, asyncio.sleep)
    worker.add_shutdown_callback(eviction.stop)
    for close in (redis.close, database.close):
        worker.add_close_callback(close)
    return worker.app


def _build_follow_ups(worker: WorkerBuilder, settings: Settings, database: Database, eviction: ProfileEviction) -> FollowUps:
    """What follows from a commit: webhooks that report statuses, and endpoints that are disabled."""
    channels = [channel.name for channel in CHANNELS if not settings.receipt_timeouts.get(channel.name)]

    async def on_disabled(endpoint: FailingEndpoint) -> None:
        since = datetime.fromtimestamp(endpoint.since, UTC).isoformat(timespec="seconds")
        worker.metrics.increment(WEBHOOK_ENDPOINTS_DISABLED, 1, endpoint.reason)
        log_event("webhook.endpoint_disabled", logging.WARNING, endpoint=endpoint.id, reason=endpoint.reason, since=since)
        await eviction.evict([endpoint.user_id] if endpoint.user_id else [])

    create_outbox, kafka = partial(build_unbatched_outbox, worker.app), settings.kafka
    reader, delays = KafkaRecordReader(kafka), parse_resend_delays(settings.recorder.resend_delays)
    worker.add_close_callback(reader.close)

    def on_resend(event: StatusEvent) -> None:
        worker.metrics.increment(RESENDS, 1, event.channel)

    def on_too_large(event: StatusEvent, error: str) -> None:
        log_event("recorder.resend_too_large", logging.WARNING, delivery=event.delivery_id, error=error)

    return FollowUps(
        PostgresEndpointReports(database, OrderedIds(time.time, RandomIdBits(os.urandom))),
        create_outbox,
        asyncio.sleep,
        time.monotonic,
        FollowUpSettings(settings.recorder.disable_endpoints_after, channels, kafka.topic_partitions, kafka.topic_prefix),
        on_disabled,
        Resender(reader, create_outbox, worker.clock, delays, kafka.topic_partitions, kafka.topic_prefix, on_resend, on_too_large),
    )


def compute_fold_bounds(now: float, kept: AnalyticsSection) -> FoldBounds:
    """How long counts of minutes, hours and days are kept, at `now` (epoch seconds)."""
    minutes, hours = compute_fold_bound(now, kept.minutes_kept, HOUR), compute_fold_bound(now, kept.hours_kept, DAY)
    return FoldBounds(minutes, hours, compute_fold_bound(now, kept.days_kept, DAY))


def get_confirmed_time(clock: BrokerClock) -> float | None:
    """The time in epoch seconds; None while the brokers do not confirm it."""
    return clock() if clock.is_confirmed else None


def build_failure_handler(shut_down: Callable[[BaseException], None]) -> Callable[[BaseException], None]:
    """A function that logs an error of a write, then calls `shut_down` with it."""

    def handle_failure(error: BaseException) -> None:
        log.critical("a write of the history failed; its batches are not acknowledged, the worker stops", exc_info=error)
        shut_down(error)

    return handle_failure


async def maintain_partitions_forever(database: Database, clock: BrokerClock, settings: Settings) -> None:
    """Maintain the partitions and counts every PARTITION_MAINTENANCE_INTERVAL until cancelled; a failure of PostgreSQL is logged.

    None is dropped or added up while the brokers do not confirm the time: a clock that is ahead would drop history for good.
    """
    while True:
        try:
            retention_days = settings.postgres.retention_days if clock.is_confirmed else None
            created, dropped = await maintain_partitions(database, clock(), retention_days)
            if clock.is_confirmed:
                await fold_counts(database, compute_fold_bounds(clock(), settings.analytics))
            if created or dropped:
                log_event("partitions.maintained", created=created, dropped=dropped)
        except UnavailableError as error:
            log_event("recorder.database_unavailable", logging.WARNING, cause=str(error), work="partitions")
        await asyncio.sleep(PARTITION_MAINTENANCE_INTERVAL)
