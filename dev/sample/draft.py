"""A line of the sample before its position in the file is known."""

from dataclasses import dataclass
from typing import Any

from dev.sample.sample_file import SampleLine
from schemas.enums import Priority


@dataclass(frozen=True)
class Draft:
    """A line that is placed after `after`; `replay_of` is the line that it replays."""

    line: SampleLine
    after: "Draft | None" = None
    replay_of: "Draft | None" = None


def build_kafka_draft(priority: Priority, expected: list[str], *, after: Draft | None = None, **fields: Any) -> Draft:
    """Build a record of `notifications.<priority>`; `fields` are those of SampleLine."""
    return Draft(SampleLine("kafka", expected, priority, **fields), after)


def build_http_draft(
    notification: dict[str, Any], expected: list[str], *, priority: Priority | None = None, after: Draft | None = None, **fields: Any
) -> Draft:
    """Build an item of a bulk request; without a priority that of the rule applies. `fields` are those of SampleLine."""
    return Draft(SampleLine("http", expected, priority, notification, **fields), after)
