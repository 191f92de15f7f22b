"""What the API answers: the bodies of good responses; times in epoch seconds."""

from typing import Any, Literal

from msgspec import Struct

from app.api.problems import Flaw
from schemas.words import Channel, Lane


class Taken(Struct, frozen=True):
    """A notification that is on all in-sync replicas of its topic."""

    id: str
    lane: Lane
    status: Literal["accepted"] = "accepted"


class Item(Struct, frozen=True, omit_defaults=True):
    """What became of one notification of a bulk request; one that is `unavailable` may be sent again with the id given here."""

    index: int
    status: Literal["accepted", "refused", "unavailable"]
    id: str = ""
    lane: Lane | None = None
    errors: list[Flaw] = []


class BulkTaken(Struct, frozen=True):
    """What became of each notification of a bulk request, in its order."""

    accepted: int
    refused: int
    unavailable: int
    results: list[Item]


class AttemptBody(Struct, frozen=True, omit_defaults=True):
    """One call of a provider, or one event that a provider reported; `ms` is how long the call took, `detail` what was said of it."""

    at: float
    status: str
    generation: int = 0
    attempt: int = 0
    outcome: str = ""
    reason: str = ""
    provider: str = ""
    provider_id: str = ""
    code: int = 0
    ms: float = 0.0
    possible_duplicate: bool = False
    detail: str = ""


class DeliveryBody(Struct, frozen=True, omit_defaults=True):
    """A delivery and its attempts, oldest first; PENDING until its first attempt is known."""

    id: str
    channel: Channel
    status: str
    reason: str = ""
    provider: str = ""
    attempts: list[AttemptBody] = []


class NotificationBody(Struct, frozen=True, omit_defaults=True):
    """A notification; `state` is `accepted` until the router has decided; `final` says that nothing more will happen to it."""

    id: str
    state: str
    lane: str = ""
    final: bool = False
    user_id: str = ""
    type: str = ""
    category: str = ""
    reason: str = ""
    first_id: str = ""
    created_at: float = 0.0
    decided_at: float = 0.0
    expires_at: float = 0.0
    deliveries: list[DeliveryBody] = []


class Gate(Struct, frozen=True):
    """What one gate of the router decided, and on what."""

    gate: str
    verdict: str
    reason: str
    inputs: dict[str, Any]


class Explained(Struct, frozen=True):
    """Why a notification became what it is: one plain sentence, every gate in the order it was passed, and each delivery's attempts."""

    id: str
    state: str
    sentence: str
    gates: list[Gate]
    deliveries: list[DeliveryBody]


class Page(Struct, frozen=True):
    """Notifications of a user, newest first; `next` is the address of the next page, null on the last."""

    notifications: list[NotificationBody]
    next: str | None


class Health(Struct, frozen=True):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class Part(Struct, frozen=True, omit_defaults=True):
    """Whether a server or role makes progress."""

    status: Literal["ok", "degraded", "down"]
    detail: str = ""


class Readiness(Struct, frozen=True):
    """`ready` as long as a notification that is posted now would be accepted; what else is slow or away is `degraded`."""

    status: Literal["ready", "degraded", "unready"]
    parts: dict[str, Part]
