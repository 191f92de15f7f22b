"""The gate escalation: what has gone out on some channels goes on to the next one, unless it arrived or was read.

Only what comes back for its next channel is checked by it. It goes on when all is recorded that was reported until then: a recorder that is
behind makes no message that nobody needs. For that it waits a second, and looks whether the decision to wait is recorded.
"""

from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.wording import Facts, describe_inputs, get_channel_word, join_words
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import MIN_HOLD_SECONDS, PASS, Hold, Reject, Verdict
from schemas.enums import Status
from schemas.history import RecordedDeliveries
from schemas.policy import EscalateUnless

NAME = "escalation"
SENT: EscalateUnless = "sent"
DELIVERED: EscalateUnless = "delivered"
READ: EscalateUnless = "read"
NO_ESCALATION = "no_escalation"
STATUS_UNKNOWN = "status_unknown"
MAX_HOLD = 300.0  # seconds until the statuses are read again
MAX_LAG = 10.0  # seconds that the recorder may be behind when a step goes on

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
    recorded, unless = context.deliveries.get((state.id, state.notification.user_id)), plan.rule.escalate_unless
    if recorded and (arrival := _find_arrival(recorded, unless)):
        return Reject(unless, arrival | {"statuses": recorded.statuses})
    state.statuses = recorded.statuses if recorded and _is_current(state, recorded) else None
    return PASS if state.statuses is not None else _hold(state, is_mandatory=plan.rule.mandatory)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the statuses on the channels before."""
    assert state.plan is not None
    inputs: dict[str, Any] = {"unless": state.plan.rule.escalate_unless, "routed_channels": state.routed_channels}
    if state.statuses is None:
        return encode_pass(NAME, STATUS_UNKNOWN, inputs)
    return encode_pass(NAME, "", inputs | {"at": state.now, "statuses": state.statuses})


def describe(facts: Facts) -> str:
    """What became of it on each channel before; the next attempt to find out is at `until`."""
    if "statuses" not in facts.inputs:
        return describe_inputs(facts)
    statuses = facts.inputs["statuses"]
    channels = facts.inputs.get("routed_channels") or statuses
    clauses = [
        f"{get_channel_word(channel)}: {join_words([*dict.fromkeys(statuses.get(channel, [Status.PENDING]))])}" for channel in channels
    ]
    return "; ".join([*clauses, *filter(None, [describe_cause(facts)])])


def describe_cause(facts: Facts) -> str:
    """Why the next channel followed: "not read by" and the time; empty for what an older release has logged."""
    unless, at = facts.inputs.get("unless"), facts.inputs.get("at")
    return f"not {unless} by {facts.format_time(at)}" if unless and isinstance(at, int | float) else ""


def _explain_read(facts: Facts) -> str:
    """When it was read, and who says so."""
    by = facts.inputs.get("by")
    source = f", as its {join_words([*map(get_channel_word, by)])} shows" if by else ", as the app of its producer reported"
    return f"it was read at {facts.format_time(facts.inputs.get('read_at'))}{source}"


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        SENT: "a provider has taken it by {by:list}",
        DELIVERED: "it was delivered by {by:list}",
        READ: _explain_read,
        NO_ESCALATION: "its rule has no further channel any more",
        STATUS_UNKNOWN: "whether it arrived on the channels before is not recorded up to now",
    },
    remedies={
        SENT: "",
        DELIVERED: "",
        READ: "",
        NO_ESCALATION: "an operator would have to give the rule the strategy escalate and a further channel",
        STATUS_UNKNOWN: "PostgreSQL would have to answer, and the recorder to have no backlog",
    },
    describe=describe,
)


def _find_arrival(recorded: RecordedDeliveries, unless: EscalateUnless) -> dict[str, Any]:
    """By which channels it has arrived, as the rule asks, and when it was read, if it asks for that; empty if it has not."""
    if unless == READ:
        return {} if recorded.read_at is None else {"by": recorded.read_by, "read_at": recorded.read_at}
    by = [channel for channel, statuses in recorded.statuses.items() if not _SUFFICIENT[unless].isdisjoint(statuses)]
    return {"by": by} if by else {}


def _is_current(state: RoutingState, recorded: RecordedDeliveries) -> bool:
    """Whether the statuses are recorded up to the time of this step: the decision before is recorded, and recent, or one to wait."""
    is_recent = state.now - recorded.decided_at <= MAX_LAG or recorded.reason == STATUS_UNKNOWN
    return is_recent and recorded.resume_count >= state.resume_count - 1


def _hold(state: RoutingState, *, is_mandatory: bool) -> Verdict:
    """Hold a notification twice as long each time. What is mandatory goes on, and what would expire meanwhile."""
    until = state.now + min(MIN_HOLD_SECONDS * 2.0 ** min(state.resume_count - 1, 12), MAX_HOLD)
    return PASS if is_mandatory or until >= state.expires_at else Hold(until, STATUS_UNKNOWN, {"routed_channels": state.routed_channels})
