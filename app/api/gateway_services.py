"""The services of the gateway that have parts of their own, built on its connections."""

import os
import time
from collections.abc import Sequence
from functools import partial
from typing import TypedDict

from agents.providers.http.resolver import Resolver
from app.admin.recorded_payloads import build_payload_source
from app.admin.templates import TemplateService
from app.admin.trials import Trials
from app.admin.type_simulation import TypeSimulator
from app.api.bootstrap_key import build_bootstrap_reauthenticator
from app.api.live.connections import LiveConnections
from app.api.live.feed import StatusFeed
from app.api.live.service import SESSION_BYTES, LiveService
from app.api.live.sessions import LiveSessions
from app.api.live.validity import ValidityChecks
from app.api.pipeline.kafka_reader import KafkaReader
from app.api.pipeline.reports import ReportReader
from app.api.pipeline.service import PipelineService, Readers
from app.api.ports import Publisher, WorkerReports
from app.api.principal import Reauthenticator
from app.api.services.analytics import Analytics
from app.api.services.api_key_verdicts import ApiKeyVerdicts
from app.api.services.callback_keys import load_callback_keys
from app.api.services.callback_service import CallbackService
from app.api.services.long_readings import LongReadings
from app.api.services.notification_records import NotificationRecords
from app.api.services.provider_states import ProviderStates, build_provider_accounts
from app.api.services.providers import Providers
from app.api.services.simulator_client import SimulatorClient
from app.api.services.webhook_endpoints import WebhookEndpointService, build_endpoint_rules
from app.auth.services import AuthServices
from app.encryption.outer_keys import build_blind_index
from app.encryption.report_sealing import ReportSealing
from app.kafka.client_options import build_client_options
from app.kafka.notification_records import NotificationRecordReader
from app.ordered_ids import OrderedIds
from app.settings import Settings
from app.telemetry import Metrics
from schemas.topics import STATUS_TOPIC
from tables.postgres.account_pauses import AccountPauseStore
from tables.postgres.accounts import AccountStore
from tables.postgres.analytics import PostgresAnalytics
from tables.postgres.audiences import AudienceStore
from tables.postgres.audit_log import AuditLogReader
from tables.postgres.broadcasts import BroadcastStore
from tables.postgres.database import Database
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.endpoint_attempts import PostgresEndpointAttempts
from tables.postgres.ledger import PostgresLedger
from tables.postgres.projects import ProjectStore
from tables.postgres.provider_results import PostgresProviderResults
from tables.postgres.rate_limits import RateLimitStore
from tables.postgres.read_marks import PostgresReadMarks
from tables.postgres.rules import RuleStore
from tables.postgres.saved_views import SavedViewStore
from tables.postgres.schedules import ScheduleStore
from tables.postgres.webhook_endpoints import WebhookEndpointStore
from tables.redis.breaker_states import RedisBreakerStates
from tables.redis.client import RedisClient
from tables.redis.live_sessions import RedisLiveSessions
from tables.redis.rate_usage import RedisRateUsage
from tables.redis.sealers import CachedSealerReader


class Operations(TypedDict):
    """What operators look at beside the stores, each as a field of Dependencies."""

    providers: Providers
    simulators: SimulatorClient | None
    pipeline: PipelineService


def build_operations(settings: Settings, redis: RedisClient, database: Database, workers: WorkerReports, make_id: OrderedIds) -> Operations:
    """What lists the accounts of providers, calls the simulators of a local stack, and watches the pipeline. Raises SettingError."""
    url, kafka = settings.gateway.simulators_url, settings.kafka
    accounts = build_provider_accounts(settings)
    states, pauses = ProviderStates(accounts, RedisBreakerStates(redis), RedisRateUsage(redis)), AccountPauseStore(database, make_id)
    reader = KafkaReader(build_client_options(kafka), kafka.topic_prefix, kafka.topic_partitions, time.time)
    reports, dead_letters = ReportReader(workers), DeadLetterStore(database, make_id)
    readers = Readers(reader.read_offsets, reader.read_groups, reports.read, states.list_accounts, dead_letters.count_recent, reader.close)
    return {
        "providers": Providers(accounts, states, pauses, PostgresProviderResults(database), time.time),
        "simulators": SimulatorClient(url) if url else None,
        "pipeline": PipelineService(readers, kafka.topic_partitions, time.time),
    }


class Stores(TypedDict):
    """What operators configured, and lists of what happened, each as a field of Dependencies."""

    rules: RuleStore
    audiences: AudienceStore
    broadcasts: BroadcastStore
    schedules: ScheduleStore
    rate_limits: RateLimitStore
    accounts: AccountStore
    audit_log: AuditLogReader
    deliveries: PostgresDeliveryList
    endpoint_attempts: PostgresEndpointAttempts
    read_marks: PostgresReadMarks
    projects: ProjectStore
    analytics: Analytics
    saved_views: SavedViewStore


