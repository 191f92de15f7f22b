"""The scheduler's worker: one table, an agent that stores what is scheduled, and tasks for what is due, broadcasts and schedules."""

import asyncio
import os
import time
import uuid
from functools import partial
from typing import Any

from agents.broadcasts.counter import BroadcastCounter
from agents.broadcasts.expander import Expander
from agents.broadcasts.project_share import ProjectShare
from agents.log_linker import LogLinker
from agents.reading_gatherer import ReadingGatherer
from agents.redrives.redriver import Redriver
from agents.scheduler.releaser import Releaser
from agents.scheduler.scheduler import Scheduler
from agents.schedules.runner import ScheduleRunner
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.random_id_bits import RandomIdBits
from app.checkpoint_keys import build_log_chains
from app.encryption.sealers import build_column_sealing, build_sealer_reader
from app.ordered_ids import OrderedIds
from app.project_quotas import find_project_quota
from app.rate_limiter import build_rate_limiter
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.committer_factory import build_batch_committer, build_unbatched_outbox
from app.suppression_sync import SuppressionSyncJob, list_accounts
from app.topology import ALL_DELIVERIES_TOPICS, NOTIFICATIONS_TOPICS
from app.workers.assigned_partitions import AssignedPartitions
from app.workers.log_link_observer import LogLinkObserver, observe_gather_delay
from app.workers.missing_keys import watch_missing_keys
from app.workers.observers import (
    BroadcastObserver,
    CountObserver,
    RedriveObserver,
    ScheduleObserver,
    SchedulerObserver,
    SuppressionSyncObserver,
)
from app.workers.worker_builder import AsyncCallback, WorkerBuilder, build_priority_limits
from tables.postgres.broadcast_counts import PostgresBroadcastHistory
from tables.postgres.broadcast_pages import PostgresBroadcastPages
from tables.postgres.database import Database
from tables.postgres.due_schedules import PostgresDueSchedules
from tables.postgres.projects import CachedProjects
from tables.postgres.redrive_pages import PostgresRedrivePages
from tables.postgres.unmasked_readings import UnmaskedReadings
from tables.redis.client import RedisClient
from tables.redis.profile_cache import forget

RENEWALS = 3  # of the lease of a redrive's page, in the time of a lease, until Kafka has its records


