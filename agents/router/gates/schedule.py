"""The gate schedule: a notification with a later send_at waits until then; what comes back is due."""

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Hold, Reject, Verdict
from schemas.timestamps import to_epoch_seconds

NAME = "schedule"
SEND_AT = "send_at"
EXPIRES_BEFORE_SEND_AT = "expires_before_send_at"

_PASSED = encode_pass(NAME)


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Hold a notification until its send_at. What this gate has held passes, whatever the clock of this worker says."""
    if state.notification.send_at is None or state.resume_gate == NAME:
        return PASS
    due_at = to_epoch_seconds(state.notification.send_at)
    if due_at <= state.now:
        return PASS
    if due_at >= state.expires_at:
        return Reject(EXPIRES_BEFORE_SEND_AT, {"expires_at": state.expires_at, "send_at": due_at})
    return Hold(due_at, SEND_AT)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed."""
    return _PASSED


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        SEND_AT: "it was submitted for that time",
        EXPIRES_BEFORE_SEND_AT: "it expires at {expires_at:time}, before its time to be sent, {send_at:time}",
    },
    remedies={
        SEND_AT: "without send_at it is sent at once",
        EXPIRES_BEFORE_SEND_AT: "it would have to expire after its send_at",
    },
    is_final_once_passed=True,
)
