"""An example of each page that a list of the API answers with, for the OpenAPI document; built from the structs, so that they agree."""

from msgspec import Struct

from app.api.analytics_bodies import ANALYTICS_EXAMPLES
from app.api.api_key_bodies import EXAMPLE_KEY_PAGE
from app.api.audit_bodies import AUDIT_EXAMPLES
from app.api.auth_bodies import AUTH_EXAMPLES
from app.api.broadcast_requests import AudiencePage, BroadcastPage, MemberPage, SchedulePage
from app.api.dead_letter_examples import DEAD_LETTER_EXAMPLES
from app.api.delivery_bodies import EXAMPLE_DELIVERY_PAGE
from app.api.preview_bodies import EXAMPLE_PREVIEW
from app.api.project_bodies import EXAMPLE_PROJECT_PAGE
from app.api.provider_bodies import EXAMPLE_PROVIDER_ACCOUNTS
from app.api.rate_limit_bodies import RateLimitPage, RateLimitResponse, RateLimitVersionPage
from app.api.record_bodies import EXAMPLE_RECORDS
from app.api.responses import (
    ConsentEventPage,
    DeliveryResponse,
    DevicePage,
    NotificationPage,
    NotificationResponse,
    PreferenceList,
    RulePage,
    RuleResponse,
    RuleVersionPage,
    SuppressionPage,
    UserPage,
)
from app.api.simulator_bodies import SIMULATOR_EXAMPLES
from app.api.template_requests import TemplatePage
from app.api.view_bodies import EXAMPLE_VIEW_PAGE
from app.api.webhook_endpoint_bodies import EXAMPLE_ATTEMPT_PAGE, WebhookEndpointPage
from schemas.audiences import Audience, AudienceFilter
from schemas.broadcasts import Broadcast, BroadcastCounts, BroadcastNotification
from schemas.policy import RateLimit
from schemas.policy_document import PriorityCaseEntry, RuleEntry
from schemas.profile import QuietHours
from schemas.rate_limits import RateLimitVersion
from schemas.rule_versions import RuleVersion
from schemas.schedules import Schedule
from schemas.template_versions import TemplateSummary
from schemas.users import ConsentEvent, Device, Preference, Suppression, User
from schemas.webhook_endpoints import SecretInfo, WebhookEndpoint

AT, LATER = 1_795_851_813.0, 1_795_855_413.0  # 2026-11-28 07:43:33 UTC, and an hour later
UUID = "01a2211d759678619811269291aeed15"
CURSOR = "WyJhMmI0YzYiLCJ1LTQyIl0"
WEEKLY = BroadcastNotification(type="newsletter.weekly", data={"headline": "News", "intro": "Hello", "link": "https://example.org"})
RULE = RuleEntry(
    type="order.shipped",
    category="transactional",
    channels=["email", "push"],
    template="order-shipped",
    priorities=[PriorityCaseEntry(when="user.tier == 'gold'", priority="high")],
)

