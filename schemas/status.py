"""What the recorder hears: one Accepted event per notification and a Status event per attempt; values of `notifications.status`."""

from typing import Any

from msgspec import Struct

from schemas.words import RANK, Channel, Lane, Outcome, State, StatusName


class Step(Struct, frozen=True, gc=False, array_like=True):
    """What one gate of the router decided, and on what: an entry of the decision trace."""

    gate: str
    verdict: str
    reason: str = ""
    inputs: dict[str, Any] = {}


class Planned(Struct, frozen=True, gc=False, array_like=True):
    """A delivery that a routed notification has: it is PENDING until its first Status event."""

    id: str
    channel: Channel


class Accepted(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="accepted"):
    """What the router made of a notification, with its decision trace; it becomes the row in `notifications`."""

    id: str
    user_id: str
    state: State
    at: float
    created_at: float
    lane: Lane
    type: str = ""
    category: str = ""
    reason: str = ""
    deliveries: list[Planned] = []
    trace: list[Step] = []
    first_id: str = ""
    expires_at: float = 0.0
    v: int = 1


class Status(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="status"):
    """What one attempt, or one provider event, says of a delivery; `at` and `created_at` in epoch seconds, `ms` the call's milliseconds.

    `detail` is for a person and holds no address, text or token.
    """

    delivery_id: str
    notification_id: str
    user_id: str
    channel: Channel
    status: StatusName
    at: float
    created_at: float
    generation: int = 0
    attempt: int = 0
    outcome: Outcome | None = None
    reason: str = ""
    provider: str = ""
    provider_id: str = ""
    code: int = 0
    ms: float = 0.0
    possible_duplicate: bool = False
    detail: str = ""
    v: int = 1


StatusEvent = Accepted | Status


def precedence(event: Status) -> tuple[int, bool, int, int]:
    """What decides between two events of a delivery: the greater wins (design.md section 6, status merge)."""
    rank = RANK[event.status]
    return event.generation, rank >= RANK[StatusName.DELIVERED], event.attempt, rank
