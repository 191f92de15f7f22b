"""The search for deliveries: what is wanted, and what is found."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Priority, Status

Order = Literal["newest", "oldest"]

DeliveryKey = tuple[str, str]
"""The ids of a delivery and of its notification, after which a page begins."""


class DeliveryFilter(NamedTuple):
    """Which deliveries are searched for; None for all. `since` and `until` in epoch seconds; `project` is empty for the default project."""

    statuses: Sequence[Status] | None = None
    channel: ChannelName | None = None
    provider: str | None = None
    reason: str | None = None
    priority: Priority | None = None
    category: str | None = None
    type: str | None = None
    user_id: str | None = None
    since: float = 0.0
    until: float | None = None
    project: str = ""
    order: Order = "newest"
    template: str | None = None
    is_test: bool | None = None


class FoundDelivery(Struct, frozen=True):
    """The current state of a delivery, of which at least one event is recorded, with what its notification says.

    `provider` is the account that it was given to last. Times are in epoch seconds, null if nothing says so. What is not recorded yet is
    empty. The address is not there: the history has none.
    """

    id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    status: Status
    reason: str
    outcome: str
    provider: str
    provider_message_id: str
    attempt: int
    redrive_count: int
    variant: str
    priority: str
    category: str
    type: str
    created_at: float
    updated_at: float
    sent_at: float | None
    delivered_at: float | None
    opened_at: float | None
    clicked_at: float | None


class FoundDeliveries(NamedTuple):
    """A page of a search, and the key after which it goes on; None if nothing follows.

    A page may have fewer deliveries than were asked for: a search examines a limited number, and goes on from the last of them.
    """

    items: Sequence[FoundDelivery]
    next_key: DeliveryKey | None
