"""What a verified callback is mapped to: events for Kafka, and how many of its reports were taken or not."""

from collections import Counter
from collections.abc import Mapping
from typing import Literal, NamedTuple

from schemas.events import ProviderEvent

MAX_EVENT_KEY_CHARACTERS = 200
MAX_NUMBER = 32_767  # of attempts and redrives; the history has columns of two bytes

ReportResult = Literal["taken", "ignored", "unknown", "foreign"]
"""`ignored`: nothing follows from such a report. `unknown`: a kind of report that this release does not know. `foreign`: it does not name a
delivery of ours, or not in a way that can be recorded."""


class MappedCallback(NamedTuple):
    """The events in the order of the reports, and the number of reports by name and result; what is unknown has the name `other`."""

    events: list[ProviderEvent]
    counts: Counter[tuple[str, ReportResult]]


def parse_number(text: object) -> int | None:
    """The number of an attempt or redrive that we wrote as digits; None for anything else."""
    if not isinstance(text, str) or not text.isascii() or not text.isdecimal() or len(text) > 5:
        return None
    number = int(text)
    return number if number <= MAX_NUMBER else None


def find_numbers(fields: Mapping[str, object]) -> tuple[int, int] | None:
    """The attempt and the redrive that a callback is about; None if they are not what we wrote."""
    attempt, redrive_count = parse_number(fields.get("attempt", "0")), parse_number(fields.get("redrive_count", "0"))
    return None if attempt is None or redrive_count is None else (attempt, redrive_count)
