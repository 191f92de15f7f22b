"""What the API answers: the bodies of good responses; times in epoch seconds."""

from typing import Any, Literal

from msgspec import Struct

from app.api.problems import FieldError
from schemas.enums import Channel, Priority


class SubmissionResponse(Struct, frozen=True):
    """A notification that is on all in-sync replicas of its topic."""

    id: str
    priority: Priority
    status: Literal["accepted"] = "accepted"


class BulkResult(Struct, frozen=True, omit_defaults=True):
    """What became of one notification of a bulk request; one that is `unavailable` may be sent again with the id given here."""

    index: int
    status: Literal["accepted", "invalid", "unavailable"]
    id: str = ""
    priority: Priority | None = None
    errors: list[FieldError] = []


class BulkSubmissionResponse(Struct, frozen=True):
    """What became of each notification of a bulk request, in its order."""

    accepted: int
    invalid: int
    unavailable: int
    results: list[BulkResult]


class AttemptResponse(Struct, frozen=True, omit_defaults=True):
    """One call of a provider, or one event that a provider reported; `duration_ms` is the call's time, `detail` what was said of it."""

    occurred_at: float
    status: str
    redrive_count: int = 0
    attempt: int = 0
    outcome: str = ""
    reason: str = ""
    provider: str = ""
    provider_message_id: str = ""
    provider_code: int = 0
    duration_ms: float = 0.0
    possible_duplicate: bool = False
    detail: str = ""


class DeliveryResponse(Struct, frozen=True, omit_defaults=True):
    """A delivery and its attempts, oldest first; PENDING until its first attempt is known."""

    id: str
    channel: Channel
    status: str
    reason: str = ""
    provider: str = ""
    attempts: list[AttemptResponse] = []


class NotificationResponse(Struct, frozen=True, omit_defaults=True):
    """A notification; `state` is `accepted` until the router has decided; `final` says that nothing more will happen to it."""

    id: str
    state: str
    priority: str = ""
    final: bool = False
    user_id: str = ""
    type: str = ""
    category: str = ""
    reason: str = ""
    duplicate_of: str = ""
    created_at: float = 0.0
    decided_at: float = 0.0
    expires_at: float = 0.0
    deliveries: list[DeliveryResponse] = []


class GateResponse(Struct, frozen=True):
    """What one gate of the router decided, and on what."""

    gate: str
    verdict: str
    reason: str
    inputs: dict[str, Any]


class ExplanationResponse(Struct, frozen=True):
    """Why a notification became what it is: one plain sentence, every gate in the order it was passed, and each delivery's attempts."""

    id: str
    state: str
    summary: str
    gates: list[GateResponse]
    deliveries: list[DeliveryResponse]


class NotificationPage(Struct, frozen=True):
    """Notifications of a user, newest first; `next` is the address of the next page, null on the last."""

    notifications: list[NotificationResponse]
    next: str | None


class LivenessResponse(Struct, frozen=True):
    """The process is alive."""

    status: Literal["alive"] = "alive"


class ProbeResult(Struct, frozen=True, omit_defaults=True):
    """Whether a server or role makes progress."""

    status: Literal["ok", "degraded", "down"]
    detail: str = ""


class ReadinessResponse(Struct, frozen=True):
    """`ready` as long as a notification that is posted now would be accepted; what else is slow or away is `degraded`."""

    status: Literal["ready", "degraded", "unready"]
    probes: dict[str, ProbeResult]
