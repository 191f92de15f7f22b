"""The clients with all operations. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from herold_client.operations.accounts import Accounts, AsyncAccounts
from herold_client.operations.analytics import Analytics, AsyncAnalytics
from herold_client.operations.api_keys import ApiKeys, AsyncApiKeys
from herold_client.operations.audiences import AsyncAudiences, Audiences
from herold_client.operations.audit import AsyncAudit, Audit
from herold_client.operations.broadcasts import AsyncBroadcasts, Broadcasts
from herold_client.operations.consent import AsyncConsent, Consent
from herold_client.operations.dead_letters import AsyncDeadLetters, DeadLetters
from herold_client.operations.deliveries import AsyncDeliveries, Deliveries
from herold_client.operations.live import AsyncLive, Live
from herold_client.operations.login import AsyncLogin, Login
from herold_client.operations.notifications import AsyncNotifications, Notifications
from herold_client.operations.operations import AsyncOperations, Operations
from herold_client.operations.preferences import AsyncPreferences, Preferences
from herold_client.operations.projects import AsyncProjects, Projects
from herold_client.operations.rate_limits import AsyncRateLimits, RateLimits
from herold_client.operations.rules import AsyncRules, Rules
from herold_client.operations.schedules import AsyncSchedules, Schedules
from herold_client.operations.simulators import AsyncSimulators, Simulators
from herold_client.operations.suppressions import AsyncSuppressions, Suppressions
from herold_client.operations.templates import AsyncTemplates, Templates
from herold_client.operations.users import AsyncUsers, Users
from herold_client.operations.views import AsyncViews, Views
from herold_client.operations.webhook_endpoints import AsyncWebhookEndpoints, WebhookEndpoints
from herold_client.retries import RetryPolicy
from herold_client.transport import TIMEOUT, AsyncTransport, Transport


class Herold(
    Accounts,
    Analytics,
    ApiKeys,
    Audiences,
    Audit,
    Broadcasts,
    Consent,
    DeadLetters,
    Deliveries,
    Live,
    Login,
    Notifications,
    Operations,
    Preferences,
    Projects,
    RateLimits,
    Rules,
    Schedules,
    Simulators,
    Suppressions,
    Templates,
    Users,
    Views,
    WebhookEndpoints,
):
    """The client of one gateway, at a URL such as `http://127.0.0.1:8080`; `timeout` in seconds."""

    def __init__(self, url: str, api_key: str, *, timeout: float = TIMEOUT, retries: RetryPolicy = RetryPolicy()) -> None:  # noqa: B008
        Transport.__init__(self, url, api_key, timeout=timeout, retries=retries)


class AsyncHerold(
    AsyncAccounts,
    AsyncAnalytics,
    AsyncApiKeys,
    AsyncAudiences,
    AsyncAudit,
    AsyncBroadcasts,
    AsyncConsent,
    AsyncDeadLetters,
    AsyncDeliveries,
    AsyncLive,
    AsyncLogin,
    AsyncNotifications,
    AsyncOperations,
    AsyncPreferences,
    AsyncProjects,
    AsyncRateLimits,
    AsyncRules,
    AsyncSchedules,
    AsyncSimulators,
    AsyncSuppressions,
    AsyncTemplates,
    AsyncUsers,
    AsyncViews,
    AsyncWebhookEndpoints,
):
    """The asynchronous client of one gateway, at a URL such as `http://127.0.0.1:8080`; `timeout` in seconds."""

    def __init__(self, url: str, api_key: str, *, timeout: float = TIMEOUT, retries: RetryPolicy = RetryPolicy()) -> None:  # noqa: B008
        AsyncTransport.__init__(self, url, api_key, timeout=timeout, retries=retries)
