"""The dependencies of the route handlers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request

from app.admin.consent_proofs import ConsentProofs
from app.admin.templates import TemplateService
from app.api.live.service import LiveService
from app.api.ports import HistoryReader, IdempotentResponses, ReadMarks, RecentNotifications, UserTables, WindowResets
from app.api.services.api_key_service import ApiKeyService
from app.api.services.callback_service import CallbackService
from app.api.services.held_changes import HeldChanges
from app.api.services.link_consent import LinkConsent
from app.api.services.personal_data import PersonalData
from app.api.services.profile_eviction import ProfileEviction
from app.api.services.provider_states import ProviderStates
from app.api.services.readiness import ReadinessMonitor
from app.api.services.submission_service import SubmissionService
from app.api.services.webhook_endpoints import WebhookEndpointService
from app.auth.services import AuthServices
from app.telemetry import Metrics
from schemas.channels import ChannelName
from schemas.ports import Clock
from schemas.store_ports import PolicyReader, ProfileReader
from tables.postgres.accounts import AccountStore
from tables.postgres.audiences import AudienceStore
from tables.postgres.audit_log import AuditLogReader
from tables.postgres.broadcasts import BroadcastStore
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.delivery_list import PostgresDeliveryList
from tables.postgres.log_chain import LogChainStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.projects import ProjectStore
from tables.postgres.rate_limits import RateLimitStore
from tables.postgres.redrives import RedriveStore
from tables.postgres.rules import RuleStore
from tables.postgres.schedules import ScheduleStore
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.users import UserStore

ApiRequest = Request[Any, Any, Any]


@dataclass(frozen=True)
class Dependencies:
    """Services, ports and values of one gateway; `receipt_timeouts` in seconds for each channel."""

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
    provider_states: ProviderStates


def get_dependencies(request: ApiRequest) -> Dependencies:
    """The dependencies of the app that handles this request."""
    return cast(Dependencies, request.app.state.dependencies)
