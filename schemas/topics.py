"""The topics of Herold: name, key, values and configuration (docs/reference/topics.md)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.delivery import Delivery
from schemas.enums import PRIORITIES, Priority
from schemas.events import DecidedEvent, EngagementEvent, InboundEvent, ReceiptEvent, StatusEvent
from schemas.lifetimes import DEAD_LETTER_RECORDS, DELIVERY_RECORDS, NOTIFICATION_RECORDS, SCHEDULED_RECORDS, STATUS_RECORDS
from schemas.notification import Notification
from schemas.scheduled import Cancel, Reschedule, Scheduled

MAX_NOTIFICATION_BYTES = 256 * 1024
MAX_DELIVERY_BYTES = 256 * 1024
MAX_DEAD_LETTER_BYTES = 1024 * 1024 + 64 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic; `value_types` are the structs that its JSON values decode to, empty for raw bytes; `retention` is in seconds."""

    name: str
    key: str
    value_types: tuple[type, ...]
    description: str
    retention: int
    max_message_bytes: int
    config_overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def kafka_config(self) -> dict[str, str]:
        """The topic's configuration in Kafka."""
        retention = {"cleanup.policy": "delete", "retention.ms": str(self.retention * 1000)}
        return {**retention, "max.message.bytes": str(self.max_message_bytes), **self.config_overrides}


def get_notifications_topic(priority: Priority) -> str:
    """The input topic of a priority."""
    return f"notifications.{priority}"


def get_scheduled_topic(priority: Priority) -> str:
    """The topic of a priority's scheduled notifications and deliveries."""
    return f"scheduled.{priority}"


def get_deliveries_topic(channel: ChannelName, priority: Priority) -> str:
    """The topic of a channel's deliveries of a priority."""
    return f"deliveries.{channel}.{priority}"


STATUS_TOPIC = "notifications.status"
DEAD_LETTER_TOPIC = "notifications.dlq"
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}


def _define_topics() -> Iterator[Topic]:
    for priority in PRIORITIES:
        description = f"submitted notifications of {priority} priority"
        name, values = get_notifications_topic(priority), (Notification,)
        yield Topic(name, "user_id", values, description, NOTIFICATION_RECORDS, MAX_NOTIFICATION_BYTES, LOG_APPEND_TIME)
    for priority in PRIORITIES:
        description = f"notifications and deliveries of {priority} priority that are not due yet"
        scheduled_values, name = (Scheduled, Cancel, Reschedule), get_scheduled_topic(priority)
        yield Topic(name, "user_id", scheduled_values, description, SCHEDULED_RECORDS, MAX_DELIVERY_BYTES, LOG_APPEND_TIME)
    for channel in CHANNEL_NAMES:
        for priority in PRIORITIES:
            description = f"{channel} deliveries of {priority} priority"
            yield Topic(get_deliveries_topic(channel, priority), "user_id", (Delivery,), description, DELIVERY_RECORDS, MAX_DELIVERY_BYTES)
    description = "decided and status events, and reports of providers, for the recorder"
    # all workers with tables produce to it, and learn the brokers' time from the acknowledgements
    status_values = (DecidedEvent, StatusEvent, ReceiptEvent, EngagementEvent, InboundEvent)
    key = "user_id, or of a report the delivery's id"
    yield Topic(STATUS_TOPIC, key, status_values, description, STATUS_RECORDS, MAX_DELIVERY_BYTES, LOG_APPEND_TIME)
    description = "original bytes of records that could not be processed"
    yield Topic(DEAD_LETTER_TOPIC, "user_id", (), description, DEAD_LETTER_RECORDS, MAX_DEAD_LETTER_BYTES)


TOPICS: tuple[Topic, ...] = tuple(_define_topics())
"""All topics in the order of the pipeline, without the topic prefix of an installation."""


def parse_priority(topic: str) -> Priority:
    """The priority at the end of a topic's name. Raises ValueError for a topic without one."""
    for priority in PRIORITIES:
        if topic.endswith(f".{priority}"):
            return priority
    raise ValueError(f"{topic} has no priority")
