"""From a request's bytes to notifications that the router will take, or to what is wrong with them; pure."""

from typing import Final

import msgspec
from msgspec import UNSET

from agents.router.decode import objection
from app.api.problems import Flaw, Problem, ProblemFound, flaw_at, flaw_of, problem
from app.api.rulebook import Rulebook
from schemas.errors import UNREADABLE
from schemas.notification import Submission
from schemas.words import Lane

MAX_BULK: Final = 1000
FLAWS_TOLD: Final = 3  # in the sentence; the list has them all
DEFAULT_LANE: Final[Lane] = "medium"



class Bulk(msgspec.Struct, frozen=True):
    """The body of a bulk request that is not a plain array."""

    notifications: list[Submission]


class RawBulk(msgspec.Struct, frozen=True):
    """The same, its items not yet read."""

    notifications: list[msgspec.Raw]


_one = msgspec.json.Decoder(Submission).decode
_many = msgspec.json.Decoder(list[Submission]).decode
_wrapped = msgspec.json.Decoder(Bulk).decode
_raw_many = msgspec.json.Decoder(list[msgspec.Raw]).decode
_raw_wrapped = msgspec.json.Decoder(RawBulk).decode


def decode_one(body: bytes) -> Submission:
    """The notification in a request. Raises ProblemFound with the place of what is wrong."""
    try:
        return _one(body)
    except UNREADABLE as error:
        raise ProblemFound(invalid([flaw_of(error)])) from None


def decode_many(body: bytes) -> tuple[str, list[Submission | Flaw]]:
    """The JSONPath of the array in a bulk request and its notifications; one that cannot be read is its flaw.

    Raises ProblemFound if the whole cannot be read.
    """
    wrapped = body.lstrip()[:1] == b"{"
    try:
        items: list[Submission | Flaw] = [*(_wrapped(body).notifications if wrapped else _many(body))]
    except UNREADABLE:
        items = _one_by_one(body, wrapped)
    if not 1 <= len(items) <= MAX_BULK:
        raise ProblemFound(invalid([flaw_at("$", f"a bulk request has 1 to {MAX_BULK} notifications, this one has {len(items)}")]))
    return "$.notifications" if wrapped else "$", items


def _one_by_one(body: bytes, wrapped: bool) -> list[Submission | Flaw]:
    try:
        raws = _raw_wrapped(body).notifications if wrapped else _raw_many(body)
    except UNREADABLE as error:
        raise ProblemFound(invalid([flaw_of(error)])) from None
    return [_item(raw) for raw in raws]


def _item(raw: msgspec.Raw) -> Submission | Flaw:
    try:
        return _one(raw)
    except UNREADABLE as error:
        return flaw_of(error)


def flaw_in(submission: Submission, value: bytes, rulebook: Rulebook | None, now: float) -> Flaw | None:
    """Why the router would not take this notification, as far as it can be told before; `value` is its JSON, `now` in epoch seconds."""
    if found := objection(submission, now, now, value):
        reason, path, text = found
        return flaw_at(path, text, reason)
    return rulebook.flaw_in(submission) if rulebook else None


def lane_for(submission: Submission, rulebook: Rulebook | None) -> Lane:
    """The priority, or the lane of the rule for the type, or medium."""
    if submission.priority is not UNSET:
        return submission.priority
    return (rulebook.lane_of(submission.type) if rulebook else None) or DEFAULT_LANE


def invalid(flaws: list[Flaw]) -> Problem:
    """The problem of a request with these flaws."""
    told = "; ".join(f"{flaw.path}: {flaw.detail}" for flaw in flaws[:FLAWS_TOLD])
    rest = len(flaws) - FLAWS_TOLD
    return problem("invalid", f"{told}; and {rest} more" if rest > 0 else told, flaws)
