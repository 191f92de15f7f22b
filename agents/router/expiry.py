"""The expiry gate: nothing is sent after it expired, and nothing lives longer than its idempotency row."""

from agents.router.case import Case, Desk, Ending, passed, refused
from schemas.words import Reason
from tables.idempotency import HORIZON

GATE = "expiry"

PASSED = passed(GATE)


def expiry_of(asked: float | None, due: float) -> float:
    """When a notification expires: as asked, never later than 24 h after it is due, and not before there were computers."""
    latest = due + HORIZON
    return latest if asked is None else max(min(asked, latest), 0.0)


def gate(case: Case, desk: Desk) -> Ending | None:
    """Pass a notification that has not expired; due is the broker's time of its record."""
    case.expires_at = expiry_of(case.notification.expires_at, case.at)
    if case.expires_at > case.now:
        return None
    return refused(GATE, Reason.EXPIRED, {"expires_at": case.expires_at, "now": case.now})
