"""The gate escalation: what has gone out on some channels goes on to the next one, unless it arrived.

Only what comes back for its next channel is checked by it. What is not recorded yet is asked again later, so that a recorder that is behind
makes no message that nobody needs.
"""

from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.wording import Facts, describe_inputs, get_channel_word, join_words
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import MIN_HOLD_SECONDS, PASS, Hold, Reject, Verdict
from schemas.enums import Status
from schemas.policy import EscalateUnless

NAME = "escalation"
SENT: EscalateUnless = "sent"
DELIVERED: EscalateUnless = "delivered"
NO_ESCALATION = "no_escalation"
STATUS_UNKNOWN = "status_unknown"
MAX_HOLD = 300.0  # seconds until the statuses are read again

_SUFFICIENT: dict[EscalateUnless, frozenset[Status]] = {
    SENT: frozenset({Status.SENT, Status.DELIVERED}),
    DELIVERED: frozenset({Status.DELIVERED}),
}


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification that no delivery of it has brought to its user; hold it while that is not known."""
    plan = state.plan
    assert plan is not None
    if plan.rule.strategy != "escalate" or not plan.candidates:
        return Reject(NO_ESCALATION, {"strategy": plan.rule.strategy, "routed_channels": state.routed_channels})
    recorded = context.deliveries.get((state.id, state.notification.user_id))
    if recorded is None or recorded.resume_count < state.resume_count - 1:
        state.statuses = None
        return _hold(state, is_mandatory=plan.rule.mandatory)
    state.statuses, unless = recorded.statuses, plan.rule.escalate_unless
    by = [channel for channel, statuses in recorded.statuses.items() if not _SUFFICIENT[unless].isdisjoint(statuses)]
    return Reject(unless, {"by": by, "statuses": recorded.statuses}) if by else PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the statuses on the channels before."""
    assert state.plan is not None
    inputs: dict[str, Any] = {"unless": state.plan.rule.escalate_unless, "routed_channels": state.routed_channels}
    if state.statuses is None:
        return encode_pass(NAME, STATUS_UNKNOWN, inputs)
    return encode_pass(NAME, "", inputs | {"statuses": state.statuses})


def describe(facts: Facts) -> str:
    """What became of it on each channel before; the next attempt to find out is at `until`."""
    if "statuses" not in facts.inputs:
        return describe_inputs(facts)
    statuses = facts.inputs["statuses"]
    channels = facts.inputs.get("routed_channels") or statuses
    return "; ".join(f"{get_channel_word(channel)}: {join_words(statuses.get(channel, [Status.PENDING]))}" for channel in channels)


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        SENT: "a provider has taken it by {by:list}",
        DELIVERED: "it was delivered by {by:list}",
        NO_ESCALATION: "its rule has no further channel any more",
        STATUS_UNKNOWN: "what became of it on the channels before is not known yet",
    },
    remedies={
        SENT: "",
        DELIVERED: "",
        NO_ESCALATION: "an operator would have to give the rule the strategy escalate and a further channel",
        STATUS_UNKNOWN: "PostgreSQL would have to answer, and the recorder to have no backlog",
    },
    describe=describe,
)


def _hold(state: RoutingState, *, is_mandatory: bool) -> Verdict:
    """Hold a notification twice as long each time. What is mandatory goes on, and what would expire meanwhile."""
    until = state.now + min(MIN_HOLD_SECONDS * 2.0 ** min(state.resume_count - 1, 12), MAX_HOLD)
    return PASS if is_mandatory or until >= state.expires_at else Hold(until, STATUS_UNKNOWN, {"routed_channels": state.routed_channels})
