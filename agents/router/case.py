"""What the gates hand each other: the case of one notification, the rows of its batch, and the ways a case can end early."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from msgspec import Raw, Struct

from agents.router.book import Book
from agents.router.plan import Plan
from schemas import topics
from schemas.notification import Notification
from schemas.ports import Record
from schemas.rules import Profile
from schemas.status import Step
from schemas.words import CHANNELS, Channel, Lane, Reason, State
from tables.rate_windows import Full


class Source(Struct, frozen=True):
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
    """A gate refused the notification, or declared it dead, with this step in its trace; `error` is the sentence a dead letter carries."""

    state: State
    reason: Reason
    gate: str
    step: Raw
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

_encode = msgspec.json.Encoder().encode
_NO_KEYS: Mapping[Channel, bytes] = MappingProxyType({})


class Case:
    """One notification on its way through the gates; `at` is the broker's time of its record, `now` the batch's (epoch seconds).

    What has no value here is set by the gate that finds it out, for the gates after it and for the trace.
    """

    __slots__ = (
        "addresses",
        "at",
        "chosen",
        "claim_key",
        "contents",
        "counts",
        "created_at",
        "ending",
        "expires_at",
        "first_key",
        "id",
        "labels",
        "limited",
        "locale",
        "mark",
        "needs_profile",
        "notification",
        "now",
        "partition",
        "plan",
        "record",
        "source",
        "template",
        "user",
        "window_keys",
    )
    locale: str
    addresses: Mapping[Channel, list[str]]
    counts: list[int]
    limited: Mapping[Channel, Full]
    chosen: tuple[Channel, ...]
    template: str
    contents: list[Raw]
    labels: list[str]

    def __init__(
        self,
        record: Record,
        source: Source,
        partition: int,
        notification: Notification,
        an_id: str,
        at: float,
        now: float,
        created_at: float,
    ) -> None:
        self.record, self.source, self.partition, self.notification = record, source, partition, notification
        self.id, self.at, self.now, self.created_at = an_id, at, now, created_at
        self.user = notification.user_id.encode()
        self.ending: Ending | None = None
        self.first_key = self.claim_key = self.mark = b""
        self.window_keys = _NO_KEYS
        self.needs_profile = False
        self.plan: Plan | None = None
        self.expires_at = 0.0


class Desk(Struct, frozen=True):
    """What the gates look things up in: the operator's book, the rows of the batch, and the profiles fetched for it."""

    book: Book
    rows: Rows
    profiles: Mapping[str, Profile]


def passed(gate: str, reason: str = "", inputs: dict[str, Any] | None = None) -> Raw:
    """The entry of a gate that let the case pass."""
    return step(gate, "pass", reason, inputs)


def step(gate: str, verdict: str, reason: str = "", inputs: dict[str, Any] | None = None) -> Raw:
    """An entry of the decision trace."""
    return Raw(_encode(Step(gate, verdict, reason, inputs or {})))


def dead(gate: str, reason: Reason, error: str, **inputs: str) -> Stop:
    """How a case ends at a gate with a dead letter; the error and what else is given go into its trace."""
    error = error[:MAX_ERROR]
    return Stop(State.DEAD, reason, gate, step(gate, State.DEAD.value, reason.value, {"error": error, **inputs}), error)


def refused(gate: str, reason: Reason, inputs: dict[str, Any], first_id: str = "") -> Stop:
    """How a case ends at a gate with a refusal; its trace says on what grounds."""
    return Stop(State.REFUSED, reason, gate, step(gate, State.REFUSED.value, reason.value, inputs), first_id=first_id)
