"""How many messages a user was sent, by channel and day (UTC): what the recorder counts and what reports read."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Outcome
from schemas.history import LoggedAttempt
from schemas.lifetimes import DAY
from schemas.webhook_endpoints import MESSAGE_PREFIX

CountKey = tuple[int, str, str]
"""What a counter is of: the day in days since 1970 (UTC), the user, the channel; in the order of the table's key."""


class DailyCount(Struct, frozen=True):
    """Messages to a user that the providers of a channel accepted on a day (UTC)."""

    day: date
    channel: ChannelName
    sent: int


def count_sent(attempts: Iterable[LoggedAttempt]) -> Counter[CountKey]:
    """The messages that a provider has accepted in these attempts; a delivery that is sent again by a redrive counts again.

    Webhooks of Herold's own, which report a status or test an endpoint, are no messages to the user.
    """
    accepted = Outcome.ACCEPTED  # looked up once
    events = [attempt.event for attempt in attempts]
    return Counter(
        [
            (int(event.occurred_at // DAY), event.user_id, event.channel)
            for event in events
            if event.outcome is accepted and not (event.endpoint_id and event.notification_id.startswith(MESSAGE_PREFIX))
        ]
    )


def get_utc_date(at: float) -> date:
    """The date of a time in epoch seconds."""
    return datetime.fromtimestamp(at, UTC).date()
