"""The gateway on real servers: Kafka, PostgreSQL and Redis behind the ports, connected for as long as the app lives."""

import asyncio
import gc
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from litestar import Litestar

from app.api.asgi import assembled
from app.api.doorman import Asgi
from app.api.intake import Intake
from app.api.progress import KafkaProgress
from app.api.publisher import KafkaPublisher, producer_for
from app.api.readiness import Probe, Readings
from app.api.services import Services
from app.api.settings import GatewaySettings, gateway_settings
from app.database import newest, revision_of, too_old
from app.settings import load
from app.streaming.connections import mend_connections
from app.streaming.guard import end_by_force
from app.telemetry import Metrics, log_line, set_up_logging
from schemas.topics import notifications
from schemas.words import LANES
from tables.postgres.history import HistoryStore
from tables.postgres.policies import CurrentPolicy, PolicyStore
from tables.postgres.pool import Database
from tables.redis.cache import Cache
from tables.redis.recent import RedisRecent
from tables.redis.replies import RedisReplies

ID_BITS = 74
END_AFTER = 20.0  # seconds that the connections may take to be closed
GC_THRESHOLD = 50_000  # what a request makes dies with it: collecting seldom saves a tenth of the CPU


def create() -> Asgi:
    """The gateway with the settings of this process, for `uvicorn --factory app.api.gateway:create`. Raises SettingError."""
    settings = load()
    set_up_logging(settings.herold.log_level)
    app = build(gateway_settings(settings), partial(end_by_force, END_AFTER))
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    return app


def build(settings: GatewaySettings, ending: Callable[[], None]) -> Asgi:
    """The gateway with these settings; it connects when its lifespan starts, and waits for no server; `ending` is told of its end."""
    return Wiring(settings, ending).app()


class Wiring:
    """The connections of one gateway."""

    def __init__(self, settings: GatewaySettings, ending: Callable[[], None] = lambda: None) -> None:
        self._settings, self._ending = settings, ending
        topics = [settings.topic_prefix + notifications(lane) for lane in LANES]
        make = partial(producer_for, settings.kafka, settings.produce_timeout)
        self.publisher = KafkaPublisher(make, topics, settings.partitions, settings.produce_timeout, time.monotonic)
        self.database = Database(settings.database_url, settings.postgres_pool)
        self.policy = CurrentPolicy(PolicyStore(self.database).load)
        self.cache = Cache(settings.redis_url, time.monotonic, settings.topic_prefix, settings.redis_timeout)
        self.readings = Readings(self._probes(), frozenset({"kafka"}), time.monotonic)

    def app(self) -> Asgi:
        """The ASGI app."""
        return assembled(self._services(), self._settings.api_key, self._settings.body_limit, time.monotonic, [self.lifespan])

    @asynccontextmanager
    async def lifespan(self, _: Litestar | None = None) -> AsyncIterator[None]:
        """Connect, and at the end let go; none of the servers has to be there at the start."""
        mend_connections()
        self.publisher.start()
        policy = asyncio.create_task(self.policy.keep(asyncio.sleep, self._settings.policy_refresh))
        await self.policy.refresh()
        self.readings.start()
        log_line("worker.started", role="gateway")
        try:
            yield
        finally:
            self._ending()  # a library that does not let go must not keep the process
            policy.cancel()
            await self.readings.stop()
            await self.publisher.stop()
            await self.cache.close()
            await self.database.close()

    def _services(self) -> Services:
        recent = RedisRecent(self.cache)
        replies = RedisReplies(self.cache, partial(secrets.token_hex, 8))
        bits = partial(secrets.randbits, ID_BITS)
        intake = Intake(
            self.publisher, self.policy, replies, recent, time.time, bits, self._settings.partitions, self._settings.topic_prefix
        )
        metrics = Metrics()
        return Services(intake, HistoryStore(self.database), recent, self.readings, metrics, time.time, self._settings.receipts)

    def _probes(self) -> dict[str, Probe]:
        given = self._settings
        pipeline = KafkaProgress(given.kafka, given.topic_prefix, given.partitions, time.monotonic)
        return {"kafka": self.publisher.probe, "pipeline": pipeline.probe, "postgres": self._postgres, "redis": self._redis}

    async def _postgres(self) -> str:
        return too_old(await revision_of(self.database), newest())

    async def _redis(self) -> str:
        await self.cache.call(lambda redis: redis.ping())
        return ""
