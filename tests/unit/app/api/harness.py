"""A gateway with its ports in memory."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import count
from typing import Any

import msgspec
from litestar.testing import TestClient

from agents.providers.http.resolver import Resolver
from app.admin.consent_proofs import ConsentProofs
from app.admin.templates import TemplateService
from app.admin.type_simulation import TypeSimulator
from app.api.asgi import build_asgi_app
from app.api.bootstrap_key import build_bootstrap_authenticator, build_bootstrap_reauthenticator
from app.api.dependencies import Dependencies
from app.api.gateway_services import build_stores
from app.api.limit_checks import LimitChecks
from app.api.live.connections import LiveConnections
from app.api.live.feed import StatusFeed
from app.api.live.service import LiveService
from app.api.live.sessions import LiveSessions
from app.api.live.validity import ValidityChecks
from app.api.middleware import AsgiApp
from app.api.pipeline.service import PipelineService, Readers
from app.api.ports import ProducerRecord
from app.api.principal import Authenticator
from app.api.services.api_key_service import ApiKeyService
from app.api.services.callback_keys import CallbackKeys
from app.api.services.callback_service import CallbackService
from app.api.services.held_changes import HeldChanges
from app.api.services.link_consent import LinkConsent
from app.api.services.notification_records import NotificationRecords
from app.api.services.personal_data import PersonalData, Stores
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.provider_states import ProviderStates
from app.api.services.providers import Providers
from app.api.services.readiness import ReadinessMonitor
from app.api.services.simulator_client import SimulatorClient
from app.api.services.submission_service import SubmissionService
from app.api.services.webhook_endpoints import WebhookEndpointService, build_endpoint_rules
from app.kafka.notification_records import NotificationRecordReader
from app.telemetry import Metrics
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.errors import AmbiguousIdError, UnavailableError
from schemas.history import FoundNotifications, NotificationFilter, NotificationHistory, NotificationKey
from schemas.idempotent_responses import KeyAcquired, KeyConflict, KeyInProgress, KeyState, RecentNotification, StoredResponse
from schemas.ids import NOTIFICATION_PREFIX, make_id
from schemas.link_tokens import LinkTokens
from schemas.notification import Notification
from schemas.policy import Policy, Rule, Template
from schemas.user_counts import DailyCount
from schemas.user_keys import SealerReader
from schemas.user_rows import RemovedRows, UserRow, UserRows
from tables.postgres.account_pauses import AccountPauseStore
from tables.postgres.api_keys import ApiKeyStore
from tables.postgres.database import Database
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.erasures import ErasureStore
from tables.postgres.log_chain import CheckpointPolicy, LogChainStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.provider_results import PostgresProviderResults
from tables.postgres.redrives import RedriveStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.unmasked_readings import UnmaskedReadings
from tables.postgres.users import UserStore
from tables.postgres.webhook_endpoints import WebhookEndpointStore
from tables.redis.breaker_states import RedisBreakerStates
from tables.redis.client import RedisClient
from tables.redis.live_sessions import RedisLiveSessions
from tables.redis.rate_usage import RedisRateUsage
from tests.memory_stores import MemoryPolicyReader, MemoryProfileReader
from tests.settings_builders import DEFAULT_SETTINGS, build_kafka_section
from tests.unit.app.api.pipeline.builders import build_readers

UNREACHABLE_DATABASE = "postgresql://127.0.0.1:1/none"  # tcpmux: nothing listens there; resources of users are tested on a real one
NOW = 1_760_000_000.0
API_KEY = "k" * 32
LINK_TOKENS = LinkTokens([b"1" * 32])
HEADERS = {"authorization": f"Bearer {API_KEY}"}
RULES = {"order.shipped": Rule("order.shipped", "transactional", "low", ("email",), template="order-shipped")}
TEMPLATES = (Template("order-shipped", 1, "email", "default", "s", "t"),)
POLICY = Policy(RULES, TEMPLATES, (), 1)
RECEIPT_TIMEOUTS: dict[ChannelName, int] = {"email": 0, "sms": 60, "push": 0, "webhook": 0}


def make_notification_id(bits: int = 1, at: float = NOW) -> str:
    """A notification id with the time `at`."""
    return make_id(NOTIFICATION_PREFIX, at, bits)


async def forget_nothing(user_ids: Collection[str]) -> None:
    """Stands for a Redis without profiles."""


@dataclass
class FakePublisher:
    """Collects records. Confirms them by `confirmations` if set, else unless `error` is set."""

    records: list[ProducerRecord] = field(default_factory=list)
    confirmations: Iterator[bool] | None = None
    error: str = ""

    async def publish(self, records: Sequence[ProducerRecord]) -> Sequence[bool]:
        self.records += records
        return [next(self.confirmations) if self.confirmations else not self.error for _ in records]

    def decode_notifications(self) -> list[Notification]:
        """The notifications, decoded as by the router."""
        records = [record for record in self.records if ".notifications." in record.topic]
        return [msgspec.json.decode(record.value, type=Notification) for record in records]


@dataclass
class MemoryRecentNotifications:
    """The recent notifications, by id."""

    priorities: dict[str, Priority] = field(default_factory=dict)

    async def add_many(self, accepted: Sequence[RecentNotification]) -> None:
        self.priorities.update({notification.id: notification.priority for notification in accepted})

    async def get_priority(self, notification_id: str) -> Priority | None:
        return self.priorities.get(notification_id)


@dataclass
class MemoryIdempotentResponses:
    """Request hash and first response by key; the response is None while the first request is in progress."""

    responses: dict[str, tuple[str, StoredResponse | None]] = field(default_factory=dict)

    async def acquire_key(self, key: str, request_hash: str) -> KeyState:
        if key not in self.responses:
            self.responses[key] = (request_hash, None)
            return KeyAcquired("token")
        first_hash, response = self.responses[key]
        if first_hash != request_hash:
            return KeyConflict()
        return response or KeyInProgress()

    async def store_response(self, key: str, request_hash: str, token: str, response: StoredResponse) -> None:
        self.responses[key] = (request_hash, response)

    async def release_key(self, key: str, token: str) -> None:
        del self.responses[key]


@dataclass
class MemoryHistoryReader:
    """Histories by notification id; `is_unavailable` stands for a PostgreSQL that does not answer."""

    histories: dict[str, NotificationHistory] = field(default_factory=dict)
    is_unavailable: bool = False
    ambiguous_id: str = ""
    user_counts: dict[str, list[DailyCount]] = field(default_factory=dict)

    async def get_notification_history(self, notification_id: str, user_id: str | None = None) -> NotificationHistory | None:
        if user_id is None and notification_id == self.ambiguous_id:
            raise AmbiguousIdError(notification_id, 2)
        if self.is_unavailable:
            raise UnavailableError("PostgreSQL does not answer")
        return self.histories.get(notification_id)

    async def list_by_user(
        self, user_id: str, limit: int, before: str | None, notification_type: str | None = None
    ) -> Sequence[NotificationHistory]:
        if self.is_unavailable:
            raise UnavailableError("PostgreSQL does not answer")
        histories = [history for _, history in sorted(self.histories.items(), reverse=True)]
        return [
            history
            for history in histories
            if history.decided
            and history.decided.user_id == user_id
            and (before is None or history.decided.id < before)
            and notification_type in (None, history.decided.type)
        ][:limit]

    async def search(self, wanted: NotificationFilter, limit: int, below: NotificationKey | None) -> FoundNotifications:
        found = await self.list_by_user(wanted.user_id or "", limit + 1, below[0] if below else None, wanted.type)
        last = found[limit - 1].decided if len(found) > limit else None
        return FoundNotifications(found[:limit], (last.id, last.user_id) if last else None)

    async def list_user_counts(self, user_id: str, first: date, last: date) -> Sequence[DailyCount]:
        if self.is_unavailable:
            raise UnavailableError("PostgreSQL does not answer")
        return [count for count in self.user_counts.get(user_id, ()) if first <= count.day <= last]


@dataclass
class MemoryReadMarks:
    """Keeps the marks in the histories."""

    history: MemoryHistoryReader

    async def mark(self, notification_id: str, user_id: str, read_at: float) -> float | None:
        if self.history.is_unavailable:
            raise UnavailableError("PostgreSQL does not answer")
        history = self.history.histories[notification_id]
        if history.decided is None or history.decided.state != "routed":
            return None
        first = min(read_at, history.read_at or read_at)
        self.history.histories[notification_id] = history._replace(read_at=first)
        return first


@dataclass
class FakeUserTables:
    """The rows of every user by table; `problem` stands for workers that do not answer. Removed names are collected."""

    tables: dict[str, list[UserRow]] = field(default_factory=dict)
    problem: str = ""
    removed: list[tuple[str, str]] = field(default_factory=list)

    async def get_user_rows(self, role: str, user_id: str) -> UserRows:
        if self.problem:
            raise UnavailableError(self.problem)
        return UserRows(role, 1, f"http://{role}", self.tables)

    async def find_row(self, role: str, table: str, user_id: str, key: str) -> Mapping[str, Any] | None:
        if self.problem:
            raise UnavailableError(self.problem)
        if key == "invalid":
            raise ValueError("invalid key")
        row = next((one.row for one in self.tables.get(table, ()) if one.key.decode() == key), None)
        return row and {"table": table, "partition": 1, "user_id": user_id, "worker": f"http://{role}", **msgspec.json.decode(row)}

    async def remove_rows(self, role: str, user_id: str, table: str, name: str) -> RemovedRows:
        if self.problem:
            raise UnavailableError(self.problem)
        self.removed.append((table, name))
        return RemovedRows(1, f"http://{role}", [row.key for row in self.tables[table] if name in ("", row.key.decode())])


@dataclass
class FakeWindowResets:
    """The entries of the audit log: actor, action, user and details; `problem` stands for a PostgreSQL that does not answer."""

    entries: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)
    problem: str = ""

    async def write(self, actor: str, action: str, user_id: str, details: Mapping[str, Any]) -> str:
        if self.problem:
            raise UnavailableError(self.problem)
        self.entries.append((actor, action, user_id, dict(details)))
        return f"aud_{len(self.entries)}"


@dataclass
class GatewayHarness:
    """The ports and the clock of one gateway; builds its app and a client with the API key."""

    publisher: FakePublisher = field(default_factory=FakePublisher)
    policy_reader: MemoryPolicyReader = field(default_factory=lambda: MemoryPolicyReader(POLICY))
    recent_notifications: MemoryRecentNotifications = field(default_factory=MemoryRecentNotifications)
    idempotent_responses: MemoryIdempotentResponses = field(default_factory=MemoryIdempotentResponses)
    history: MemoryHistoryReader = field(default_factory=MemoryHistoryReader)
    window_resets: FakeWindowResets = field(default_factory=FakeWindowResets)
    user_tables: FakeUserTables = field(default_factory=FakeUserTables)
    templates: TemplateService | None = None
    profiles: MemoryProfileReader = field(default_factory=MemoryProfileReader)
    metrics: Metrics = field(default_factory=Metrics)
    callback_keys: CallbackKeys = field(default_factory=CallbackKeys)
    max_callback_bytes: int = 100_000
    now: float = NOW
    on_sleep: Callable[[], None] = lambda: None
    authenticators: Sequence[Authenticator] = (build_bootstrap_authenticator(API_KEY),)
    sealers: SealerReader | None = None
    limits: LimitChecks | None = None
    simulators: SimulatorClient | None = None
    pipeline_readers: Readers | None = None

    @property
    def live(self) -> LiveService:
        """The live view without servers."""
        options = {"bootstrap_servers": "127.0.0.1:1"}
        sessions = LiveSessions(RedisLiveSessions(RedisClient("redis://127.0.0.1:1", self.get_time, "t.", 0.1)), os.urandom)
        connections = LiveConnections(partial(StatusFeed, options, "t.notifications.status", 4), 100, 10, self.get_time, sessions.save)
        reauthenticators = [build_bootstrap_reauthenticator(API_KEY)]
        validity = ValidityChecks(connections, reauthenticators, self.get_time, 600.0)
        return LiveService(connections, sessions, lambda: "session-1", validity, separates_projects=False)

    def get_time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass, and whatever the test wants to happen meanwhile."""
        self.now += seconds
        self.on_sleep()

    async def probe_kafka(self) -> str:
        return self.publisher.error

    async def probe_postgres(self) -> str:
        return "does not answer" if self.history.is_unavailable else ""

    def build_app(self, body_limit: int = 1_000_000) -> AsgiApp:
        numbers, database = count(1), Database(UNREACHABLE_DATABASE, max_size=1)

        def make_new_id(prefix: str) -> str:
            return make_id(prefix, self.now, next(numbers))

        self.readiness = ReadinessMonitor({"kafka": self.probe_kafka, "postgres": self.probe_postgres}, frozenset({"kafka"}), self.get_time)
        users, preferences, eviction = (
            UserStore(database, make_new_id),
            PreferenceStore(database, make_new_id),
            ProfileEviction(forget_nothing),
        )
        stores: Any = build_stores(database, database, make_new_id, DEFAULT_SETTINGS)
        dependencies = Dependencies(
            **{**stores, "read_marks": MemoryReadMarks(self.history)},
            **self._build_operations(),
            providers=self._build_providers(database, make_new_id),
            submission_service=self._build_submission_service(lambda: next(numbers)),
            idempotent_responses=self.idempotent_responses,
            history=self.history,
            recent_notifications=self.recent_notifications,
            readiness=self.readiness,
            metrics=self.metrics,
            clock=self.get_time,
            receipt_timeouts=RECEIPT_TIMEOUTS,
            profiles=self.profiles,
            user_tables=self.user_tables,
            window_resets=self.window_resets,
            held_changes=HeldChanges(self.publisher, self.history, self.sleep, 4, "t."),
            policies=self.policy_reader,
            users=users,
            preferences=preferences,
            suppressions=SuppressionStore(database, make_new_id),
            profile_eviction=eviction,
            templates=self.templates or TemplateService(database),
            rule_simulator=TypeSimulator(build_kafka_section("127.0.0.1:1", "t."), database, self.get_time, self.get_time),
            notification_records=NotificationRecords(
                NotificationRecordReader(build_kafka_section("127.0.0.1:1", "t."), self.get_time), None, "t."
            ),
            dead_letters=DeadLetterStore(database, make_new_id),
            webhook_endpoints=self._build_webhook_endpoints(WebhookEndpointStore(database, make_new_id), make_new_id),
            link_consent=LinkConsent(LINK_TOKENS, users, preferences, self.policy_reader, eviction),
            redrives=RedriveStore(database, make_new_id),
            topic_prefix="t.",
            api_keys=ApiKeyService(ApiKeyStore(database, make_new_id), os.urandom),
            log_chains=LogChainStore(database, None, CheckpointPolicy(0.0, 1)),
            auth=None,
            personal_data=self._build_personal_data(database, make_new_id, users, preferences),
            consent_proofs=ConsentProofs(database, None, make_new_id),
            separates_projects=False,
        )
        return build_asgi_app(dependencies, self.authenticators, body_limit, self.get_time, limits=self.limits)

    def _build_submission_service(self, generate_bits: Callable[[], int]) -> SubmissionService:
        return SubmissionService(
            self.publisher,
            self.policy_reader,
            self.idempotent_responses,
            self.recent_notifications,
            self.get_time,
            generate_bits,
            partitions=4,
            topic_prefix="t.",
            sealers=self.sealers,
        )

    def _build_operations(self) -> dict[str, Any]:
        return {
            "callbacks": CallbackService(self.publisher, self.callback_keys, self.metrics, self.get_time, 4, "t.", self.max_callback_bytes),
            "live": self.live,
            "pipeline": PipelineService(self.pipeline_readers or build_readers(), 4, self.get_time),
            "simulators": self.simulators,
        }

    def _build_providers(self, database: Database, make_new_id: Callable[[str], str]) -> Providers:
        redis = RedisClient("redis://127.0.0.1:1", self.get_time, "t.", 0.1)
        states = ProviderStates([], RedisBreakerStates(redis), RedisRateUsage(redis))
        return Providers([], states, AccountPauseStore(database, make_new_id), PostgresProviderResults(database), self.get_time)

    def _build_personal_data(
        self, database: Database, make_new_id: Callable[[str], str], users: UserStore, preferences: PreferenceStore
    ) -> PersonalData:
        endpoints, suppressions = WebhookEndpointStore(database, make_new_id), SuppressionStore(database, make_new_id)
        erasures, readings = ErasureStore(database, make_new_id, None), UnmaskedReadings(database, make_new_id)
        stores = Stores(users, preferences, suppressions, endpoints, self.history, erasures, readings)
        return PersonalData(stores, None, ProfileEviction(forget_nothing), forget_nothing, self.get_time, RECEIPT_TIMEOUTS)

    def _build_webhook_endpoints(self, store: WebhookEndpointStore, make_new_id: Callable[[str], str]) -> WebhookEndpointService:
        return WebhookEndpointService(
            store,
            build_endpoint_rules({"allow": "", "ports": "", "master_secret": "", "allow_http": True}),
            Resolver(self.get_time, lambda host, port: []),
            self.publisher,
            read_random=os.urandom,
            make_id=make_new_id,
            clock=self.get_time,
            sleep=self.sleep,
            partitions=4,
            topic_prefix="t.",
        )

    def build_client(self, body_limit: int = 1_000_000) -> TestClient:  # type: ignore[type-arg]
        client = TestClient(self.build_app(body_limit))
        client.headers.update(HEADERS)
        return client
