"""The router's worker: policy from PostgreSQL, profiles from PostgreSQL through Redis, two tables."""

import asyncio
import time

from agents.router.parking import ParkingLimits
from agents.router.router import Router
from app.encryption.outer_keys import build_blind_index
from app.encryption.sealers import build_column_sealing, build_sealer_reader
from app.link_tokens import build_link_builder
from app.policy_reader import build_policy_reader
from app.profile_reader import PROFILE_QUERY_TIMEOUT, build_profile_reader
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents
from app.streaming.committer_factory import build_batch_committer
from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.workers.missing_keys import watch_missing_keys
from app.workers.observers import RouterObserver
from app.workers.user_rows_view import build_row_removal
from app.workers.worker_builder import WorkerBuilder, build_priority_limits
from tables.postgres.database import Database
from tables.postgres.delivery_statuses import PostgresDeliveryStatusReader
from tables.redis.client import RedisClient

MAX_IN_FLIGHT_BATCHES_LOW_BUSY = 1


def build_router_app(role: str, settings: Settings) -> StreamApp:
    """Build the app of the router."""
    section, kafka, postgres = settings.router, settings.kafka, settings.postgres
    worker = WorkerBuilder(role, settings, _build_limits(settings))
    policy_database = Database(postgres.url, postgres.pool_max_size)
    profile_database = Database(postgres.url, postgres.pool_max_size, PROFILE_QUERY_TIMEOUT, PROFILE_QUERY_TIMEOUT)
    redis = RedisClient(settings.redis.url, time.monotonic, kafka.topic_prefix, settings.redis.socket_timeout)
    sealers = build_sealer_reader(settings, redis, profile_database)
    profile_database.sealing = build_column_sealing(settings.encryption, sealers, profile_database.fetch)
    policies = build_policy_reader(role, settings, policy_database, worker.metrics)
    committer = build_batch_committer(worker.app, linger=section.linger)
    worker.removals["rate_windows"] = build_row_removal(committer, worker.tables["rate_windows"])
    router = Router(
        policies=policies,
        profiles=build_profile_reader(redis, profile_database, settings.redis, build_blind_index(settings.encryption), sealers),
        deliveries=PostgresDeliveryStatusReader(profile_database),
        idempotency=worker.tables["idempotency"],
        rate_windows=worker.tables["rate_windows"],
        digests=worker.tables["digests"],
        committer=committer,
        clock=worker.clock,
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
        sleep=asyncio.sleep,
        observe=RouterObserver(worker.metrics),
        parking_limits=ParkingLimits(section.max_parked_records, section.max_parked_bytes),
        link_builder=build_link_builder(settings.links),
        dead_letter_limit=worker.build_dead_letter_limit(),
        sealers=sealers,
    )
    add_agents(worker.app, worker.source_topics, router.run)
    worker.add_task("policy_refresh", lambda: policies.refresh_forever(asyncio.sleep, section.policy_refresh_interval))
    watch_missing_keys(worker, policy_database, asyncio.sleep)
    worker.add_revocation_callback(router.on_partitions_revoked)
    worker.add_shutdown_callback(router.stop)
    for close in (redis.close, profile_database.close, policy_database.close):
        worker.add_close_callback(close)
    return worker.app


def _build_limits(settings: Settings) -> tuple[PriorityLimits, ...]:
    section = settings.router
    return build_priority_limits(
        settings.worker,
        section.max_batch_records,
        section.max_batch_records_medium_busy,
        section.max_batch_records_low_busy,
        section.max_in_flight_batches,
        MAX_IN_FLIGHT_BATCHES_LOW_BUSY,
    )
