"""Every topic of Herold: name, key, value and policy; the contract with Kafka (design.md section 4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schemas.delivery import Delivery
from schemas.notification import Notification
from schemas.scheduled import Cancel, Scheduled
from schemas.status import Accepted, Status
from schemas.words import CHANNELS, LANES, Channel, Lane

DAY_MS = 86_400_000
MAX_NOTIFICATION_BYTES = 256 * 1024
MAX_DELIVERY_BYTES = 256 * 1024
MAX_DEAD_LETTER_BYTES = 1024 * 1024 + 64 * 1024


@dataclass(frozen=True)
class Topic:
    """A topic of the catalogue; `values` are the structs its JSON values decode to, none for raw bytes."""

    name: str
    key: str
    values: tuple[type, ...]
    about: str
    days: int
    max_bytes: int
    config: Mapping[str, str] = field(default_factory=dict)

    @property
    def policy(self) -> dict[str, str]:
        """The topic's configuration in Kafka."""
        kept = {"cleanup.policy": "delete", "retention.ms": str(self.days * DAY_MS)}
        return {**kept, "max.message.bytes": str(self.max_bytes), **self.config}


def notifications(lane: Lane) -> str:
    """The topic that producers write a lane's notifications to."""
    return f"notifications.{lane}"


def scheduled(lane: Lane) -> str:
    """The topic of what is not due yet."""
    return f"scheduled.{lane}"


def deliveries(channel: Channel, lane: Lane) -> str:
    """The topic of a channel's deliveries in a lane."""
    return f"deliveries.{channel}.{lane}"


STATUS = "notifications.status"
DEAD_LETTERS = "notifications.dlq"
BROKER_TIME = {"message.timestamp.type": "LogAppendTime"}


def catalogue() -> Iterator[Topic]:
    """All topics, in the order of the flow, without the prefix of an installation."""
    for lane in LANES:
        about = f"notifications of the {lane} lane"
        yield Topic(notifications(lane), "user_id", (Notification,), about, 7, MAX_NOTIFICATION_BYTES, BROKER_TIME)
    for lane in LANES:
        yield Topic(scheduled(lane), "user_id", (Scheduled, Cancel), f"what is not due yet in the {lane} lane", 7, MAX_DELIVERY_BYTES)
    for channel in CHANNELS:
        for lane in LANES:
            about = f"{channel} deliveries of the {lane} lane"
            yield Topic(deliveries(channel, lane), "user_id", (Delivery,), about, 3, MAX_DELIVERY_BYTES)
    yield Topic(STATUS, "user_id", (Accepted, Status), "what the recorder writes to history", 7, MAX_DELIVERY_BYTES)
    yield Topic(DEAD_LETTERS, "user_id", (), "original bytes of what cannot go on; headers say why", 30, MAX_DEAD_LETTER_BYTES)


def lane_of(topic: str) -> Lane:
    """The lane in a topic's name. Raises ValueError for a topic without one."""
    for lane in LANES:
        if topic.endswith(f".{lane}"):
            return lane
    raise ValueError(f"{topic} has no lane")
