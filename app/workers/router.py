"""The router's worker: rules from PostgreSQL, profiles through Redis, two tables."""

import asyncio
import time

from agents.router.router import Router
from app.settings import Settings
from app.streaming.application import StreamApp, add_agents, build_batch_committer
from app.workers.observers import RouterObserver
from app.workers.worker_builder import WorkerBuilder, build_priority_limits, clock
from tables.postgres.database import Database
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader
from tables.postgres.profiles import PostgresProfileReader
from tables.redis.client import RedisClient
from tables.redis.profiles import CachedProfileReader

PROFILE_QUERY_TIMEOUT = (
    2.0  # that PostgreSQL may take to connect, and to answer: so long a hanging one holds up a batch, also its high priority
)


def build_router_app(role: str, settings: Settings) -> StreamApp:
    """The app of the router."""
    own, kafka = settings.router, settings.kafka
    worker = WorkerBuilder(
        role,
        settings,
        build_priority_limits(
            own.max_batch_records, own.max_batch_records_medium_busy, own.max_batch_records_low_busy, own.max_in_flight_batches, 1
        ),
        linger=own.linger,
    )
    database = Database(settings.postgres.url, settings.postgres.pool_max_size)
    profiles = Database(settings.postgres.url, settings.postgres.pool_max_size, PROFILE_QUERY_TIMEOUT, PROFILE_QUERY_TIMEOUT)
    cache = RedisClient(settings.redis.url, time.monotonic, kafka.topic_prefix, settings.redis.socket_timeout)
    policy = CachedPolicyReader(PostgresPolicyLoader(database).load)
    router = Router(
        policies=policy,
        profiles=CachedProfileReader(cache, PostgresProfileReader(profiles), time.monotonic, settings.redis.profile_ttl),
        idempotency=worker.tables["idempotency"],
        rate_windows=worker.tables["rate_windows"],
        committer=build_batch_committer(worker.app),
        clock=clock,
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
        sleep=asyncio.sleep,
        observe=RouterObserver(worker.metrics),
    )
    add_agents(worker.app, worker.source_topics, router.run, manual_ack=True)
    worker.add_task("policy_refresh", lambda: policy.refresh_forever(asyncio.sleep, own.policy_refresh_interval))
    worker.add_shutdown_callback(cache.close)
    worker.add_shutdown_callback(profiles.close)
    worker.add_shutdown_callback(database.close)
    return worker.app
