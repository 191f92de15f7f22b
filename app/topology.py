"""The pipeline on one screen: which role reads which topics, remembers what, and writes where (docs/architecture.md)."""

from dataclasses import dataclass, field

from schemas.enums import CHANNELS, PRIORITIES
from schemas.policy import MAX_WINDOW_SECONDS
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic


@dataclass(frozen=True)
class RoleSpec:
    """A role: the topics it reads, highest priority first; its tables with the seconds their rows live; the topics it writes."""

    role: str
    source_topics: tuple[str, ...]
    sink_topics: tuple[str, ...] = ()
    table_ttls: dict[str, int] = field(default_factory=dict)


DAY_SECONDS = 24 * 3600

TOPOLOGY: tuple[RoleSpec, ...] = (
    RoleSpec(
        "router",
        source_topics=tuple(get_notifications_topic(priority) for priority in PRIORITIES),
        sink_topics=(
            *(get_deliveries_topic(channel, priority) for channel in CHANNELS for priority in PRIORITIES),
            *(get_notifications_topic(priority) for priority in PRIORITIES),
            STATUS_TOPIC,
            DEAD_LETTER_TOPIC,
        ),
        table_ttls={
            "idempotency": 2 * DAY_SECONDS,
            "rate_windows": MAX_WINDOW_SECONDS,
        },  # a record may be a day old when the first with its key is sought
    ),
    *(
        RoleSpec(
            channel,
            source_topics=tuple(get_deliveries_topic(channel, priority) for priority in PRIORITIES),
            sink_topics=(STATUS_TOPIC, DEAD_LETTER_TOPIC),
            table_ttls={"attempts": 3 * DAY_SECONDS},
        )
        for channel in CHANNELS
    ),
    RoleSpec("recorder", source_topics=(STATUS_TOPIC, DEAD_LETTER_TOPIC)),
)

ROLES: tuple[str, ...] = tuple(stage.role for stage in TOPOLOGY)


def get_role_spec(role: str) -> RoleSpec:
    """The stage of a role. Raises KeyError for a role that there is not."""
    return {stage.role: stage for stage in TOPOLOGY}[role]
