"""The pipeline on one screen: each role with its source topics, its sink topics and its tables (docs/architecture.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.channels import CHANNEL_NAMES, CHANNELS
from schemas.enums import PRIORITIES
from schemas.lifetimes import ATTEMPT_ROWS, DIGEST_ROWS, ENDPOINT_ORDER_ROWS, IDEMPOTENCY_ROWS, RATE_WINDOW_ROWS
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic, get_scheduled_topic
from tables import attempts, digests, due, endpoint_order, idempotency, rate_windows
from tables.table_definition import TableDefinition


@dataclass(frozen=True)
class RoleSpec:
    """A role: its source topics, highest priority first; its sink topics; its tables with the time to live of their rows.

    A time to live is in seconds; None: the rows do not expire. `looked_up_topics`: those of which single records are read by their offsets.
    """

    role: str
    source_topics: tuple[str, ...]
    sink_topics: tuple[str, ...] = ()
    tables: Mapping[TableDefinition, int | None] = field(default_factory=dict)
    looked_up_topics: tuple[str, ...] = ()

    @property
    def table_ttls(self) -> dict[str, int | None]:
        """The time to live of the rows, in seconds, by table name; None if they do not expire."""
        return {table.name: ttl for table, ttl in self.tables.items()}


SCHEDULED_TOPICS = tuple(get_scheduled_topic(priority) for priority in PRIORITIES)
NOTIFICATIONS_TOPICS = tuple(get_notifications_topic(priority) for priority in PRIORITIES)
DELIVERIES_TOPICS = {channel: tuple(get_deliveries_topic(channel, priority) for priority in PRIORITIES) for channel in CHANNEL_NAMES}
ALL_DELIVERIES_TOPICS = tuple(topic for topics in DELIVERIES_TOPICS.values() for topic in topics)

TOPOLOGY: tuple[RoleSpec, ...] = (
    RoleSpec(
        "router",
        source_topics=NOTIFICATIONS_TOPICS,
        # scheduled: held notifications; notifications: to repartition
        sink_topics=(*ALL_DELIVERIES_TOPICS, *SCHEDULED_TOPICS, *NOTIFICATIONS_TOPICS, STATUS_TOPIC, DEAD_LETTER_TOPIC),
        tables={
            idempotency.TABLE: IDEMPOTENCY_ROWS,
            rate_windows.TABLE: RATE_WINDOW_ROWS,
            digests.TABLE: DIGEST_ROWS,
        },
    ),
    *(
        RoleSpec(
            channel.name,  # email, sms, push, webhook
            source_topics=DELIVERIES_TOPICS[channel.name],
            sink_topics=(STATUS_TOPIC, DEAD_LETTER_TOPIC, *SCHEDULED_TOPICS),  # scheduled: retries, next steps of escalations
            tables={attempts.TABLE: ATTEMPT_ROWS} | ({endpoint_order.TABLE: ENDPOINT_ORDER_ROWS} if channel.has_endpoints else {}),
        )
        for channel in CHANNELS
    ),
    RoleSpec(
        "scheduler",
        source_topics=SCHEDULED_TOPICS,
        # scheduled: cancels of what waits of a broadcast that was cancelled
        sink_topics=(*NOTIFICATIONS_TOPICS, *ALL_DELIVERIES_TOPICS, *SCHEDULED_TOPICS, STATUS_TOPIC, DEAD_LETTER_TOPIC),
        tables={due.TABLE: None},  # an entry may be due in years
    ),
    RoleSpec(
        "recorder",  # writes to PostgreSQL
        source_topics=(STATUS_TOPIC, DEAD_LETTER_TOPIC),
        # webhooks that report statuses, notices about webhook endpoints, and what a carrier could not deliver, to be sent again
        sink_topics=(*DELIVERIES_TOPICS["webhook"], *NOTIFICATIONS_TOPICS, *SCHEDULED_TOPICS, STATUS_TOPIC),
        looked_up_topics=DELIVERIES_TOPICS["sms"],
    ),
)

PING_TOPIC = get_deliveries_topic("webhook", "high")
"""Where the gateway writes the test call of a webhook endpoint."""

GATEWAY_SINK_TOPICS = (*NOTIFICATIONS_TOPICS, *SCHEDULED_TOPICS, STATUS_TOPIC, PING_TOPIC)
"""scheduled: cancellations and new times of what is held; status: callbacks of providers."""

ROLES: tuple[str, ...] = tuple(spec.role for spec in TOPOLOGY)


def get_role_spec(role: str) -> RoleSpec:
    """The specification of a role. Raises KeyError for an unknown role."""
    return {spec.role: spec for spec in TOPOLOGY}[role]
