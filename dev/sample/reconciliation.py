"""Accounts for every line of the sample: what became of it, and what all of them add up to; pure."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from dev.sample.submissions import SubmittedLine
from schemas.enums import Channel, State, Status
from tables.postgres.notification_results import DeliveryResult, NotificationResults

FINAL_STATUSES = frozenset({Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED})
FINAL_STATES = frozenset({State.REJECTED, State.DEAD, State.MERGED})
REPLAYED = "replayed"


class LineResult(Struct, frozen=True):
    """What became of a line: `routed`, `rejected expired`, ... and the statuses of its deliveries; empty if nothing is known yet."""

    state: str = ""
    statuses: tuple[str, ...] = ()
    final: bool = False


class Reconciliation(Struct, frozen=True):
    """What the lines came to: counts of what is final, and how many lines are not."""

    submitted_count: int
    result_counts: Counter[str]
    status_counts: Counter[str]
    in_flight_count: int
    lost_count: int = 0

    @property
    def state_counts(self) -> Counter[str]:
        """The fates without their reasons."""
        return _count_first_words(self.result_counts)

    @property
    def reason_counts(self) -> Counter[str]:
        """The reasons of notifications and deliveries together."""
        counts: Counter[str] = Counter()
        for fate, count in (*self.result_counts.items(), *self.status_counts.items()):
            counts.update(dict.fromkeys(fate.split()[1:], count))
        return counts

    @property
    def complete(self) -> bool:
        """Whether every line is final."""
        return not self.in_flight_count and not self.lost_count and self.result_counts.total() == self.submitted_count

    def build_final_counts(self) -> dict[str, dict[str, int]]:
        """What is final, by status, state and reason; the states add up to the lines."""
        by = {"status": _count_first_words(self.status_counts), "state": self.state_counts, "reason": self.reason_counts}
        return {name: dict(sorted(counts.items())) for name, counts in by.items()}


def _count_first_words(counts: Counter[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text, count in counts.items():
        words[text.split()[0]] += count
    return words


def compute_result(
    submitted: SubmittedLine, history: NotificationResults, receipt_timeouts: Mapping[Channel, int], now: float, all_read: bool
) -> LineResult:
    """The fate of a line by what is recorded; `all_read` says that the router has read every record that was handed in.

    A line that sends an earlier one once more is absorbed by it: it has no row, and none must come of it.
    """
    if submitted.unprocessable_reason:
        return LineResult(f"unprocessable {submitted.unprocessable_reason}", (), True)
    if submitted.line.replay_of:
        return LineResult(REPLAYED, (), all_read)
    decided = history.notifications.get(submitted.notification_id)
    if decided is None:
        return LineResult()
    current = [history.deliveries.get(planned.id) for planned in decided.deliveries]
    final = decided.state in FINAL_STATES or (
        decided.state == State.ROUTED and all(is_delivery_final(each, receipt_timeouts, now) for each in current)
    )
    return LineResult(_join_reason(decided.state, decided.reason), tuple(map(_format_status, current)), final)


def is_delivery_final(current: DeliveryResult | None, receipt_timeouts: Mapping[Channel, int], now: float) -> bool:
    """Whether nothing more will happen to a delivery: SENT is final once its receipt can no longer come (design.md section 6)."""
    if current is None:
        return False
    return current.status in FINAL_STATUSES or (
        current.status is Status.SENT and current.updated_at + receipt_timeouts[current.channel] <= now
    )


def reconcile(results: Sequence[LineResult], lost_count: int = 0) -> Reconciliation:
    """What the lines come to; `lost` are those of the unfinished ones of which nothing more can be expected."""
    final = [fate for fate in results if fate.final]
    statuses = Counter(status for fate in final for status in fate.statuses)
    return Reconciliation(len(results), Counter(fate.state for fate in final), statuses, len(results) - len(final) - lost_count, lost_count)


def find_mismatches(reconciliation: Reconciliation, expected: Collection[Sequence[str]]) -> dict[str, tuple[int, int]]:
    """Where counts differ from what the sample expects: (expected, got) by fate and status."""
    wanted = Counter(word for each in expected for word in each)
    got = reconciliation.result_counts + reconciliation.status_counts
    return {word: (wanted[word], got[word]) for word in sorted({*wanted, *got}) if wanted[word] != got[word]}


def _format_status(current: DeliveryResult | None) -> str:
    return Status.PENDING.value if current is None else _join_reason(current.status, current.reason)


def _join_reason(word: str, reason: str) -> str:
    return f"{word} {reason}" if reason else f"{word}"
