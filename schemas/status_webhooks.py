"""Webhooks that report the statuses of deliveries to a producer; times in epoch seconds."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.enums import Priority, Status


class StatusReport(Struct, frozen=True):
    """What became of a delivery: `data` of a status webhook.

    A report may come twice, and two may come in the other order: of two with one `delivery_id`, the one with the greater
    (redrive_count, attempt) is the later one, and of equal ones that with the greater `occurred_at`. `is_final`: no other status is
    expected.
    """

    delivery_id: str
    notification_id: str
    user_id: str
    notification_type: str
    category: str
    channel: ChannelName
    status: Status
    reason: str
    provider: str
    is_final: bool
    redrive_count: int
    attempt: int
    occurred_at: float


class StatusWebhook(Struct, frozen=True):
    """The payload of a webhook to an endpoint of kind status; `timestamp` is the time of the status."""

    type: Literal["herold.delivery_status"]
    timestamp: datetime
    data: StatusReport


class ReportedDelivery(Struct, frozen=True):
    """A delivery as it is recorded now, with what its notification says; the type is empty if that is not recorded yet."""

    delivery_id: str
    notification_id: str
    user_id: str
    channel: ChannelName
    status: Status
    reason: str
    provider: str
    redrive_count: int
    attempt: int
    occurred_at: float
    type: str = ""
    category: str = ""
    priority: Priority = "medium"
    is_test: bool = False


class StatusEndpoint(Struct, frozen=True):
    """An enabled endpoint of kind status; empty types and categories take all, empty statuses the final ones.

    It takes the statuses of its project, None: of all; and those of tests, or all others. `is_ordered`: those of a user one after the
    other.
    """

    id: str
    url: str
    types: list[str] = []
    categories: list[str] = []
    statuses: list[str] = []
    project: str | None = None
    is_test: bool = False
    is_ordered: bool = False


class FailingEndpoint(Struct, frozen=True):
    """An endpoint that is to be disabled; `has_rule`: its user can be told, because there is a rule for that in its project."""

    id: str
    user_id: str | None
    url: str
    reason: Literal["gone", "failing"]
    since: float
    has_rule: bool
    project: str = ""
