"""A line of the sample before its place in the file is known."""

from dataclasses import dataclass
from typing import Any

from dev.sample.sample_file import SampleLine
from schemas.enums import Priority


@dataclass(frozen=True)
class Draft:
    """A line that comes somewhere behind `after`, or sends `again` once more."""

    line: SampleLine
    after: "Draft | None" = None
    replay_of: "Draft | None" = None


def build_kafka_draft(priority: Priority, expected: list[str], *, after: Draft | None = None, **fields: Any) -> Draft:
    """A record of `notifications.<priority>`."""
    return Draft(SampleLine("kafka", expected, priority, **fields), after)


def build_http_draft(
    notification: dict[str, Any], expected: list[str], *, priority: Priority | None = None, after: Draft | None = None, **fields: Any
) -> Draft:
    """An item of a bulk request; without a priority the rule for the type says."""
    return Draft(SampleLine("http", expected, priority, notification, **fields), after)