def build_scheduler_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of the scheduler."""
    section, prefix = settings.scheduler, settings.kafka.topic_prefix
    batch, in_flight = section.max_batch_records, section.max_in_flight_batches
    limits = build_priority_limits(settings.worker, batch, batch, batch, in_flight, in_flight)
    worker = WorkerBuilder(role, settings, limits)
    app, table, observer = worker.app, worker.tables["due"], SchedulerObserver(worker.metrics)
    committer, partitions = build_batch_committer(app, linger=section.linger), AssignedPartitions(app)
    releaser = Releaser(
        table=table,
        committer=committer,
        get_partitions=partitions.get_numbers,
        get_assignment_number=partitions.get_assignment_number,
        get_broker_time=worker.clock.get_broker_time,
        sleep=asyncio.sleep,
        interval=section.release_interval,
        max_entries=section.max_release_entries,
        observe=observer.on_release,
    )
    scheduler = Scheduler(
        table=table,
        get_queue=releaser.get_queue,
        committer=committer,
        clock=worker.clock,
        target_topics={prefix + topic for topic in (*NOTIFICATIONS_TOPICS, *ALL_DELIVERIES_TOPICS)},
        topic_prefix=prefix,
        observe=observer.on_batch_end,
        on_stored=releaser.wake_up,
        dead_letter_limit=worker.build_dead_letter_limit(),
    )
    add_agents(app, worker.source_topics, scheduler.run)
    worker.add_task("release", releaser.run_forever)
    _add_database_tasks(worker, settings)

    async def wake_up(app: Any, **_: Any) -> None:
        releaser.wake_up()

    app.on_rebalance_complete.connect(wake_up, weak=False)
    return app


def _add_database_tasks(worker: WorkerBuilder, settings: Settings) -> None:
    """What starts in PostgreSQL instead of Kafka, on one pool of connections."""
    database = Database(settings.postgres.url, settings.postgres.pool_max_size)
    database.sealing = build_column_sealing(settings.encryption)
    _add_broadcasts(worker, settings, database)
    _add_schedules(worker, settings, database)
    _add_redrives(worker, settings, database)
    _add_suppression_sync(worker, settings, database)
    _add_log_linker(worker, settings, database)
    watch_missing_keys(worker, database, asyncio.sleep)
    worker.add_close_callback(database.close)


def _add_broadcasts(worker: WorkerBuilder, settings: Settings, database: Database) -> None:
    """Expand broadcasts beside the stream. Any worker of the role expands any of them, whatever its partitions are."""
    section, kafka, projects = settings.scheduler, settings.kafka, CachedProjects(database)
    worker.add_task("projects", lambda: projects.refresh_forever(asyncio.sleep, settings.router.policy_refresh_interval))
    share, close_share = _build_project_share(settings, projects)
    expander = Expander(
        pages=PostgresBroadcastPages(database, section.broadcast_lease),
        create_outbox=partial(build_unbatched_outbox, worker.app),
        sleep=asyncio.sleep,
        clock=time.monotonic,
        holder=_name_holder(settings),
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
        interval=section.broadcast_interval,
        max_page_users=section.max_broadcast_page,
        observe=BroadcastObserver(worker.metrics),
        share=share,
    )
    counter = BroadcastCounter(
        history=PostgresBroadcastHistory(database, section.broadcast_lease),
        create_outbox=partial(build_unbatched_outbox, worker.app),
        sleep=asyncio.sleep,
        clock=time.monotonic,
        holder=_name_holder(settings),
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
        interval=section.broadcast_interval,
        max_page=section.max_broadcast_page,
        observe=CountObserver(worker.metrics),
    )
    worker.add_task("broadcasts", expander.run_forever)
    worker.add_task("broadcast_counts", counter.run_forever)
    for stop in (expander.stop, counter.stop):
        worker.add_shutdown_callback(stop)
    worker.add_close_callback(close_share)


def _build_project_share(settings: Settings, projects: CachedProjects) -> tuple[ProjectShare, AsyncCallback]:
    """The quotas of projects, which the gateway counts with, and what closes them; without Redis each scheduler counts by itself."""
    redis = RedisClient(settings.redis.url, time.monotonic, settings.kafka.topic_prefix, settings.redis.socket_timeout)
    share = ProjectShare(build_rate_limiter(redis), lambda stored_id: find_project_quota(settings.limits, projects.settings, stored_id))
    return share, redis.close


def _name_holder(settings: Settings) -> str:
    return f"{settings.worker.instance_id}-{uuid.uuid4().hex}"  # a worker that hung and one that replaces it are two


def _add_redrives(worker: WorkerBuilder, settings: Settings, database: Database) -> None:
    """Redrive dead letters beside the stream. Any worker of the role produces any page, whatever its partitions are."""
    section, kafka = settings.scheduler, settings.kafka
    redis = RedisClient(settings.redis.url, time.monotonic, kafka.topic_prefix, settings.redis.socket_timeout)
    redriver = Redriver(
        pages=PostgresRedrivePages(database, section.broadcast_lease, build_sealer_reader(settings, redis, database, seals=False)),
        create_outbox=partial(build_unbatched_outbox, worker.app),
        sleep=asyncio.sleep,
        clock=time.time,
        holder=_name_holder(settings),
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
        interval=section.broadcast_interval,
        max_page=section.max_redrive_page,
        renewal_interval=section.broadcast_lease / RENEWALS,
        observe=RedriveObserver(worker.metrics),
    )
    worker.add_task("redrives", redriver.run_forever)
    worker.add_shutdown_callback(redriver.stop)
    worker.add_close_callback(redis.close)


def _add_suppression_sync(worker: WorkerBuilder, settings: Settings, database: Database) -> None:
    """Take what each account of SendGrid has suppressed, once in an interval, whichever worker comes first."""
    interval, accounts = settings.scheduler.suppression_sync_interval, list_accounts(settings.providers)
    if not interval or not accounts:
        return
    redis = RedisClient(settings.redis.url, time.monotonic, settings.kafka.topic_prefix, settings.redis.socket_timeout)
    eviction = ProfileEviction(partial(forget, redis))
    observer = SuppressionSyncObserver(worker.metrics)
    for name, section in accounts.items():
        job = SuppressionSyncJob(name, section, database, eviction.evict, observer)
        worker.add_task(f"suppression_sync_{name}", partial(job.sync.run_forever, interval))
        worker.add_close_callback(job.close)
    worker.add_shutdown_callback(eviction.stop)
    worker.add_close_callback(redis.close)


def _add_log_linker(worker: WorkerBuilder, settings: Settings, database: Database) -> None:
    """Link the entries of the audit log and of consent to their chains, and make those of readings, in one process at a time."""
    chains = build_log_chains(database, settings.audit)
    linker = LogLinker(chains, asyncio.sleep, settings.audit.link_interval, LogLinkObserver(worker.metrics))
    worker.add_task("log_linker", linker.run_forever)
    readings = UnmaskedReadings(database, OrderedIds(time.time, RandomIdBits(os.urandom)))
    worker.add_task("reading_gatherer", ReadingGatherer(readings, asyncio.sleep, observe_gather_delay).run_forever)


def _add_schedules(worker: WorkerBuilder, settings: Settings, database: Database) -> None:
    """Start the runs of schedules beside the stream, any worker those of any schedule."""
    runner = ScheduleRunner(
        schedules=PostgresDueSchedules(database, OrderedIds(time.time, RandomIdBits(os.urandom))),
        sleep=asyncio.sleep,
        interval=settings.scheduler.broadcast_interval,
        observe=ScheduleObserver(worker.metrics),
    )
    worker.add_task("schedules", runner.run_forever)
