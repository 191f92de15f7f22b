"""The dependencies of the route handlers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request

from app.admin.consent_proofs import ConsentProofs
from app.admin.templates import TemplateService
from app.admin.type_simulation import TypeSimulator
from app.api.auth_bodies import Feature
from app.api.live.service import LiveService
from app.api.pipeline.service import PipelineService
from app.api.ports import HistoryReader, IdempotentResponses, ReadMarks, RecentNotifications, UserTables, WindowResets
from app.api.services.analytics import Analytics
from app.api.services.api_key_service import ApiKeyService
from app.api.services.callback_service import CallbackService
from app.api.services.held_changes import HeldChanges
from app.api.services.link_consent import LinkConsent
from app.api.services.notification_records import NotificationRecords
from app.api.services.personal_data import PersonalData
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.providers import Providers
from app.api.services.readiness import ReadinessMonitor
from app.api.services.simulator_client import SimulatorClient
from app.api.services.submission_service import SubmissionService
from app.api.services.webhook_endpoints import WebhookEndpointService
from app.auth.services import AuthServices
from app.telemetry import Metrics
from schemas.channels import ChannelName
from schemas.message_links import LinkBuilder
from schemas.ports import Clock
from schemas.store_ports import PolicyReader, ProfileReader
from tables.postgres.accounts import AccountStore
from tables.postgres.audiences import AudienceStore
from tables.postgres.audit_log import AuditLogReader
from tables.postgres.broadcasts import BroadcastStore
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.endpoint_attempts import PostgresEndpointAttempts
from tables.postgres.log_chain import LogChainStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.projects import ProjectStore
from tables.postgres.rate_limits import RateLimitStore
from tables.postgres.redrives import RedriveStore
from tables.postgres.rules import RuleStore
from tables.postgres.saved_views import SavedViewStore
from tables.postgres.schedules import ScheduleStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.users import UserStore

ApiRequest = Request[Any, Any, Any]


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """Services, ports and values of one gateway; `receipt_timeouts` in seconds for each channel.

    `sample_links` are those of previews: links that nobody can use; None if messages have none. `simulators`: of a local stack.
    """

    submission_service: SubmissionService
    history: HistoryReader
    read_marks: ReadMarks
    recent_notifications: RecentNotifications
    readiness: ReadinessMonitor
    metrics: Metrics
    clock: Clock
    receipt_timeouts: Mapping[ChannelName, int]
    profiles: ProfileReader
    user_tables: UserTables
    window_resets: WindowResets
    held_changes: HeldChanges
    policies: PolicyReader
    users: UserStore
    preferences: PreferenceStore
    suppressions: SuppressionStore
    profile_eviction: ProfileEviction
    templates: TemplateService
    rules: RuleStore
    rule_simulator: TypeSimulator
    notification_records: NotificationRecords
    audiences: AudienceStore
    broadcasts: BroadcastStore
    schedules: ScheduleStore
    rate_limits: RateLimitStore
    dead_letters: DeadLetterStore
    webhook_endpoints: WebhookEndpointService
    link_consent: LinkConsent
    redrives: RedriveStore
    topic_prefix: str
    callbacks: CallbackService
    api_keys: ApiKeyService
    audit_log: AuditLogReader
    log_chains: LogChainStore
    accounts: AccountStore
    auth: AuthServices | None
    personal_data: PersonalData
    consent_proofs: ConsentProofs
    live: LiveService
    projects: ProjectStore
    separates_projects: bool
    idempotent_responses: IdempotentResponses
    deliveries: PostgresDeliveryList
    endpoint_attempts: PostgresEndpointAttempts
    providers: Providers
    pipeline: PipelineService
    analytics: Analytics
    saved_views: SavedViewStore
    sample_links: LinkBuilder | None = None
    simulators: SimulatorClient | None = None

    def list_features(self) -> list[Feature]:
        """What this installation has that others have not."""
        features: dict[Feature, bool] = {"projects": self.separates_projects, "simulators": self.simulators is not None}
        return [feature for feature, is_there in features.items() if is_there]


def get_dependencies(request: ApiRequest) -> Dependencies:
    """The dependencies of the app that handles this request."""
    return cast(Dependencies, request.app.state.dependencies)
