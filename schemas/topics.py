"""Every topic of Herold: name, key, value and policy; the contract with Kafka (design.md section 4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schemas.delivery import Delivery
from schemas.enums import CHANNELS, PRIORITIES, Channel, Priority
from schemas.events import DecidedEvent, StatusEvent
from schemas.notification import Notification
from schemas.scheduled import Cancel, Scheduled

MS_PER_DAY = 86_400_000
MAX_NOTIFICATION_BYTES = 256 * 1024
MAX_DELIVERY_BYTES = 256 * 1024
MAX_DEAD_LETTER_BYTES = 1024 * 1024 + 64 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic of the catalogue; `values` are the structs its JSON values decode to, none for raw bytes."""

    name: str
    key: str
    value_types: tuple[type, ...]
    description: str
    retention_days: int
    max_message_bytes: int
    config_overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def kafka_config(self) -> dict[str, str]:
        """The topic's configuration in Kafka."""
        kept = {"cleanup.policy": "delete", "retention.ms": str(self.retention_days * MS_PER_DAY)}
        return {**kept, "max.message.bytes": str(self.max_message_bytes), **self.config_overrides}


def get_notifications_topic(priority: Priority) -> str:
    """The topic that producers write a priority's notifications to."""
    return f"notifications.{priority}"


def get_scheduled_topic(priority: Priority) -> str:
    """The topic of what is not due yet."""
    return f"scheduled.{priority}"


def get_deliveries_topic(channel: Channel, priority: Priority) -> str:
    """The topic of a channel's deliveries in a priority."""
    return f"deliveries.{channel}.{priority}"


STATUS_TOPIC = "notifications.status"
DEAD_LETTER_TOPIC = "notifications.dlq"
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}


def define_topics() -> Iterator[Topic]:
    """All topics, in the order of the flow, without the prefix of an installation."""
    for priority in PRIORITIES:
        about = f"notifications of the {priority} priority"
        yield Topic(get_notifications_topic(priority), "user_id", (Notification,), about, 7, MAX_NOTIFICATION_BYTES, LOG_APPEND_TIME)
    for priority in PRIORITIES:
        yield Topic(
            get_scheduled_topic(priority),
            "user_id",
            (Scheduled, Cancel),
            f"what is not due yet in the {priority} priority",
            7,
            MAX_DELIVERY_BYTES,
        )
    for channel in CHANNELS:
        for priority in PRIORITIES:
            about = f"{channel} deliveries of the {priority} priority"
            yield Topic(get_deliveries_topic(channel, priority), "user_id", (Delivery,), about, 3, MAX_DELIVERY_BYTES)
    yield Topic(STATUS_TOPIC, "user_id", (DecidedEvent, StatusEvent), "what the recorder writes to history", 7, MAX_DELIVERY_BYTES)
    yield Topic(DEAD_LETTER_TOPIC, "user_id", (), "original bytes of what cannot go on; headers say why", 30, MAX_DEAD_LETTER_BYTES)


def parse_priority(topic: str) -> Priority:
    """The priority in a topic's name. Raises ValueError for a topic without one."""
    for priority in PRIORITIES:
        if topic.endswith(f".{priority}"):
            return priority
    raise ValueError(f"{topic} has no priority")
