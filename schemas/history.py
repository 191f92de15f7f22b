"""The notification history: what the recorder writes and what readers get."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Raw, Struct

from schemas.channels import ChannelName
from schemas.dead_letter import DeadLetter
from schemas.enums import Priority, State, Status
from schemas.events import DecidedEvent, EngagementEvent, GateResult, InboundEvent, ReceiptEvent, StatusEvent


class DecidedRow(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="decided"):
    """A decided event as the recorder decodes it: `deliveries` and `decision_log` stay JSON, as they are stored."""

    id: str
    user_id: str
    state: State
    decided_at: float
    created_at: float
    priority: Priority
    type: str = ""
    category: str = ""
    reason: str = ""
    deliveries: Raw = Raw(b"[]")
    decision_log: Raw = Raw(b"[]")
    duplicate_of: str = ""
    expires_at: float = 0.0
    resume_count: int = 0
    schema_version: int = 1
    redrive_count: int = 0
    is_test: bool = False


STATE_RANK: dict[State, int] = {State.HELD: 0, State.MERGED: 1, State.REJECTED: 1, State.DEAD: 1, State.ROUTED: 2}
"""Of two decided events of a notification with the same counts, the greater rank wins; of equal ranks, the first event."""


def find_next_step(decision_log: Sequence[GateResult]) -> float | None:
    """When a routed notification is decided again, in epoch seconds, because its next channel may follow; None if it is not."""
    last = decision_log[-1] if decision_log else None
    if last is None or last.verdict not in ("hold", "pass"):
        return None
    if last.verdict == "hold":
        at = last.inputs.get("until")
    else:
        at = next((entry.inputs.get("escalates_at") for entry in reversed(decision_log) if entry.gate == "channels"), None)
    return float(at) if isinstance(at, int | float) else None


def compute_decision_precedence(row: DecidedRow) -> tuple[int, int, int]:
    """The sort key of a notification's decided events: the event with the greatest key is the current state.

    The resume_count comes first: what is redriven keeps that of its dead letter, and what is held after it has a greater one.
    """
    return row.resume_count, row.redrive_count, STATE_RANK[row.state]


class RecordedDeadLetter(NamedTuple):
    """A dead letter with the topic, partition and offset of its record; `created_at` is the record's timestamp in epoch seconds."""

    created_at: float
    topic: str
    partition: int
    offset: int
    dead_letter: DeadLetter


class LoggedAttempt(Struct, frozen=True, gc=False):
    """A status event with the id of its row in delivery_logs: 32 hex digits, derived, so that a replay produces the same id."""

    id: str
    event: StatusEvent


class ReceivedReport(NamedTuple):
    """A provider's report of a delivery, with the place of its record; `received_at` is the record's timestamp in epoch seconds."""

    event: ReceiptEvent | EngagementEvent
    topic: str
    partition: int
    offset: int
    received_at: float


class WrittenReports(NamedTuple):
    """What a commit made of reports: how many count now, came again, or wait for their delivery; and the users whose consent changed."""

    applied: int = 0
    repeated: int = 0
    waiting: int = 0
    changed_users: Sequence[str] = ()


NO_REPORTS = WrittenReports()


class HistoryBatch(NamedTuple):
    """The rows of one commit of the recorder: the winning event per delivery, and per notification, resume_count and redrive_count.

    The deliveries and decision logs of a notification that was resumed or redriven are joined in the order of these counts, each once. Each
    report of a provider and each inbound message is there once, in the order of the records.
    """

    notifications: Sequence[DecidedRow] = ()
    deliveries: Sequence[StatusEvent] = ()
    attempts: Sequence[LoggedAttempt] = ()
    dead_letters: Sequence[RecordedDeadLetter] = ()
    reports: Sequence[ReceivedReport] = ()
    inbound: Sequence[InboundEvent] = ()


class DeliveryTimes(NamedTuple):
    """When a delivery was first sent, delivered, opened and clicked, in epoch seconds; None if nothing says so."""

    sent_at: float | None = None
    delivered_at: float | None = None
    opened_at: float | None = None
    clicked_at: float | None = None


class NotificationHistory(NamedTuple):
    """The history of a notification: the decided event, the current status of each delivery that has one, and all attempts and reports.

    `decided` is None while only attempts are recorded. Attempts are in order of time, oldest first. `times` is by the id of a delivery.
    `read_at` is when the producer's app said that it was read, in epoch seconds; None if it did not.
    """

    decided: DecidedEvent | None
    statuses: Sequence[StatusEvent]
    attempts: Sequence[StatusEvent]
    times: Mapping[str, DeliveryTimes] = {}
    read_at: float | None = None


class ReceiptCount(NamedTuple):
    """How many messages a provider's account accepted, and how many of them got a receipt."""

    provider: str
    messages: int
    receipts: int


class RecordedStatus(NamedTuple):
    """The status of a delivery that is recorded, of which redrive and attempt."""

    status: Status
    redrive_count: int
    attempt: int


class NotificationFilter(NamedTuple):
    """Which notifications are searched for; None and 0 for all. `project` is empty for the default project; `since` in epoch seconds."""

    user_id: str | None = None
    type: str | None = None
    category: str | None = None
    state: str | None = None
    priority: str | None = None
    reason: str | None = None
    channel: ChannelName | None = None
    since: float = 0.0
    project: str = ""


class FoundNotifications(NamedTuple):
    """A page of a search, newest first, and the key after which it goes on; None if there is nothing older.

    A page may have fewer notifications than were asked for: a search examines a limited number, and goes on from the last of them.
    """

    histories: Sequence[NotificationHistory]
    next_key: tuple[str, str] | None


NotificationKey = tuple[str, str]
"""The id of a notification and its user: a producer may give one id to two users."""


class RecordedDeliveries(NamedTuple):
    """What is recorded of a notification: its latest decision, with its time in epoch seconds, and the statuses of its deliveries.

    A delivery without a status is PENDING. Whoever has recorded a decision has recorded the statuses that were written before it. `read_at`
    is when it was first read, in epoch seconds; None if nobody says so. `read_by` are the channels on which it was opened or clicked.
    """

    resume_count: int
    decided_at: float
    reason: str
    statuses: Mapping[ChannelName, Sequence[Status]]
    read_at: float | None = None
    read_by: Sequence[ChannelName] = ()
