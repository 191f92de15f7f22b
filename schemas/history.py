"""What history holds: what the recorder writes of a notification, and what is read of it again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Raw, Struct

from schemas.dead_letter import DeadLetter
from schemas.enums import Priority, State
from schemas.events import DecidedEvent, StatusEvent


class DecidedRow(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="decided"):
    """An Accepted event as the recorder reads it: the same, but deliveries and trace stay the JSON that they are stored as."""

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
    schema_version: int = 1


STATE_RANK: dict[State, int] = {State.HELD: 0, State.MERGED: 1, State.REJECTED: 1, State.DEAD: 1, State.ROUTED: 2}
"""Of two Accepted events of a notification the greater rank wins, else the first: routed beats refused, anything beats held."""


class RecordedDeadLetter(NamedTuple):
    """A dead letter and the record it was read from; `at` is that record's time in epoch seconds."""

    created_at: float
    topic: str
    partition: int
    offset: int
    dead_letter: DeadLetter


class LoggedAttempt(Struct, frozen=True, gc=False):
    """A Status event under the id of its row in the log: 32 hex digits, the same whenever the same record is read."""

    id: str
    event: StatusEvent


class HistoryBatch(NamedTuple):
    """What one commit of the recorder writes; at most one event of each notification and each delivery, the winning one."""

    notifications: Sequence[DecidedRow] = ()
    deliveries: Sequence[StatusEvent] = ()
    attempts: Sequence[LoggedAttempt] = ()
    dead_letters: Sequence[RecordedDeadLetter] = ()


class NotificationHistory(NamedTuple):
    """All that history has of a notification: the router's event, the winning status of each delivery that has one, and every attempt.

    `accepted` is None while only attempts have been recorded. Attempts are oldest first.
    """

    decided: DecidedEvent | None
    statuses: Sequence[StatusEvent]
    attempts: Sequence[StatusEvent]


class HandoverLatency(Struct, frozen=True):
    """How long deliveries of a priority took from submission to the provider's acceptance, in seconds."""

    count: int
    p50: float
    p99: float


class HistoryCounts(Struct, frozen=True):
    """Counts of what was submitted since a moment; a listed delivery without a row counts as PENDING."""

    notifications: Mapping[str, int]
    notification_reasons: Mapping[str, int]
    deliveries: Mapping[str, int]
    deliveries_by_channel: Mapping[str, Mapping[str, int]]
    delivery_reasons: Mapping[str, int]
    attempts: int
    possible_duplicates: int
    in_flight: int
    handover_latency: Mapping[str, HandoverLatency]