def build_stores(database: Database, long_database: Database, make_id: OrderedIds, settings: Settings) -> Stores:
    """The stores that need nothing but the database and settings; `long_database` is for readings that take seconds."""
    return {
        "rules": RuleStore(database, make_id),
        "audiences": AudienceStore(database, make_id),
        "broadcasts": BroadcastStore(database, make_id),
        "schedules": ScheduleStore(database, make_id),
        "rate_limits": RateLimitStore(database, make_id),
        "accounts": AccountStore(database, make_id),
        "audit_log": AuditLogReader(database),
        "deliveries": PostgresDeliveryList(database),
        "endpoint_attempts": PostgresEndpointAttempts(database),
        "read_marks": PostgresReadMarks(database),
        "projects": ProjectStore(database, make_id),
        "analytics": build_analytics(database, long_database, settings),
        "saved_views": SavedViewStore(database, make_id),
    }


def build_analytics(database: Database, long_database: Database, settings: Settings) -> Analytics:
    """What reads the counts of the history, and its ledger."""
    counts, exports = PostgresAnalytics(database, settings.costs), PostgresAnalytics(long_database, settings.costs)
    ledger = PostgresLedger(long_database, settings.receipt_timeouts)
    return Analytics(counts, exports, ledger, LongReadings(), settings.analytics)


class ContentServices(TypedDict):
    """What reads notifications again from Kafka: to try templates and rules on them, or to show one; each as a field of Dependencies."""

    templates: TemplateService
    rule_simulator: TypeSimulator
    notification_records: NotificationRecords


def build_content_services(settings: Settings, database: Database, sealers: CachedSealerReader | None) -> ContentServices:
    """What previews, checks and publishes templates, what simulates rules, and what shows the records of a notification."""
    source = build_payload_source(settings.kafka, settings.templates, time.time, sealers)
    trials, kafka = Trials(), settings.kafka
    return {
        "templates": TemplateService(database, source, settings.costs, trials),
        "rule_simulator": TypeSimulator(kafka, database, time.time, time.monotonic, sealers, trials),
        "notification_records": NotificationRecords(NotificationRecordReader(kafka, time.monotonic), sealers, kafka.topic_prefix),
    }


def build_webhook_endpoint_service(
    settings: Settings, database: Database, resolver: Resolver, publisher: Publisher, make_id: OrderedIds
) -> WebhookEndpointService:
    """What registers webhook endpoints. Raises SettingError."""
    kafka = settings.kafka
    return WebhookEndpointService(
        WebhookEndpointStore(database, make_id),
        build_endpoint_rules(settings.providers["webhook"]),
        resolver,
        publisher,
        read_random=os.urandom,
        make_id=make_id,
        clock=time.time,
        partitions=kafka.topic_partitions,
        topic_prefix=kafka.topic_prefix,
    )


def build_reauthenticators(bootstrap_key: str, api_keys: ApiKeyVerdicts, people: AuthServices | None) -> list[Reauthenticator]:
    """What knows whether principals still are valid; `people` is None without accounts."""
    own = [people.reauthenticator] if people else []
    return [api_keys.reauthenticate, build_bootstrap_reauthenticator(bootstrap_key), *own]


def build_live_service(settings: Settings, redis: RedisClient, reauthenticators: Sequence[Reauthenticator]) -> LiveService:
    """What shows people what happens now."""
    kafka, gateway = settings.kafka, settings.gateway
    sessions = LiveSessions(RedisLiveSessions(redis), os.urandom)
    feed = partial(StatusFeed, build_client_options(kafka), kafka.topic_prefix + STATUS_TOPIC, kafka.topic_partitions)
    connections = LiveConnections(feed, gateway.live_buffer_records, gateway.max_live_clients, time.monotonic, sessions.save)
    validity = ValidityChecks(connections, reauthenticators, time.monotonic, gateway.api_key_outage_limit)
    return LiveService(connections, sessions, lambda: os.urandom(SESSION_BYTES).hex(), validity, separates_projects=gateway.projects)


def build_callback_service(
    settings: Settings, publisher: Publisher, metrics: Metrics, sealers: CachedSealerReader | None
) -> CallbackService:
    """What takes the callbacks of providers. Raises SettingError."""
    keys, kafka, max_bytes = load_callback_keys(settings), settings.kafka, settings.gateway.max_callback_bytes
    index = build_blind_index(settings.encryption)
    sealing = None if sealers is None or index is None else ReportSealing(sealers, index)
    return CallbackService(publisher, keys, metrics, time.time, kafka.topic_partitions, kafka.topic_prefix, max_bytes, sealing)
