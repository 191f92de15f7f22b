"""A line of the sample before its place in the file is known."""

from dataclasses import dataclass
from typing import Any

from app.demo.sample import Line
from schemas.words import Lane


@dataclass(frozen=True)
class Draft:
    """A line that comes somewhere behind `after`, or sends `again` once more."""

    line: Line
    after: "Draft | None" = None
    again: "Draft | None" = None


def kafka(lane: Lane, expect: list[str], *, after: Draft | None = None, **fields: Any) -> Draft:
    """A record of `notifications.<lane>`."""
    return Draft(Line("kafka", expect, lane, **fields), after)


def posted(
    notification: dict[str, Any], expect: list[str], *, lane: Lane | None = None, after: Draft | None = None, **fields: Any
) -> Draft:
    """An item of a bulk request; without a lane the rule for the type says."""
    return Draft(Line("http", expect, lane, notification, **fields), after)
