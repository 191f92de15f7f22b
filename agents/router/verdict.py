"""The verdicts of the gates: pass, hold, merge, reject, dead letter; and those for a record that is not decided here, or not again.

A hold that was claimed before a crash is decided again (agents/router/evaluate.py).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from schemas.enums import State
from tables.idempotency import HoldClaim

MIN_HOLD_SECONDS = 1.0  # so that a clock that is a little behind makes no loop
MAX_ERROR_CHARACTERS = 500  # an error may quote the value that it is about, which may be a whole record


class Pass(Struct, frozen=True, gc=False):
    """The next gate is checked; after the last one the notification is routed."""


class Hold(Struct, frozen=True, gc=False):
    """The scheduler gives the notification back to this gate at `until` (epoch seconds)."""

    until: float
    reason: str
    inputs: Mapping[str, Any] = {}
    state: ClassVar[State] = State.HELD
    name: ClassVar[str] = "hold"


class Merge(Struct, frozen=True, gc=False):
    """The notification becomes part of another one, `into`, and is not sent itself."""

    into: str
    reason: str
    inputs: Mapping[str, Any] = {}
    state: ClassVar[State] = State.MERGED
    name: ClassVar[str] = "merge"


class Reject(Struct, frozen=True, gc=False):
    """The notification is not sent; `duplicate_of` is the id of the notification that it repeats."""

    reason: str
    inputs: Mapping[str, Any] = {}
    duplicate_of: str = ""
    state: ClassVar[State] = State.REJECTED
    name: ClassVar[str] = "reject"


class DeadLetterVerdict(Struct, frozen=True, gc=False):
    """The notification cannot be decided; `error` is the explanation in its dead letter."""

    reason: str
    error: str
    inputs: Mapping[str, Any] = {}
    state: ClassVar[State] = State.DEAD
    name: ClassVar[str] = "dead_letter"


class Repartition(Struct, frozen=True, gc=False):
    """The record belongs to another partition; `value` is its JSON with the id stamped in."""

    partition: int
    value: bytes


class Replay(Struct, frozen=True, gc=False):
    """This notification was decided before: a replay, or a producer's second try. Nothing more is written."""


PASS = Pass()
REPLAY = Replay()

Stop = Hold | Merge | Reject | DeadLetterVerdict
"""The verdicts that end a decision and that its decision log shows."""

Verdict = Pass | Stop | Repartition | Replay | HoldClaim


def build_dead_letter_verdict(reason: str, error: str, **inputs: str) -> DeadLetterVerdict:
    """A dead letter whose error is cut to 500 characters; the error and the inputs are in the decision log."""
    error = error[:MAX_ERROR_CHARACTERS]
    return DeadLetterVerdict(reason, error, {"error": error, **inputs})
