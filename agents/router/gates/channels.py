"""The gate channels: of the channels that are left, all, or the first, by the strategy of the rule."""

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
    state.channels = usable if state.plan.rule.strategy == "all" else usable[:1]
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the strategy and the channels."""
    assert state.plan is not None
    return encode_pass(NAME, "", {"strategy": state.plan.rule.strategy, "channels": state.channels})


GATE = Gate(NAME, check, explain)
