"""The gate rule: the operator's rule for the notification's type, its condition, and the priority that it gives."""

from typing import Any

from msgspec import Raw

from agents.router.gates.gate import Gate, encode_pass
from agents.router.gates.rule_inputs import describe_values, read_values
from agents.router.gates.wording import Facts, write_sentence
from agents.router.project_plans import find_other_project
from agents.router.routing_state import GateContext, RoutingState
from agents.router.rule_expressions import RuleExpressions
from agents.router.verdict import PASS, Reject, Verdict, build_dead_letter_verdict
from schemas.notification import Notification
from schemas.policy import Rule

NAME = "rule"
UNKNOWN_TYPE = "unknown_type"
UNKNOWN_CATEGORY = "unknown_category"
OTHER_PROJECT = "other_project"
CONDITION = "condition"
INVALID_RULE = "invalid_rule"


def check(state: RoutingState, context: GateContext) -> Verdict:
    """Pass a notification whose type has a rule, if the rule's condition is true for it."""
    plan = state.plan
    if plan is None:
        return _reject_unknown(state.notification, context)
    if plan.rule.priority is not None:
        state.priority = plan.rule.priority
    return PASS if plan.expressions is None else _evaluate(state, context, plan.rule, plan.expressions)


def explain(state: RoutingState) -> Raw:
    """The entry of a notification that passed: the rule with its version, and what it says of this notification."""
    assert state.plan is not None
    rule = state.plan.rule
    inputs: dict[str, Any] = {"rule": get_label(rule)}
    if rule.condition:
        inputs["condition"] = rule.condition
    if state.priority_choice is not None:
        inputs |= {"priority": state.priority, "when": rule.priorities[state.priority_choice].when}
    elif rule.priority is not None:
        inputs["priority"] = rule.priority
    if state.expression_faults:
        inputs["faults"] = state.expression_faults
    return encode_pass(NAME, "", inputs)


def get_label(rule: Rule) -> str:
    """The rule with its version, as `order.shipped@3`."""
    return f"{rule.type}@{rule.version}"


def describe_remedy(facts: Facts) -> str:
    """What would have made the condition true, as far as the entry has the values that it read."""
    values = ", ".join(f"{name} = {value!r}" for name, value in facts.inputs.get("values", {}).items())
    cause = f"; it could not be evaluated: {facts.inputs['cause']}" if "cause" in facts.inputs else ""
    return write_sentence("`{condition}` would have to be true", facts) + (f", which read {values}" if values else "") + cause


GATE = Gate(
    NAME,
    check,
    explain,
    reasons={
        UNKNOWN_TYPE: "there is no rule for the type {type!r}",
        UNKNOWN_CATEGORY: "no rule has its category {category!r}",
        OTHER_PROJECT: "it names a type or template of another project than its user's",
        CONDITION: "the condition of the rule for the type {type!r} is not true",
        INVALID_RULE: "the rule for the type {type!r} has an expression that is not valid",
    },
    remedies={
        OTHER_PROJECT: "the producer would have to name a type and template of the project of the user, or leave the project out of them",
        UNKNOWN_TYPE: "an operator would have to add a rule for the type {type!r}, with `herold rules apply`",
        UNKNOWN_CATEGORY: "the producer would have to name a category that a rule has, or none, or an operator to add a rule with it",
        CONDITION: describe_remedy,
        INVALID_RULE: "an operator would have to correct the rule for the type {type!r}, with `herold rules apply`, and redrive it",
    },
)


def _reject_unknown(notification: Notification, context: GateContext) -> Verdict:
    """Why a notification has no rule: its fields contradict each other, or there is none."""
    if mismatch := find_other_project(notification, context.policy.policy):
        field, other, project = mismatch
        error = f"its user is of {_name_project(project)}, and its {field} of {_name_project(other)} - at $.{field}"
        return build_dead_letter_verdict(OTHER_PROJECT, error, path=f"$.{field}")
    type_, policy = notification.type, context.policy
    if policy.get_rule(type_) is None:
        return build_dead_letter_verdict(UNKNOWN_TYPE, f"there is no rule for the type `{type_}`: add one with `herold rules apply`")
    return build_dead_letter_verdict(UNKNOWN_CATEGORY, policy.find_category_problem(notification))


def _name_project(project: str) -> str:
    return f"the project {project}" if project else "the default project"


def _evaluate(state: RoutingState, context: GateContext, rule: Rule, expressions: RuleExpressions) -> Verdict:
    """The verdict of the rule's condition, and the priority of the first true choice."""
    if expressions.fault:
        return build_dead_letter_verdict(INVALID_RULE, f"the rule {get_label(rule)} cannot be used: {expressions.fault}")
    values = read_values(state, context, expressions.names)
    if (condition := expressions.condition) is not None:
        is_true, cause = condition.evaluate(values)
        if not is_true:
            inputs = {"rule": get_label(rule), "condition": condition.text, "values": describe_values(condition, values)}
            return Reject(CONDITION, inputs | ({"cause": cause} if cause else {}))
    for number, (expression, priority) in enumerate(expressions.priorities):
        is_true, cause = expression.evaluate(values)
        if is_true:
            state.priority, state.priority_choice = priority, number
            break
        if cause:
            state.expression_faults = {**state.expression_faults, f"priorities[{number}].when": cause}
    return PASS
