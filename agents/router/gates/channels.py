"""The gate channels: of the channels that are left, all, or the first, by the strategy of the rule; the next one may follow later."""

from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Verdict

NAME = "channels"


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Choose the channels; the gates before have left at least one."""
    assert state.plan is not None
    usable = tuple(state.addresses)
    if state.full_channels:
        usable = tuple(channel for channel in usable if channel not in state.full_channels)
    strategy = state.plan.rule.strategy
    state.channels = usable if strategy == "all" else usable[:1]
    if strategy == "escalate":
        at = state.now + state.plan.rule.escalate_after
        state.escalates_at = at if len(state.addresses) > 1 and at < state.expires_at else 0.0
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the strategy, the channels, and when which others may follow."""
    assert state.plan is not None
    inputs: dict[str, Any] = {"strategy": state.plan.rule.strategy, "channels": state.channels}
    if state.escalates_at:
        inputs |= {"next": [channel for channel in state.addresses if channel not in state.channels], "escalates_at": state.escalates_at}
    return encode_pass(NAME, "", inputs)


GATE = Gate(NAME, check, explain)
