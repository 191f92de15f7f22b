"""What Kafka still has of a notification: its records, and what its deliveries said."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.api.record_bodies import RecordedContent, build_content, find_newest_deliveries
from app.api.responses import NotificationResponse
from app.kafka.notification_records import FoundRecord, FoundRecords, NotificationRecordReader
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES
from schemas.notification_records import WantedRecords, find_windows
from schemas.topics import DEAD_LETTER_TOPIC, STATUS_TOPIC, get_deliveries_topic, get_notifications_topic, get_scheduled_topic
from schemas.user_keys import SealerReader

TOPICS_OF_ALL_STEPS = (
    *map(get_notifications_topic, PRIORITIES),  # a rule may set another priority than the producer's topic
    *map(get_scheduled_topic, PRIORITIES),
    STATUS_TOPIC,
    DEAD_LETTER_TOPIC,
)


@dataclass(frozen=True)
class NotificationRecords:
    """`sealers` is None for an installation without keys; `topic_prefix` is that of its topics."""

    reader: NotificationRecordReader
    sealers: SealerReader | None
    topic_prefix: str

    async def find(self, notification: NotificationResponse) -> FoundRecords:
        """The records around the times that are recorded of a notification; none if its user is not known yet.

        Raises RecordSearchRunningError and RecordedNotificationsUnavailableError.
        """
        if not notification.user_id:
            return FoundRecords([], is_complete=True)
        delivery_ids = frozenset(delivery.id for delivery in notification.deliveries)
        wanted = WantedRecords(notification.id, notification.user_id, delivery_ids)
        return await self.reader.find(wanted, list_topics(notification), find_windows(list_times(notification)))

    async def read_contents(self, records: Sequence[FoundRecord], user_id: str, templates: Mapping[str, str]) -> list[RecordedContent]:
        """What the deliveries among these records said; `templates` are labels by channel. Raises UnavailableError."""
        values = find_newest_deliveries(records)
        is_sealed = any(b'"sealed":' in value for value in values)
        sealers = await self.sealers.get_many([user_id]) if is_sealed and self.sealers is not None else {}
        contents = (build_content(value, sealers.get(user_id), templates) for value in values)
        return [content for content in contents if content is not None]


def list_topics(notification: NotificationResponse) -> list[str]:
    """The topics in which the notification may have records, without the topic prefix."""
    channels = {delivery.channel for delivery in notification.deliveries}
    priorities = [one for one in PRIORITIES if notification.priority in ("", one)]
    deliveries = [get_deliveries_topic(channel, one) for channel in CHANNEL_NAMES if channel in channels for one in priorities]
    return [*TOPICS_OF_ALL_STEPS, *deliveries]


def list_times(notification: NotificationResponse) -> Iterator[float]:
    """When something happened to a notification, as far as it is recorded, in epoch seconds."""
    yield from filter(None, (notification.created_at, notification.decided_at))
    for delivery in notification.deliveries:
        yield from (attempt.occurred_at for attempt in delivery.attempts)
