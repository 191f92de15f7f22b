"""What history holds: what the recorder writes of a notification, and what is read of it again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Raw, Struct

from schemas.deadletter import DeadLetter
from schemas.status import Accepted, Status
from schemas.words import Lane, State


class AcceptedRow(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="accepted"):
    """An Accepted event as the recorder reads it: the same, but deliveries and trace stay the JSON that they are stored as."""

    id: str
    user_id: str
    state: State
    at: float
    created_at: float
    lane: Lane
    type: str = ""
    category: str = ""
    reason: str = ""
    deliveries: Raw = Raw(b"[]")
    trace: Raw = Raw(b"[]")
    first_id: str = ""
    expires_at: float = 0.0
    v: int = 1


STATE_RANK: dict[State, int] = {State.HELD: 0, State.MERGED: 1, State.REFUSED: 1, State.DEAD: 1, State.ROUTED: 2}
"""Of two Accepted events of a notification the greater rank wins, else the first: routed beats refused, anything beats held."""


class FiledLetter(NamedTuple):
    """A dead letter and the record it was read from; `at` is that record's time in epoch seconds."""

    at: float
    topic: str
    partition: int
    offset: int
    letter: DeadLetter


class LoggedAttempt(Struct, frozen=True, gc=False):
    """A Status event under the id of its row in the log: 32 hex digits, the same whenever the same record is read."""

    id: str
    event: Status


class Entries(NamedTuple):
    """What one commit of the recorder writes; at most one event of each notification and each delivery, the winning one."""

    notifications: Sequence[AcceptedRow] = ()
    deliveries: Sequence[Status] = ()
    attempts: Sequence[LoggedAttempt] = ()
    letters: Sequence[FiledLetter] = ()


class Story(NamedTuple):
    """All that history has of a notification: the router's event, the winning status of each delivery that has one, and every attempt.

    `accepted` is None while only attempts have been recorded. Attempts are oldest first.
    """

    accepted: Accepted | None
    current: Sequence[Status]
    attempts: Sequence[Status]


class Handover(Struct, frozen=True):
    """How long deliveries of a lane took from submission to the provider's acceptance, in seconds."""

    count: int
    p50: float
    p99: float


class Tally(Struct, frozen=True):
    """Counts of what was submitted since a moment; a listed delivery without a row counts as PENDING."""

    notifications: Mapping[str, int]
    reasons: Mapping[str, int]
    deliveries: Mapping[str, int]
    channels: Mapping[str, Mapping[str, int]]
    failures: Mapping[str, int]
    attempts: int
    possible_duplicates: int
    in_flight: int
    handover: Mapping[str, Handover]
