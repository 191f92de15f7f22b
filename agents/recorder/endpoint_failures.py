"""Finds the webhook endpoints that may have to be disabled, and builds the notice to their users; pure functions."""

from collections.abc import Iterable
from typing import NamedTuple

from agents.recorder.events import RecordedEvent
from schemas.enums import Outcome, Reason
from schemas.events import StatusEvent
from schemas.ids import NOTIFICATION_PREFIX, derive_id
from schemas.notification import Notification
from schemas.projects import qualify
from schemas.status_webhooks import FailingEndpoint
from schemas.webhook_endpoints import DISABLED_TYPE

MIN_FAILURES = 10  # calls; fewer do not disable an endpoint, whatever time lies between them
_ACCEPTED = Outcome.ACCEPTED


class EndpointFailures(NamedTuple):
    """The endpoints that a batch has failed calls of, and those that answered 410, with the time of the answer."""

    failed: list[str]
    gone: dict[str, float]


def collect_failures(events: Iterable[RecordedEvent | None]) -> EndpointFailures:
    """The failures in these events."""
    failed: dict[str, None] = {}
    gone: dict[str, float] = {}
    for event in events:
        if type(event) is not StatusEvent or not event.endpoint_id or not is_failed_call(event):
            continue
        failed[event.endpoint_id] = None
        if event.reason == Reason.ENDPOINT_GONE:
            gone[event.endpoint_id] = max(event.occurred_at, gone.get(event.endpoint_id, 0.0))
    return EndpointFailures(list(failed), gone)


def is_failed_call(event: StatusEvent) -> bool:
    """Whether an endpoint was called, and did not answer with 2xx."""
    return event.outcome is not None and event.outcome is not _ACCEPTED and (event.duration_ms > 0 or event.provider_code > 0)


def build_notice(endpoint: FailingEndpoint, user_id: str) -> Notification:
    """What tells a user that an endpoint is disabled; the same for a replay."""
    notice_id = derive_id(NOTIFICATION_PREFIX, endpoint.since, DISABLED_TYPE, endpoint.id)
    data = {"endpoint_id": endpoint.id, "url": endpoint.url, "reason": endpoint.reason}
    return Notification(user_id=user_id, type=qualify(endpoint.project, DISABLED_TYPE), id=notice_id, data=data)