LIST_EXAMPLES: tuple[Struct, ...] = (
    NotificationPage(
        items=[
            NotificationResponse(
                id=f"ntf_{UUID}",
                state="routed",
                priority="medium",
                final=True,
                user_id="u-42",
                type="order.shipped",
                category="transactional",
                created_at=AT,
                decided_at=AT,
                expires_at=AT + 86_400,
                deliveries=[DeliveryResponse(id=f"dlv_{UUID}", channel="email", status="DELIVERED", provider="sendgrid")],
            )
        ],
        next_cursor=CURSOR,
    ),
    UserPage(
        items=[
            User(
                id="u-42",
                addresses={"email": ["ada@example.org"], "sms": ["+436641234567"]},
                locale="de-AT",
                time_zone="Europe/Vienna",
                tier="gold",
                attributes={"plan": "pro"},
                quiet_hours=QuietHours("22:00", "07:00"),
                version=45,
                created_at=AT,
                updated_at=LATER,
            )
        ],
        next_cursor=CURSOR,
    ),
    DevicePage(items=[Device(token="token-1", kind="fcm", platform="android", last_seen_at=AT, updated_at=AT)], next_cursor=None),
    PreferenceList(items=[Preference(category="marketing", choice="out"), Preference("in", "marketing", "push", "daily")]),
    ConsentEventPage(
        items=[
            ConsentEvent(
                id=f"cev_{UUID}",
                user_id="u-42",
                category="marketing",
                channel="email",
                address="",
                change="preference_set",
                old_choice="",
                new_choice="out",
                source="cli",
                actor="support-7",
                reason="asked by telephone",
                occurred_at=AT,
            )
        ],
        next_cursor=CURSOR,
    ),
    SuppressionPage(
        items=[
            Suppression(
                id=f"sup_{UUID}",
                channel="email",
                address="ada@example.org",
                user_id=None,
                category="",
                reason="complaint",
                source_event="evt-17",
                created_at=AT,
                created_by="api",
                undone_at=None,
                undone_by=None,
            )
        ],
        next_cursor=None,
    ),
    TemplatePage(
        items=[
            TemplateSummary(
                name="order-shipped",
                published_version=2,
                latest_version=3,
                channels=["email", "push"],
                locales=["de", "default"],
                updated_at=AT,
            )
        ],
        next_cursor=None,
    ),
    RulePage(items=[RuleResponse(version=2, rule=RULE)], next_cursor=CURSOR),
    RuleVersionPage(items=[RuleVersion(version=2, rule=RULE, actor="ada", comment="faster for gold", changed_at=AT)], next_cursor=None),
    RateLimitPage(
        items=[RateLimitResponse(version=1, limit=RateLimit(channel="sms", max_count=10, window_seconds=3600, category="marketing"))],
        next_cursor=None,
    ),
    RateLimitVersionPage(
        items=[RateLimitVersion(version=1, max_count=10, actor="ada", comment="too many", changed_at=AT)],
        next_cursor=None,
    ),
    AudiencePage(
        items=[
            Audience(
                name="paying",
                kind="filter",
                filter=AudienceFilter(tier=["gold"], locale=["de"]),
                description="who pays and reads German",
                version=1,
                created_at=AT,
                updated_at=AT,
            )
        ],
        next_cursor=None,
    ),
    MemberPage(items=["u-42", "u-43"], next_cursor=CURSOR),
    BroadcastPage(
        items=[
            Broadcast(
                id=f"brd_{UUID}",
                audience="paying",
                user_count=0,
                schedule_id=None,
                run_at=None,
                notification=WEEKLY,
                priority="low",
                rate=500,
                state="running",
                total_count=120_000,
                expanded_count=43_000,
                created_at=AT,
                started_at=AT,
                ended_at=None,
                created_by="ada",
                error="",
                version=3,
                counts=BroadcastCounts(
                    counted_at=AT,
                    decided_count=43_000,
                    waiting_count=1_200,
                    notifications={"routed": 40_000, "held": 1_000, "rejected": 2_000},
                    notification_reasons={"held": {"quiet_hours": 1_000}, "rejected": {"opted_out": 2_000}},
                    deliveries={"PENDING": 4_000, "SENT": 6_000, "DELIVERED": 29_900, "FAILED": 100},
                    delivery_reasons={"FAILED": {"rejected_recipient": 100}},
                ),
                cancellation=None,
            )
        ],
        next_cursor=None,
    ),
    SchedulePage(
        items=[
            Schedule(
                id=f"sch_{UUID}",
                name="weekly",
                cron="0 9 * * 1",
                time_zone="Europe/Vienna",
                start_at=None,
                end_at=None,
                missed="once",
                notification=WEEKLY,
                priority="low",
                audience="paying",
                user_ids=None,
                user_count=0,
                rate=None,
                state="active",
                next_run_at=LATER,
                last_run_at=None,
                version=1,
                created_at=AT,
                updated_at=AT,
                created_by="ada",
            )
        ],
        next_cursor=None,
    ),
    *DEAD_LETTER_EXAMPLES,
    EXAMPLE_KEY_PAGE,
    EXAMPLE_DELIVERY_PAGE,
    EXAMPLE_PREVIEW,
    EXAMPLE_ATTEMPT_PAGE,
    EXAMPLE_RECORDS,
    EXAMPLE_VIEW_PAGE,
    EXAMPLE_PROVIDER_ACCOUNTS,
    EXAMPLE_PROJECT_PAGE,
    *ANALYTICS_EXAMPLES,
    *AUDIT_EXAMPLES,
    *AUTH_EXAMPLES,
    *SIMULATOR_EXAMPLES,
    WebhookEndpointPage(
        items=[
            WebhookEndpoint(
                id=f"whe_{UUID}",
                kind="user",
                user_id="u-partner-north",
                url="https://hooks.example.org/orders",
                description="the order system",
                types=["order.*", "partner.invoice"],
                categories=[],
                statuses=[],
                signature="hmac",
                is_enabled=True,
                disabled_reason="",
                disabled_at=None,
                secrets=[SecretInfo(AT, None, "")],
                version=7,
                created_at=AT,
                updated_at=LATER,
            )
        ],
        next_cursor=None,
    ),
)
