"""Builds the webhooks that report statuses to producers; pure functions.

What is reported is the status that a delivery has after a commit. The id of a report follows from it, so that a replay, or another event
that leads to the same status, gives the same delivery, which the webhook worker knows already.
"""

from collections.abc import Collection, Iterable

import msgspec

from agents.recorder.events import RecordedEvent
from schemas.channels import ChannelName
from schemas.content import WebhookContent
from schemas.delivery import Delivery
from schemas.enums import Status
from schemas.events import EngagementEvent, ReceiptEvent, StatusEvent
from schemas.ids import DELIVERY_PREFIX, derive_id, try_parse_time
from schemas.lifetimes import NOTIFICATION_EXPIRY
from schemas.projects import find_project, strip_project
from schemas.status_webhooks import ReportedDelivery, StatusEndpoint, StatusReport
from schemas.webhook_endpoints import MESSAGE_PREFIX, STATUS_TYPE, matches_type

_FINAL = frozenset((Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED))


def list_touched(events: Iterable[RecordedEvent | None]) -> list[str]:
    """The deliveries whose status may have changed, without those that are reports themselves.

    An event of a pending one is among them: a receipt that came before it may have been merged with it.
    """
    touched: dict[str, None] = {}
    for event in events:
        if type(event) is StatusEvent:
            if not is_message(event):
                touched[event.delivery_id] = None
        elif isinstance(event, ReceiptEvent | EngagementEvent):
            touched[event.delivery_id] = None
    return list(touched)


def list_tests(events: Iterable[RecordedEvent | None]) -> frozenset[str]:
    """The deliveries of tests, also of those whose notification is not recorded yet."""
    return frozenset(event.delivery_id for event in events if type(event) is StatusEvent and event.is_test)


def is_message(event: StatusEvent) -> bool:
    """Whether the event is about a webhook of Herold's own, a report or a ping, and not about a delivery of a notification."""
    return bool(event.endpoint_id) and event.notification_id.startswith(MESSAGE_PREFIX)


def is_final(reported: ReportedDelivery, channels_without_receipts: Collection[ChannelName]) -> bool:
    """Whether no other status is expected."""
    return reported.status in _FINAL or (reported.status is Status.SENT and reported.channel in channels_without_receipts)


def is_wanted(endpoint: StatusEndpoint, reported: ReportedDelivery, final: bool) -> bool:
    """Whether an endpoint takes the status of this delivery, which is of its project, and a test if it is for those."""
    if endpoint.is_test is not reported.is_test or endpoint.project not in (None, find_project(reported.user_id)):
        return False
    takes_status = reported.status in endpoint.statuses if endpoint.statuses else final
    takes_category = not endpoint.categories or reported.category in endpoint.categories
    return takes_status and takes_category and matches_type(endpoint.types, reported.type)


def build_report(endpoint: StatusEndpoint, reported: ReportedDelivery, final: bool) -> Delivery:
    """The delivery that reports a status to an endpoint; a project reads its ids as it knows them."""
    project = endpoint.project or ""
    at = try_parse_time(reported.delivery_id, DELIVERY_PREFIX) or reported.occurred_at
    parts = endpoint.id, reported.delivery_id, reported.status, str(reported.redrive_count), str(reported.attempt)
    report = StatusReport(
        reported.delivery_id,
        reported.notification_id,
        strip_project(project, reported.user_id),
        strip_project(project, reported.type),
        reported.category,
        reported.channel,
        reported.status,
        reported.reason,
        reported.provider,
        final,
        reported.redrive_count,
        reported.attempt,
        reported.occurred_at,
    )
    return Delivery(
        id=derive_id(DELIVERY_PREFIX, at, *parts),
        notification_id=derive_id(MESSAGE_PREFIX, at, *parts),
        user_id=reported.user_id,
        channel="webhook",
        address=endpoint.url,
        content=WebhookContent(STATUS_TYPE, msgspec.to_builtins(report)),
        created_at=reported.occurred_at,
        expires_at=reported.occurred_at + NOTIFICATION_EXPIRY,
        type=STATUS_TYPE,
        endpoint_id=endpoint.id,
        is_ordered=endpoint.is_ordered,
    )
