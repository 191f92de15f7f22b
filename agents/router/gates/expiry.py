"""The gate expiry: nothing is sent after it expired, and nothing lives longer than its idempotency row."""

from datetime import datetime

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Reject, Verdict
from schemas.enums import Reason
from schemas.lifetimes import NOTIFICATION_EXPIRY
from schemas.timestamps import to_epoch_seconds

NAME = "expiry"

_PASSED = encode_pass(NAME)


def compute_expiry(expires_at: float | datetime | None, due_at: float, expires_after: int = 0) -> float:
    """When a notification expires (epoch seconds): as it asks, at most 24 h after it is due, and not before 1970.

    Without `expires_at` it is `expires_after` its due time: seconds of its rule, 0 for 24 h.
    """
    if expires_at is None:
        return due_at + (expires_after or NOTIFICATION_EXPIRY)
    return max(min(to_epoch_seconds(expires_at), due_at + NOTIFICATION_EXPIRY), 0.0)


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification that has not expired; it is due at its send_at, or at the broker's time of its record if that is later."""
    assert state.plan is not None
    due_at, send_at = state.record_time, state.notification.send_at
    if send_at is not None:
        due_at = max(due_at, to_epoch_seconds(send_at))
    state.expires_at = compute_expiry(state.notification.expires_at, due_at, state.plan.rule.expires_after)
    if state.expires_at > state.now:
        return PASS
    return Reject(Reason.EXPIRED, {"expires_at": state.expires_at, "now": state.now})


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed."""
    return _PASSED


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={Reason.EXPIRED: "it had expired before it was decided"},
    remedies={Reason.EXPIRED: "it would have had to be decided before {expires_at:time}, or the producer to give it a later expires_at"},
)
