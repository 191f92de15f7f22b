"""Computes the result of each line of the sample, and the counts of all results (pure functions)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from dev.sample.notification_results import DeliveryResult, NotificationResults
from dev.sample.submissions import SubmittedLine
from schemas.channels import ChannelName
from schemas.enums import State, Status

FINAL_STATUSES = frozenset({Status.FAILED, Status.DELIVERED, Status.BOUNCED, Status.UNSUBSCRIBED})
FINAL_STATES = frozenset({State.REJECTED, State.DEAD, State.MERGED})
REPLAYED = "replayed"


class LineResult(Struct, frozen=True):
    """The result of a line (`routed`, `rejected expired`, ...) and the statuses of its deliveries; empty if it is not recorded yet."""

    state: str = ""
    statuses: tuple[str, ...] = ()
    final: bool = False


class LineMismatch(Struct, frozen=True):
    """A line whose result is not the expected one: its number in the file and its notification id, empty without one."""

    number: int
    notification_id: str
    expected: str
    found: str


class Reconciliation(Struct, frozen=True):
    """Counts of final lines by result and of their deliveries by status, and the numbers of lines that are in flight or lost."""

    submitted_count: int
    result_counts: Counter[str]
    status_counts: Counter[str]
    in_flight_count: int
    lost_count: int = 0

    @property
    def state_counts(self) -> Counter[str]:
        """The counts of results without their reasons."""
        return _count_first_words(self.result_counts)

    @property
    def reason_counts(self) -> Counter[str]:
        """The counts of reasons, of notifications and deliveries together."""
        counts: Counter[str] = Counter()
        for result, count in (*self.result_counts.items(), *self.status_counts.items()):
            counts.update(dict.fromkeys(result.split()[1:], count))
        return counts

    @property
    def complete(self) -> bool:
        """Whether every line is final."""
        return not self.in_flight_count and not self.lost_count and self.result_counts.total() == self.submitted_count

    def build_final_counts(self) -> dict[str, dict[str, int]]:
        """Build the counts of final lines and deliveries by status, state and reason; the sum of the states is the number of lines."""
        counters = {"status": _count_first_words(self.status_counts), "state": self.state_counts, "reason": self.reason_counts}
        return {name: dict(sorted(counts.items())) for name, counts in counters.items()}


def _count_first_words(counts: Counter[str]) -> Counter[str]:
    words: Counter[str] = Counter()
    for text, count in counts.items():
        words[text.split()[0]] += count
    return words


def compute_result(
    submitted: SubmittedLine, history: NotificationResults, receipt_timeouts: Mapping[ChannelName, int], now: float, all_read: bool
) -> LineResult:
    """Compute the result of a line from the history; `all_read`: the router has committed all submitted records.

    A replay has no row of its own: it is final when the router has read it. What is expected to be held is final then, too.
    """
    if submitted.unprocessable_reason:
        return LineResult(f"unprocessable {submitted.unprocessable_reason}", (), True)
    if submitted.line.replay_of:
        return LineResult(REPLAYED, (), all_read)
    decided = history.notifications.get(submitted.notification_id)
    if decided is None:
        return LineResult()
    deliveries = [history.deliveries.get(planned.id) for planned in decided.deliveries]
    is_complete = not submitted.line.escalates or len(deliveries) >= len(submitted.line.expected) - 1
    final = is_complete and (
        decided.state in FINAL_STATES
        or (decided.state == State.HELD and submitted.line.expects_hold and all_read)
        or (decided.state == State.ROUTED and all(is_delivery_final(delivery, receipt_timeouts, now) for delivery in deliveries))
    )
    return LineResult(_join_reason(decided.state, decided.reason), tuple(map(_format_status, deliveries)), final)


def is_delivery_final(delivery: DeliveryResult | None, receipt_timeouts: Mapping[ChannelName, int], now: float) -> bool:
    """Whether the status of a delivery is final: SENT is final after the receipt timeout of its channel (docs/architecture.md)."""
    if delivery is None:
        return False
    return delivery.status in FINAL_STATUSES or (
        delivery.status is Status.SENT and delivery.updated_at + receipt_timeouts.get(delivery.channel, 0) <= now
    )


def reconcile(results: Sequence[LineResult], lost_count: int = 0) -> Reconciliation:
    """Count the results; `lost_count` of the unfinished lines are lost, the others are in flight."""
    final = [result for result in results if result.final]
    result_counts = Counter(result.state for result in final)
    status_counts = Counter(status for result in final for status in result.statuses)
    return Reconciliation(len(results), result_counts, status_counts, len(results) - len(final) - lost_count, lost_count)


def find_mismatches(submitted: Sequence[SubmittedLine], results: Sequence[LineResult]) -> list[LineMismatch]:
    """Find the lines whose result, or the status of any of their deliveries, is not the expected one or not final."""
    return [
        LineMismatch(number, line.notification_id, ", ".join(line.line.expected), _describe_result(result))
        for number, (line, result) in enumerate(zip(submitted, results, strict=True), 1)
        if not result.final or not _is_expected(result, line.line.expected)
    ]


def _is_expected(result: LineResult, expected: Sequence[str]) -> bool:
    """Whether the result is the expected one; what was sent may have arrived meanwhile."""
    found = (result.state, *result.statuses)
    return len(found) == len(expected) and all(
        word == other or (word == Status.SENT and other == Status.DELIVERED) for word, other in zip(expected, found, strict=True)
    )


def _describe_result(result: LineResult) -> str:
    text = ", ".join((result.state, *result.statuses)) or "nothing recorded"
    return text if result.final else f"{text} (not final)"


def _format_status(delivery: DeliveryResult | None) -> str:
    return Status.PENDING.value if delivery is None else _join_reason(delivery.status, delivery.reason)


def _join_reason(word: str, reason: str) -> str:
    return f"{word} {reason}" if reason else f"{word}"
