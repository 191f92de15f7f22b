"""The gate rule: the operator's rule for the notification's type."""

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.routing_state import GateContext, RoutingState
from agents.router.verdict import PASS, Verdict, build_dead_letter_verdict

NAME = "rule"
UNKNOWN_TYPE = "unknown_type"


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification whose type has a rule."""
    if state.plan is None:
        return build_dead_letter_verdict(
            UNKNOWN_TYPE, f"there is no rule for the type `{state.notification.type}`: add one with `herold policy apply`"
        )
    return PASS


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the rule with its version."""
    assert state.plan is not None
    rule = state.plan.rule
    return encode_pass(NAME, "", {"rule": f"{rule.type}@{rule.version}"})


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={UNKNOWN_TYPE: "there is no rule for the type {type!r}"},
    remedies={UNKNOWN_TYPE: "an operator would have to add a rule for the type {type!r}, with `herold policy apply`"},
)
