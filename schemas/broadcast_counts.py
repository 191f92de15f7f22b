"""What became of the notifications of a broadcast: counts, and what of a cancelled one waits in the scheduler. Times in epoch seconds."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from schemas.broadcasts import BroadcastCancellation, BroadcastCounts, BroadcastState, derive_notification_id
from schemas.enums import Reason, State, Status
from schemas.ids import to_uuid_hex
from schemas.lifetimes import DAY, MAX_SEND_AHEAD

MAX_COUNT_AGE = MAX_SEND_AHEAD + 2 * DAY  # what is held for the longest time has expired by then
RECEIPT_AGE = 4 * DAY  # what is SENT for so long gets no receipt any more
COUNT_SHARE = 0.05  # of the time: how long counts of one broadcast may take
AGE_SHARE = 1 / 8  # of its age: how old its counts may be
SHORTEST_PAUSE = 1.0  # seconds between two counts
PAUSED_PAUSE = 10.0  # of a broadcast that is paused


class BroadcastFindings(Struct):
    """What a count has found so far: by state and reason, and by status and reason. `seconds` is what it took.

    `cancels`: what waited was cancelled too.
    """

    decided: int = 0
    waiting: int = 0
    seconds: float = 0.0
    cancels: bool = False
    states: dict[str, dict[str, int]] = {}
    statuses: dict[str, dict[str, int]] = {}


class BroadcastCount(Struct, frozen=True):
    """The count of a broadcast that a worker has in hand.

    `identified_ats`: the times in the ids, in order. `cursor`: the last row, or empty. `age`: seconds since the broadcast ended or was
    cancelled; None while it runs. `last_decided`: that of the count before. `has_page`: a worker may still produce a page of it.
    """

    id: str
    state: BroadcastState
    identified_ats: tuple[float, ...]
    expanded_count: int
    number: int
    cursor: str
    findings: BroadcastFindings
    last_decided: int
    age: float | None
    has_page: bool = False


class DecidedNotification(NamedTuple):
    """A row of the history: `deliveries` are ids, `next_step_at` the time of its next channel, `merged_into` its digest, or empty."""

    id: str
    user_id: str
    state: str
    reason: str
    deliveries: Sequence[str] = ()
    next_step_at: float | None = None
    merged_into: str = ""


class CountPage(NamedTuple):
    """Notifications in the order of their ids and users, and the cursor after them."""

    notifications: Sequence[DecidedNotification]
    cursor: str
    is_last: bool


class HeldDigest(NamedTuple):
    """A digest that is held, and the ids of the notifications in it."""

    id: str
    user_id: str
    member_ids: Sequence[str]


class DeliveryResult(NamedTuple):
    """The status of a delivery that has one."""

    status: str
    reason: str


def is_of_broadcast(broadcast_id: str, notification_id: str, user_id: str, identified_ats: Iterable[float]) -> bool:
    """Whether a broadcast with these times has made the notification."""
    return any(derive_notification_id(broadcast_id, user_id, at) == notification_id for at in identified_ats)


def compute_time_range(broadcast_id: str, at: float) -> tuple[str, str]:
    """The first and the last UUID, as hex digits, of the millisecond in the ids of a broadcast's notifications."""
    prefix = to_uuid_hex(derive_notification_id(broadcast_id, "", at))[:12]
    return prefix + "0" * 20, prefix + "f" * 20


def is_at_rest(findings: BroadcastFindings, expanded_count: int) -> bool:
    """Whether all is decided, nothing is held and no delivery has an attempt before it."""
    is_open = State.HELD in findings.states or Status.PENDING in findings.statuses
    return findings.decided >= expanded_count and not findings.waiting and not is_open


def is_final(count: BroadcastCount, findings: BroadcastFindings) -> bool:
    """Whether no later count can find anything else, apart from receipts that come later than most."""
    if count.age is None or count.has_page or not is_at_rest(findings, count.expanded_count):
        return False
    return Status.SENT not in findings.statuses or count.age > RECEIPT_AGE


def compute_pause(count: BroadcastCount, findings: BroadcastFindings) -> float | None:
    """Seconds until the next count; None if none follows."""
    if is_final(count, findings) or (count.age or 0.0) > MAX_COUNT_AGE:
        return None
    shortest = PAUSED_PAUSE if count.state == "paused" else SHORTEST_PAUSE
    return max(shortest, findings.seconds / COUNT_SHARE, (count.age or 0.0) * AGE_SHARE)


def build_counts(findings: BroadcastFindings, counted_at: float) -> BroadcastCounts:
    """The counts as clients see them."""
    return BroadcastCounts(
        counted_at,
        findings.decided,
        findings.waiting,
        _sum_reasons(findings.states),
        _select_reasons(findings.states),
        _sum_reasons(findings.statuses),
        _select_reasons(findings.statuses),
    )


def build_cancellation(
    counted: BroadcastFindings | None, in_hand: BroadcastFindings | None, expanded_count: int, has_next_count: bool, has_page: bool
) -> BroadcastCancellation:
    """How far a cancel is. `counted`: the last count, `in_hand`: the one that has not ended. `has_page`: as of the broadcast."""
    last = counted if counted is not None and counted.cancels else None
    is_done = not has_page and (not has_next_count or (last is not None and is_at_rest(last, expanded_count)))
    checked = in_hand.decided if in_hand is not None and in_hand.cancels else last.decided if last else 0
    cancelled = sum(reasons.get(Reason.CANCELLED, 0) for reasons in (*last.states.values(), *last.statuses.values())) if last else 0
    return BroadcastCancellation(is_done, checked, last.waiting if last else None, cancelled)


def _sum_reasons(counts: dict[str, dict[str, int]]) -> dict[str, int]:
    return {name: sum(reasons.values()) for name, reasons in counts.items()}


def _select_reasons(counts: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    named = {name: {reason: number for reason, number in reasons.items() if reason} for name, reasons in counts.items()}
    return {name: reasons for name, reasons in named.items() if reasons}
