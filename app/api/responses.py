"""The bodies of successful responses; times in epoch seconds."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from app.api.problems import FieldError
from schemas.channels import ChannelName
from schemas.enums import Priority
from schemas.policy import MAX_VERSION
from schemas.policy_document import RuleEntry
from schemas.rule_versions import RuleVersion
from schemas.users import ConsentEvent, Device, Preference, Suppression, User


class SubmissionResponse(Struct, frozen=True):
    """A notification that all in-sync replicas of its topic have."""

    id: str
    priority: Priority
    status: Literal["accepted"] = "accepted"


class BulkResult(Struct, frozen=True, omit_defaults=True):
    """The result for one notification of a bulk request; an `unavailable` one may be submitted again with this id."""

    index: int
    status: Literal["accepted", "invalid", "unavailable"]
    id: str = ""
    priority: Priority | None = None
    errors: list[FieldError] = []


class BulkSubmissionResponse(Struct, frozen=True):
    """The result for each notification of a bulk request, in the order of the request, and their counts."""

    accepted: int
    invalid: int
    unavailable: int
    results: list[BulkResult]


class AttemptResponse(Struct, frozen=True, omit_defaults=True):
    """One call of a provider, or one event that a provider reported; `detail` is the provider's text or the error's.

    `next_attempt_at`: when the next attempt follows, if the delivery waits for it in the scheduler. `endpoint_id`: the registered webhook
    endpoint that the address is from, if it is from one.
    """

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
    next_attempt_at: float | None = None
    endpoint_id: str = ""


class DeliveryResponse(Struct, frozen=True, omit_defaults=True):
    """A delivery, its attempts and what providers reported, oldest first; its status is PENDING until its first attempt is recorded.

    The times are the first of each kind, null while nothing says so: `opened_at` and `clicked_at` as the provider or the app reports it.
    `variant`: the experiment and the variant of its template, `order-shipped/short`, if there is an experiment.
    """

    id: str
    channel: ChannelName
    status: str
    reason: str = ""
    provider: str = ""
    attempts: list[AttemptResponse] = []
    variant: str = ""
    sent_at: float | None = None
    delivered_at: float | None = None
    opened_at: float | None = None
    clicked_at: float | None = None


class NotificationResponse(Struct, frozen=True, omit_defaults=True):
    """A notification; `state` is `accepted` until its decision or an attempt is recorded. A `final` one does not change any more.

    One that is `held` has `held_until`, when it is decided again, and the reason why it waits. One whose next channel may follow has
    `escalates_at`; the `reason` of one that is `routed` says why no further channel follows. `redrive_count` says how often it was redriven
    as a dead letter; attempts have that of their delivery. `read_at` is when it was first read: opened or clicked on a channel, or marked
    as read by the app of its producer; null if nothing says so.
    """

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
    held_until: float | None = None
    escalates_at: float | None = None
    deliveries: list[DeliveryResponse] = []
    redrive_count: int = 0
    read_at: float | None = None


class GateResponse(Struct, frozen=True):
    """The result of one gate of the router: its verdict, the reason and what that means, and the inputs, also in words.

    `remedy` is what would have changed the verdict; empty if the notification passed. Addresses are redacted.
    """

    gate: str
    verdict: str
    reason: str
    meaning: str
    description: str
    remedy: str
    inputs: dict[str, Any]


class ExplanationResponse(Struct, frozen=True):
    """Why a notification has its state: a sentence, the gate results in order, and the attempts and later events of each delivery.

    `remedy` is what would have changed the result, as a clause. Times in texts are in `time_zone`, the user's, with UTC. `rule` and
    `templates` (by channel) have their versions. `duplicate_of` is the notification that this one repeats, or into which it was merged,
    and `duplicate_of_path` its explanation; `broadcast` the one that it comes from. What is not known is empty or 0. `held_until` is when
    it is decided again, `escalates_at` when its next channel may follow; null if it is not held, or has no further channel.
    """

    id: str
    state: str
    summary: str
    remedy: str
    user_id: str
    type: str
    category: str
    priority: str
    time_zone: str
    created_at: float
    decided_at: float
    expires_at: float
    rule: str
    templates: dict[str, str]
    duplicate_of: str
    duplicate_of_path: str
    broadcast: str
    held_until: float | None
    escalates_at: float | None
    gates: list[GateResponse]
    deliveries: list[DeliveryResponse]


class HeldChangeResponse(Struct, frozen=True):
    """A change of a held notification that is requested and not known to be carried out; `path` shows the notification."""

    id: str
    path: str
    status: Literal["requested"] = "requested"


class NotificationPage(Struct, frozen=True):
    """Notifications, newest first; `next_cursor` is null on the last page."""

    items: list[NotificationResponse]
    next_cursor: str | None


class UserPage(Struct, frozen=True):
    """Users in the order of their ids; `next_cursor` is null on the last page."""

    items: list[User]
    next_cursor: str | None


class DevicePage(Struct, frozen=True):
    """Devices of a user in the order of their tokens; `next_cursor` is null on the last page."""

    items: list[Device]
    next_cursor: str | None


class PreferenceList(Struct, frozen=True):
    """The preferences of a user by category and channel."""

    items: list[Preference]


class ConsentEventPage(Struct, frozen=True):
    """Changes of preferences and suppressions, newest first; `next_cursor` is null on the last page."""

    items: list[ConsentEvent]
    next_cursor: str | None


class SuppressionPage(Struct, frozen=True):
    """Suppressions, newest first; `next_cursor` is null on the last page."""

    items: list[Suppression]
    next_cursor: str | None


class LiveTicket(Struct, frozen=True):
    """A ticket for one WebSocket, and how many seconds it can be used."""

    ticket: str
    expires_in: int


class LivenessResponse(Struct, frozen=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class ProbeResult(Struct, frozen=True, omit_defaults=True):
    """The last result of one readiness probe."""

    status: Literal["ok", "degraded", "down"]
    detail: str = ""


class ReadinessResponse(Struct, frozen=True):
    """`unready` if notifications cannot be accepted, `degraded` if another probe fails."""

    status: Literal["ready", "degraded", "unready"]
    probes: dict[str, ProbeResult]


class RuleResponse(Struct, frozen=True, omit_defaults=True):
    """The current version of a rule; `rule` is as a file of rules has it, and as PUT takes it.

    `notices` says which fields may not do what was meant, and why.
    """

    version: int
    rule: RuleEntry
    notices: list[str] = []


class RulePage(Struct, frozen=True):
    """Rules in the order of types; `next_cursor` is null on the last page."""

    items: list[RuleResponse]
    next_cursor: str | None


class RuleVersionPage(Struct, frozen=True):
    """Versions of a rule, newest first; `next_cursor` is null on the last page."""

    items: list[RuleVersion]
    next_cursor: str | None


class RuleRollback(Struct, frozen=True, forbid_unknown_fields=True):
    """A request to make the contents of a version the newest one."""

    version: Annotated[int, Meta(ge=1, le=MAX_VERSION)]
