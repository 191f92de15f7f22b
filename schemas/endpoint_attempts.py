"""The attempts at a webhook endpoint, as the history has them; times in epoch seconds."""

from typing import NamedTuple

from msgspec import Struct

from schemas.enums import Outcome, Status


class EndpointAttempt(Struct, frozen=True):
    """One attempt to deliver a webhook to an endpoint.

    `attempt` is 0 for the first one; `code` is the HTTP status of the answer, 0 for none.
    `notification_id` and `type` are those of the notification; null and empty for a webhook of Herold's own: a ping, or the status of a
    delivery. `outcome` is ACCEPTED, or why it failed; `status` and `reason` are what the delivery became by it. `detail` says it in the
    words of the error. `next_attempt_at`: when the next attempt follows; null if none does.
    """

    id: str
    occurred_at: float
    delivery_id: str
    notification_id: str | None
    user_id: str
    type: str
    attempt: int
    redrive_count: int
    outcome: Outcome
    status: Status
    reason: str
    code: int
    duration_ms: float
    possible_duplicate: bool
    detail: str
    next_attempt_at: float | None


class EndpointAttemptKey(NamedTuple):
    """The place of an attempt in the list of an endpoint, after which a page begins: microseconds since 1970, and its id."""

    at: int
    id: str


def get_attempt_key(attempt: EndpointAttempt) -> EndpointAttemptKey:
    """The place of an attempt; PostgreSQL's times have microseconds, which epoch seconds round to."""
    return EndpointAttemptKey(round(attempt.occurred_at * 1e6), attempt.id)
