"""The router's worker: rules from PostgreSQL, profiles through Redis, two tables."""

import asyncio
import time

from agents.router.router import Router
from app.roles.observers import RouterObserver
from app.roles.worker import Worker, clock, lanes_of
from app.settings import Settings
from app.streaming.application import StreamApp, attach, commit_of
from tables.postgres.policies import CurrentPolicy, PolicyStore
from tables.postgres.pool import Database
from tables.postgres.profiles import ProfileStore
from tables.redis.cache import Cache
from tables.redis.profiles import CachedProfiles

PROFILE_SECONDS = 2.0  # that PostgreSQL may take to connect, and to answer: so long a hanging one holds up a batch, also its high lane


def build(role: str, settings: Settings) -> StreamApp:
    """The app of the router."""
    own, herold = settings.router, settings.herold
    worker = Worker(role, settings, lanes_of(own.batch, own.busy_medium, own.busy_low, own.depth, 1), linger=own.linger)
    database = Database(settings.postgres.url, settings.postgres.pool)
    profiles = Database(settings.postgres.url, settings.postgres.pool, PROFILE_SECONDS, PROFILE_SECONDS)
    cache = Cache(settings.redis.url, time.monotonic, herold.topic_prefix, settings.redis.timeout)
    policy = CurrentPolicy(PolicyStore(database).load)
    router = Router(
        policies=policy,
        profiles=CachedProfiles(cache, ProfileStore(profiles), time.monotonic, settings.redis.profile_ttl),
        idempotency=worker.tables["idempotency"],
        rate_windows=worker.tables["rate_windows"],
        commit=commit_of(worker.app),
        clock=clock,
        partitions=herold.partitions,
        topic_prefix=herold.topic_prefix,
        pause=asyncio.sleep,
        observe=RouterObserver(worker.metrics),
    )
    attach(worker.app, worker.reads, router.run, held=True)
    worker.beside("policy", lambda: policy.keep(asyncio.sleep, own.policy_refresh))
    worker.at_end(cache.close)
    worker.at_end(profiles.close)
    worker.at_end(database.close)
    return worker.app
