"""What is counted of the history by the minute of submission, and how often each thing changed in a commit (docs/decisions/0063)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from schemas.enums import Outcome
from schemas.events import StatusEvent
from schemas.history import DecidedRow
from schemas.projects import find_project
from schemas.webhook_endpoints import MESSAGE_PREFIX

Step = Literal[60, 3600, 86400]

OTHER: Final = "other"
"""The type and category of what no rule was found for, and of whatever is new when there are MAX_LABELS combinations."""

REASONS_WITHOUT_RULE: Final = frozenset(
    {
        *("null_value", "too_large", "undecodable", "invalid", "id_time_mismatch", "erased", "seal_broken"),  # of the gate `decode`
        "wrong_partition",
        *("duplicate", "duplicate_with_other_content"),
        *("unknown_type", "unknown_category", "other_project"),  # of the gate `rule`
        "digest_lost",
    }
)
"""Reasons of the router's gates that are met before the rule: the type and category are any text that a producer has sent."""

MAX_LABELS: Final = 10_000

HANDOVER_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Upper bounds of seconds from submission, or release, to the provider's answer; the targets of the priorities are among them."""

MICROSECOND_BOUNDS = tuple(int(bound * 1e6) for bound in HANDOVER_BOUNDS)
HANDOVER_NAMES = (*map(str, HANDOVER_BOUNDS), "inf")
_EPOCH = 946_684_800  # epoch seconds of 2000-01-01, from which PostgreSQL counts microseconds


class Kind(StrEnum):
    """What a count is of."""

    NOTIFICATION = "notification"
    DELIVERY = "delivery"
    HANDOVER = "handover"
    ENGAGEMENT = "engagement"


class FoldBounds(NamedTuple):
    """Times in epoch seconds before which counts of minutes, of hours and of days are not kept."""

    minutes: int
    hours: int
    days: int


LabelKey = tuple[str, str, str, str, str, bool]
"""What counts have in common: project, type, category, priority, template, and whether it is a test; a row of count_labels."""

CountKey = tuple[str, int, int, str, str, str, str]
"""Kind, minute in epoch seconds, labels, channel, provider, name, reason: in the order of the table's key."""


def get_notification_labels(row: DecidedRow) -> LabelKey:
    """As what a notification is counted; its template is its deliveries' matter."""
    user_id = row.user_id
    project = find_project(user_id) if user_id.startswith("@") else ""
    if row.reason in REASONS_WITHOUT_RULE:
        return project, OTHER, OTHER, row.priority, "", row.is_test
    return project, row.type, row.category, row.priority, "", row.is_test


def get_delivery_labels(event: StatusEvent) -> LabelKey | None:
    """As what a delivery is counted; None for webhooks of Herold's own, and for events of releases that did not count."""
    if not event.priority or event.notification_id.startswith(MESSAGE_PREFIX):
        return None
    user_id = event.user_id
    project = find_project(user_id) if user_id.startswith("@") else ""
    return project, event.type, event.category, event.priority, event.template, event.is_test


def to_other(labels: LabelKey) -> LabelKey:
    """The labels of whatever does not get labels of its own."""
    project, _, _, priority, template, is_test = labels
    return project, OTHER, OTHER, priority, OTHER if template else "", is_test


def compute_fold_bound(now: float, kept: float, step: int) -> int:
    """Before this time (epoch seconds) counts are added to longer steps of so many seconds, which are whole then."""
    return int((now - kept) // step) * step


class HistoryChanges:
    """What a commit adds to the counts and takes from them."""

    def __init__(self) -> None:
        self.counts: Counter[CountKey] = Counter()
        self._new: list[CountKey] = []  # each counts 1; to count them together takes a third of the time

    def add_notification(self, row: DecidedRow, labels_id: int) -> None:
        """Count a new notification."""
        self._new.append(("notification", int(row.created_at) // 60 * 60, labels_id, "", "", row.state, row.reason))

    def add_delivery(self, event: StatusEvent, labels_id: int) -> None:
        """Count a new delivery."""
        minute = int(event.created_at) // 60 * 60
        self._new.append(("delivery", minute, labels_id, event.channel, event.provider, event.status, event.reason))

    def add_handovers(self, events: Iterable[tuple[StatusEvent, int | None]]) -> None:
        """Count the calls that a provider accepted, each with its labels, but those of redrives: nobody waited for them."""
        accepted, add = Outcome.ACCEPTED, self._new.append  # looked up once
        for event, labels_id in events:
            if labels_id is None or event.outcome is not accepted or event.redrive_count:
                continue
            created_at = event.created_at
            # of the microseconds that are stored, so that a bound is met alike in PostgreSQL
            taken = int((event.occurred_at - _EPOCH) * 1e6) - int(((event.due_at or created_at) - _EPOCH) * 1e6)
            name = HANDOVER_NAMES[bisect_left(MICROSECOND_BOUNDS, taken)]
            add(("handover", int(created_at) // 60 * 60, labels_id, event.channel, "", name, ""))

    def add_engagement(self, minute: int, labels_id: int, channel: str, name: str) -> None:
        """Count that a delivery was opened or clicked for the first time."""
        self._new.append(("engagement", minute, labels_id, channel, "", name, ""))

    def list_changes(self) -> list[tuple[CountKey, int]]:
        """What is to be added, in the order of the table's key, so that two workers cannot deadlock."""
        self.counts.update(self._new)
        self._new = []
        return sorted(change for change in self.counts.items() if change[1])
