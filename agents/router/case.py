"""What the gates hand each other: the case of one notification, the rows of its batch, and the ways a case can end early."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from agents.router.book import Book
from schemas import topics
from schemas.notification import Notification
from schemas.ports import Record
from schemas.rules import Profile, Rule
from schemas.status import Step
from schemas.words import CHANNELS, Channel, Lane, Reason, State
from tables.rate_windows import Full


class Source(NamedTuple):
    """Where the records of a batch come from and where their outputs go: all topic names, made once."""

    topic: str
    lane: Lane
    deliveries: Mapping[Channel, str]
    status: str
    dead_letters: str


def source_of(topic: str, prefix: str) -> Source:
    """The source of a `notifications.<lane>` topic in an installation with that prefix. Raises ValueError for a topic without lane."""
    lane = topics.lane_of(topic)
    deliveries = {channel: prefix + topics.deliveries(channel, lane) for channel in CHANNELS}
    return Source(topic, lane, deliveries, prefix + topics.STATUS, prefix + topics.DEAD_LETTERS)


class Rows:
    """The rows of a batch, as later records of it see them: what the tables held, and over it what the batch has staged."""

    __slots__ = ("first", "new_claims", "new_counts", "new_first", "new_windows", "windows")

    def __init__(self, first: dict[bytes, bytes | None], windows: dict[bytes, bytes | None]) -> None:
        self.first, self.windows = first, windows
        self.new_first: dict[bytes, bytes] = {}
        self.new_claims: dict[bytes, bytes] = {}
        self.new_windows: dict[bytes, bytes] = {}
        self.new_counts: dict[bytes, bytes] = {}

    def stage_first(self, key: bytes, row: bytes) -> None:
        """A row of the idempotency table."""
        self.first[key] = self.new_first[key] = row

    def stage_claim(self, key: bytes, row: bytes) -> None:
        """A claim, in the idempotency table."""
        self.first[key] = self.new_claims[key] = row

    def stage_window(self, key: bytes, row: bytes) -> None:
        """A row of the rate_windows table in which each notification finds its own mark."""
        self.windows[key] = self.new_windows[key] = row

    def stage_count(self, key: bytes, row: bytes) -> None:
        """A row of the rate_windows table that only counts."""
        self.windows[key] = self.new_counts[key] = row


class Stop(Struct, frozen=True, gc=False):
    """A gate refused the notification, or declared it dead; `error` is the sentence a dead letter carries."""

    state: State
    reason: Reason
    error: str = ""
    first_id: str = ""


class Forward(Struct, frozen=True, gc=False):
    """The record belongs to another partition; `value` is its JSON with the id stamped in."""

    partition: int
    value: bytes


class Seen(Struct, frozen=True, gc=False):
    """This very notification was decided before: a replay, or a producer's second try. It says nothing more."""


SEEN = Seen()

Ending = Stop | Forward | Seen

MAX_ERROR = 500  # an error may quote what it found, and that may be all of a record

_NONE: Mapping[Channel, Any] = MappingProxyType({})
_encode = msgspec.json.Encoder().encode


class Case(Struct, gc=False):
    """One notification on its way through the gates; `at` is the broker's time of its record, `now` the batch's (epoch seconds).

    The trace is of steps that are encoded already: most are the same for thousands of notifications.
    """

    record: Record
    source: Source
    partition: int
    notification: Notification
    id: str
    at: float
    now: float
    created_at: float
    user: bytes = b""
    expires_at: float = 0.0
    ending: Ending | None = None
    trace: list[Raw] = []
    rule: Rule | None = None
    candidates: tuple[Channel, ...] = ()
    first_key: bytes = b""
    claim_key: bytes = b""
    window_keys: Mapping[Channel, bytes] = _NONE
    mark: bytes = b""
    needs_profile: bool = False
    locale: str = ""
    addresses: Mapping[Channel, list[str]] = _NONE
    limited: Mapping[Channel, Full] = _NONE
    chosen: tuple[Channel, ...] = ()
    template: str = ""
    contents: Mapping[Channel, Raw] = _NONE


class Desk(NamedTuple):
    """What the gates look things up in: the operator's book, the rows of the batch, and the profiles fetched for it."""

    book: Book
    rows: Rows
    profiles: Mapping[str, Profile]


def step(gate: str, verdict: str, reason: str = "", inputs: dict[str, Any] | None = None) -> Raw:
    """An entry of the decision trace."""
    return Raw(_encode(Step(gate, verdict, reason, inputs or {})))


def dead(case: Case, gate: str, reason: Reason, error: str, **inputs: str) -> Stop:
    """End the case at a gate with a dead letter; the error and what else is given go into its trace."""
    error = error[:MAX_ERROR]
    case.trace.append(step(gate, State.DEAD.value, reason.value, {"error": error, **inputs}))
    return Stop(State.DEAD, reason, error)


def refused(case: Case, gate: str, reason: Reason, inputs: dict[str, Any], first_id: str = "") -> Stop:
    """End the case at a gate with a refusal, and say in its trace on what grounds."""
    case.trace.append(step(gate, State.REFUSED.value, reason.value, inputs))
    return Stop(State.REFUSED, reason, first_id=first_id)
