"""The gateway on real servers: Kafka, PostgreSQL and Redis behind the ports, connected for as long as the app lives."""

import asyncio
import gc
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from litestar import Litestar

from app.admin.database import describe_outdated_schema, get_head_revision, read_revision
from app.api.asgi import build_asgi_app
from app.api.dependencies import Dependencies
from app.api.middleware import AsgiApp
from app.api.services.consumer_lag import ConsumerLagProbe
from app.api.services.publisher import KafkaPublisher, create_producer
from app.api.services.readiness import Probe, ReadinessMonitor
from app.api.services.submission_service import SubmissionService
from app.api.settings import GatewaySettings, build_gateway_settings
from app.settings import load_settings
from app.streaming.consumer.failure_policy import schedule_forced_exit
from app.streaming.patches.connections import patch_connection_send
from app.telemetry import Metrics, configure_logging, log_event
from schemas.enums import PRIORITIES
from schemas.topics import get_notifications_topic
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.policy import CachedPolicyReader, PostgresPolicyLoader
from tables.redis.client import RedisClient
from tables.redis.idempotent_responses import RedisIdempotentResponses
from tables.redis.recent_notifications import RedisRecentNotifications

RANDOM_ID_BITS = 74
SHUTDOWN_TIMEOUT = 20.0  # seconds that the connections may take to be closed
GC_THRESHOLD = 50_000  # what a request makes dies with it: collecting seldom saves a tenth of the CPU


def create_app() -> AsgiApp:
    """The gateway with the settings of this process, for `uvicorn --factory app.api.gateway:create_app`. Raises SettingError."""
    settings = load_settings()
    configure_logging(settings.service.log_level)
    app = build_app(build_gateway_settings(settings), partial(schedule_forced_exit, SHUTDOWN_TIMEOUT))
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    return app


def build_app(settings: GatewaySettings, on_shutdown: Callable[[], None]) -> AsgiApp:
    """The gateway with these settings; it connects when its lifespan starts, and waits for no server; `on_shutdown` is told of its end."""
    return GatewayConnections(settings, on_shutdown).build_app()


class GatewayConnections:
    """The connections of one gateway."""

    def __init__(self, settings: GatewaySettings, on_shutdown: Callable[[], None] = lambda: None) -> None:
        self._settings, self._on_shutdown = settings, on_shutdown
        topics = [settings.topic_prefix + get_notifications_topic(priority) for priority in PRIORITIES]
        make = partial(create_producer, settings.bootstrap_servers, settings.produce_timeout)
        self.publisher = KafkaPublisher(make, topics, settings.partitions, settings.produce_timeout, time.monotonic)
        self.database = Database(settings.database_url, settings.postgres_pool_size)
        self.policy = CachedPolicyReader(PostgresPolicyLoader(self.database).load)
        self.cache = RedisClient(settings.redis_url, time.monotonic, settings.topic_prefix, settings.redis_timeout)
        self.readiness = ReadinessMonitor(self._build_probes(), frozenset({"kafka"}), time.monotonic)

    def build_app(self) -> AsgiApp:
        """The ASGI app."""
        return build_asgi_app(
            self._build_dependencies(), self._settings.api_key, self._settings.body_limit, time.monotonic, [self.run_lifespan]
        )

    @asynccontextmanager
    async def run_lifespan(self, _: Litestar | None = None) -> AsyncIterator[None]:
        """Connect, and at the end let go; none of the servers has to be there at the start."""
        patch_connection_send()
        self.publisher.start()
        policy = asyncio.create_task(self.policy.refresh_forever(asyncio.sleep, self._settings.policy_refresh))
        await self.policy.refresh()
        self.readiness.start()
        log_event("worker.started", role="gateway")
        try:
            yield
        finally:
            self._on_shutdown()  # a library that does not let go must not keep the process
            policy.cancel()
            await self.readiness.stop()
            await self.publisher.stop()
            await self.cache.close()
            await self.database.close()

    def _build_dependencies(self) -> Dependencies:
        recent = RedisRecentNotifications(self.cache)
        replies = RedisIdempotentResponses(self.cache, partial(secrets.token_hex, 8))
        bits = partial(secrets.randbits, RANDOM_ID_BITS)
        intake = SubmissionService(
            self.publisher, self.policy, replies, recent, time.time, bits, self._settings.partitions, self._settings.topic_prefix
        )
        metrics = Metrics()
        return Dependencies(
            intake, PostgresHistoryReader(self.database), recent, self.readiness, metrics, time.time, self._settings.receipt_timeouts
        )

    def _build_probes(self) -> dict[str, Probe]:
        given = self._settings
        pipeline = ConsumerLagProbe(given.bootstrap_servers, given.topic_prefix, given.partitions, time.monotonic)
        return {"kafka": self.publisher.probe, "consumer_lag": pipeline.probe, "postgres": self._probe_postgres, "redis": self._probe_redis}

    async def _probe_postgres(self) -> str:
        return describe_outdated_schema(await read_revision(self.database), get_head_revision())

    async def _probe_redis(self) -> str:
        await self.cache.execute(lambda redis: redis.ping())
        return ""
