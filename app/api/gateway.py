"""The gateway's composition root: connects Kafka, PostgreSQL and Redis to the ports."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial

from litestar import Litestar

from agents.providers.http.resolver import Resolver
from app.admin.consent_proofs import ConsentProofs
from app.admin.database import find_schema_problem
from app.api.asgi import build_asgi_app
from app.api.bootstrap_key import build_bootstrap_authenticator
from app.api.cors import CorsApp, parse_origins
from app.api.dependencies import Dependencies
from app.api.gateway_limits import build_limit_checks, check_trusted_proxies
from app.api.gateway_services import (
    build_callback_service,
    build_content_services,
    build_live_service,
    build_operations,
    build_reauthenticators,
    build_stores,
    build_webhook_endpoint_service,
)
from app.api.middleware import AsgiApp
from app.api.services.adaptive_linger import AdaptiveLinger
from app.api.services.api_key_service import ApiKeyService
from app.api.services.api_key_verdicts import ApiKeyVerdicts, Times
from app.api.services.callback_keys import load_callback_keys
from app.api.services.consumer_lag import ConsumerLagProbe
from app.api.services.held_changes import HeldChanges
from app.api.services.link_consent import LinkConsent
from app.api.services.personal_data import PersonalData, Stores
from app.api.services.producer_connection import ProducerConnection, create_producer
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.publisher import KafkaPublisher
from app.api.services.random_id_bits import RandomIdBits
from app.api.services.readiness import Probe, ReadinessMonitor
from app.api.services.recent_buffer import RecentNotificationsBuffer
from app.api.services.submission_service import SubmissionService
from app.api.services.webhook_endpoints import build_endpoint_rules
from app.api.services.worker_client import WorkerClient
from app.auth.connection import AuthConnection
from app.auth.services import check_auth_section
from app.checkpoint_keys import build_checkpoint_keys, build_log_chains
from app.encryption.outer_keys import build_blind_index
from app.encryption.provider_erasure import SendGridErasure
from app.encryption.sealers import build_column_sealing, build_sealer_reader
from app.forced_exit import schedule_forced_exit
from app.kafka.client_options import build_client_options
from app.kafka.connection_problem import describe_connection_problem
from app.link_tokens import build_link_tokens, build_sample_links
from app.ordered_ids import OrderedIds
from app.policy_reader import build_policy_reader
from app.server_certificate import ServerCertificate
from app.settings import GatewaySection, Settings, load_settings
from app.streaming.aiokafka_patches import patch_aiokafka
from app.telemetry import Metrics, configure_logging, log_event
from app.workers.web_access import build_web_client_context
from schemas.enums import PRIORITIES, Priority
from schemas.errors import SettingError
from schemas.topics import STATUS_TOPIC, get_notifications_topic
from tables.postgres.api_keys import ApiKeyStore
from tables.postgres.database import Database
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.erasures import ErasureStore
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.preferences import PreferenceStore
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.projects import CachedProjects
from tables.postgres.redrives import RedriveStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.unmasked_readings import UnmaskedReadings
from tables.postgres.users import UserStore
from tables.postgres.webhook_endpoints import WebhookEndpointStore
from tables.postgres.window_resets import PostgresWindowResets
from tables.redis.client import RedisClient
from tables.redis.idempotent_responses import RedisIdempotentResponses
from tables.redis.profile_cache import forget
from tables.redis.recent_notifications import RedisRecentNotifications
from tables.redis.user_keys import forget_user_keys
from tables.redis.worker_addresses import RedisWorkerAddresses

SHUTDOWN_TIMEOUT = 20.0  # seconds until the process exits although a connection does not close
GC_THRESHOLD = 50_000  # allocations; a request's objects are freed with it, so that fewer collections save a tenth of the CPU


def load_gateway_settings() -> Settings:
    """The settings of this process. Raises SettingError, also for what only building the connections shows."""
    settings = load_settings()
    build_client_options(settings.kafka)
    parse_origins(settings.gateway.cors_origins)
    build_server_certificate(settings.gateway)
    build_endpoint_rules(settings.providers["webhook"])
    load_callback_keys(settings)
    build_checkpoint_keys(settings.audit.signing_key)
    check_trusted_proxies(settings.gateway.trusted_proxies)
    check_auth_section(settings.auth, settings.links.base_url)
    return settings


def build_server_certificate(gateway: GatewaySection) -> ServerCertificate | None:
    """The certificate for HTTPS; None without one. Raises SettingError."""
    if not gateway.tls_certificate_file:
        for key in ("tls_key_file", "tls_key_password"):
            if getattr(gateway, key):
                raise SettingError(f"gateway.{key}", "has no effect without gateway.tls_certificate_file: set that, or remove the key")
        return None
    files = gateway.tls_certificate_file, gateway.tls_key_file
    return ServerCertificate("gateway.tls_certificate_file", *files, gateway.tls_key_password, gateway.tls_min_version)


def create_app(metrics: Metrics | None = None) -> AsgiApp:
    """The gateway with the settings of this process, for `uvicorn --factory app.api.gateway:create_app`. Raises SettingError.

    `metrics`: its metrics if it is one of several processes.
    """
    settings = load_gateway_settings()
    configure_logging(settings.service.log_level, "app.telemetry.GatheringHandler")
    app = GatewayConnections(settings, partial(schedule_forced_exit, SHUTDOWN_TIMEOUT), metrics).build_app()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    return app


class GatewayConnections:
    """The connections of one gateway. They open with the app's lifespan; no server has to be available then."""

    def __init__(self, settings: Settings, on_shutdown: Callable[[], None] = lambda: None, metrics: Metrics | None = None) -> None:
        self._settings, self._on_shutdown, self.resolver = settings, on_shutdown, Resolver(time.monotonic)
        self._link_tokens = build_link_tokens(settings.links)
        kafka, gateway, timeout = settings.kafka, settings.gateway, settings.gateway.produce_timeout
        topics = [kafka.topic_prefix + topic for topic in (*map(get_notifications_topic, PRIORITIES), STATUS_TOPIC)]
        self._kafka_options = build_client_options(kafka)
        producer_factory = partial(create_producer, self._kafka_options, timeout)
        connection = ProducerConnection(
            producer_factory, partial(describe_connection_problem, self._kafka_options), topics, kafka.topic_partitions, timeout
        )
        seconds: dict[Priority, float] = {"high": gateway.linger_high, "medium": gateway.linger_medium, "low": gateway.linger_low}
        lingers = {priority: AdaptiveLinger(linger) for priority, linger in seconds.items()}
        self.publisher = KafkaPublisher(connection, timeout, lingers, time.monotonic)
        self._generate_bits = RandomIdBits(os.urandom)
        self._make_id = OrderedIds(time.time, self._generate_bits)
        self.database, self.long_database = (Database(settings.postgres.url, size) for size in (settings.postgres.pool_max_size, 1))
        self.log_chains = build_log_chains(self.database, settings.audit)
        self.metrics = metrics or Metrics()
        self.policy_reader = build_policy_reader("gateway", settings, self.database, self.metrics)
        self.redis = RedisClient(settings.redis.url, time.monotonic, kafka.topic_prefix, settings.redis.socket_timeout)
        self.sealers = build_sealer_reader(settings, self.redis, self.database)
        self.database.sealing = build_column_sealing(settings.encryption, self.sealers)
        self.projects = CachedProjects(self.database)
        self.limits = build_limit_checks(settings.limits, self.redis, self.projects)
        self.recent_notifications = RecentNotificationsBuffer(RedisRecentNotifications(self.redis))
        self.worker_client = WorkerClient(
            RedisWorkerAddresses(self.redis), settings.worker.web_token, build_web_client_context(settings.worker)
        )
        self.operations = build_operations(settings, self.redis, self.database, self.worker_client, self._make_id)
        self.profile_eviction = ProfileEviction(partial(forget, self.redis))
        self.api_key_store = ApiKeyStore(self.database, self._make_id)
        times, outage_limit = Times(time.time, time.monotonic), gateway.api_key_outage_limit
        self.api_keys = ApiKeyVerdicts(self.api_key_store.find_verdict, self.api_key_store.record_uses, times, outage_limit)
        self.submission_service = self._build_submission_service(self._generate_bits)
        self.people = AuthConnection(settings, self.database, self.redis, self.submission_service, self.metrics, self._make_id)
        self.live = build_live_service(settings, self.redis, build_reauthenticators(gateway.api_key, self.api_keys, self.people.services))
        self.readiness = ReadinessMonitor(self._build_probes(), frozenset({"kafka"}), time.monotonic)

    def build_app(self) -> AsgiApp:
        """The ASGI app."""
        gateway = self._settings.gateway
        people = [self.people.services.authenticator] if self.people.services else []
        authenticators = [self.api_keys.authenticate, build_bootstrap_authenticator(gateway.api_key), *people]
        app = build_asgi_app(
            self._build_dependencies(), authenticators, gateway.max_body_bytes, time.monotonic, [self.run_lifespan], self.limits
        )
        origins = parse_origins(gateway.cors_origins)
        return CorsApp(app, origins) if origins else app

    @asynccontextmanager
    async def run_lifespan(self, _: Litestar | None = None) -> AsyncIterator[None]:
        """Open the connections, and close them at the end; `on_shutdown` is called before they are closed."""
        patch_aiokafka()
        self.publisher.start()
        refresh_interval = self._settings.router.policy_refresh_interval
        tasks = [
            asyncio.create_task(self.api_keys.flush_forever(asyncio.sleep)),
            asyncio.create_task(self.policy_reader.refresh_forever(asyncio.sleep, refresh_interval)),
            asyncio.create_task(self.projects.refresh_forever(asyncio.sleep, refresh_interval)),
            asyncio.create_task(self.live.validity.check_forever(asyncio.sleep)),
        ]
        await self.policy_reader.refresh()
        self.readiness.start()
        self.people.start()
        log_event("worker.started", role="gateway")
        try:
            yield
        finally:
            self._on_shutdown()  # before the connections: one that does not close must not keep the process alive
            for task in tasks:
                task.cancel()
            await self.api_keys.flush_uses()
            await self.people.close()
            await self.live.connections.stop()
            await self.readiness.stop()
            await self.operations["pipeline"].stop()
            await self.publisher.stop()
            await self.recent_notifications.stop()
            await self.profile_eviction.stop()
            await self.worker_client.close()
            await self.limits.stop()
            await self.redis.close()
            await self.long_database.close()
            await self.database.close()

    def _build_dependencies(self) -> Dependencies:
        database, kafka, make_id = self.database, self._settings.kafka, self._make_id
        history, users, preferences = PostgresHistoryReader(database), UserStore(database, make_id), PreferenceStore(database, make_id)
        return Dependencies(
            submission_service=self.submission_service,
            idempotent_responses=self.submission_service.idempotent_responses,
            history=history,
            recent_notifications=self.recent_notifications,
            readiness=self.readiness,
            metrics=self.metrics,
            clock=time.time,
            receipt_timeouts=self._settings.receipt_timeouts,
            profiles=PostgresProfileReader(database, build_blind_index(self._settings.encryption)),
            user_tables=self.worker_client,
            window_resets=PostgresWindowResets(database, make_id),
            held_changes=HeldChanges(self.publisher, history, asyncio.sleep, kafka.topic_partitions, kafka.topic_prefix),
            policies=self.policy_reader,
            users=users,
            preferences=preferences,
            suppressions=SuppressionStore(database, make_id),
            profile_eviction=self.profile_eviction,
            dead_letters=DeadLetterStore(database, make_id, self.sealers),
            webhook_endpoints=build_webhook_endpoint_service(self._settings, database, self.resolver, self.publisher, make_id),
            link_consent=LinkConsent(self._link_tokens, users, preferences, self.policy_reader, self.profile_eviction),
            redrives=RedriveStore(database, make_id, self.sealers),
            topic_prefix=kafka.topic_prefix,
            callbacks=build_callback_service(self._settings, self.publisher, self.metrics, self.sealers),
            api_keys=ApiKeyService(self.api_key_store, os.urandom),
            log_chains=self.log_chains,
            **self.operations,
            auth=self.people.services,
            personal_data=self._build_personal_data(make_id, users, preferences, history),
            consent_proofs=ConsentProofs(database, build_checkpoint_keys(self._settings.audit.signing_key), make_id),
            live=self.live,
            separates_projects=self._settings.gateway.projects,
            sample_links=build_sample_links(self._settings.links),
            **build_content_services(self._settings, database, self.sealers),
            **build_stores(database, self.long_database, make_id, self._settings),
        )

    def _build_submission_service(self, generate_bits: RandomIdBits) -> SubmissionService:
        return SubmissionService(
            self.publisher,
            self.policy_reader,
            RedisIdempotentResponses(self.redis, lambda: f"{generate_bits():x}"),
            self.recent_notifications,
            time.time,
            generate_bits,
            self._settings.kafka.topic_partitions,
            self._settings.kafka.topic_prefix,
            self.sealers,
        )

    def _build_personal_data(
        self, make_new_id: OrderedIds, users: UserStore, preferences: PreferenceStore, history: PostgresHistoryReader
    ) -> PersonalData:
        settings, account = self._settings, self._settings.providers["sendgrid"]
        index, endpoints = build_blind_index(settings.encryption), WebhookEndpointStore(self.database, make_new_id)
        suppressions, readings = SuppressionStore(self.database, make_new_id), UnmaskedReadings(self.database, make_new_id)
        stores = Stores(users, preferences, suppressions, endpoints, history, ErasureStore(self.database, make_new_id, index), readings)
        provider = SendGridErasure(account["url"], account["api_key"]) if account["api_key"] else None
        return PersonalData(stores, provider, self.profile_eviction, self._forget_keys, time.time, settings.receipt_timeouts)

    async def _forget_keys(self, user_ids: Collection[str]) -> None:
        if self.sealers is not None:  # else there are none
            await forget_user_keys(self.redis, user_ids)
            self.sealers.forget(user_ids)

    def _build_probes(self) -> dict[str, Probe]:
        return {
            "kafka": self.publisher.probe,
            "consumer_lag": ConsumerLagProbe(self.operations["pipeline"].wait_for_offsets, time.monotonic).probe,
            "postgres": self._probe_postgres,
            "redis": self._probe_redis,
        }

    async def _probe_postgres(self) -> str:
        return await find_schema_problem(self.database)

    async def _probe_redis(self) -> str:
        await self.redis.execute(lambda redis: redis.ping())
        return ""
