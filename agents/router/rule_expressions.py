"""The compiled expressions of a rule: its condition, and those that choose the priority."""

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from agents.router.expressions import Expression, compile_expression
from schemas.enums import Priority
from schemas.errors import ExpressionError
from schemas.policy import Rule


class RuleExpressions(Struct, frozen=True, eq=False, gc=False):
    """The expressions of a rule that has some, and the variables that they read; `fault` says why the rule cannot be used."""

    condition: Expression | None
    priorities: tuple[tuple[Expression, Priority], ...]
    names: tuple[str, ...]
    reads_profile: bool
    fault: str = ""


@lru_cache(maxsize=1024)  # a rule has a plan for each choice of channels and category, which producers make
def compile_rule(rule: Rule) -> RuleExpressions | None:
    """The compiled expressions of a rule; None if it has none, as most rules."""
    if not rule.condition and not rule.priorities:
        return None
    if problems := list(find_expression_problems(rule)):
        return RuleExpressions(None, (), (), False, "; ".join(f"{field} {problem}" for field, problem in problems))
    condition = compile_expression(rule.condition) if rule.condition else None
    priorities = tuple((compile_expression(choice.when), choice.priority) for choice in rule.priorities)
    expressions = [expression for expression, _ in priorities] + ([condition] if condition else [])
    names = tuple(dict.fromkeys(name for expression in expressions for name in expression.names))
    return RuleExpressions(condition, priorities, names, any(expression.reads_profile for expression in expressions))


def find_expression_problems(rule: Rule) -> Iterator[tuple[str, ExpressionError]]:
    """The fields of a rule whose expression is not valid, and why; the error has the position in the text."""
    texts = [("condition", rule.condition)] if rule.condition else []
    for field, text in [*texts, *((f"priorities[{number}].when", choice.when) for number, choice in enumerate(rule.priorities))]:
        try:
            compile_expression(text)
        except ExpressionError as error:
            yield field, error
