"""The compiled expressions of a rule: its condition, those that choose the priority, and that which tells digests apart."""

from collections.abc import Iterator
from functools import lru_cache

from msgspec import Struct

from agents.router.expressions import Expression, compile_expression, compile_text_expression
from schemas.enums import Priority
from schemas.errors import ExpressionError
from schemas.policy import Rule


class RuleExpressions(Struct, frozen=True, eq=False, gc=False):
    """The expressions of a rule that has some; `fault` says why the rule cannot be used.

    `names` are the variables that the condition and the choices of a priority read; `reads_profile`: any of all expressions reads it.
    """

    condition: Expression | None
    priorities: tuple[tuple[Expression, Priority], ...]
    names: tuple[str, ...]
    reads_profile: bool
    digest_key: Expression | None = None
    fault: str = ""


@lru_cache(maxsize=1024)  # a rule has a plan for each choice of channels and category, which producers make
def compile_rule(rule: Rule) -> RuleExpressions | None:
    """The compiled expressions of a rule; None if it has none, as most rules."""
    key = rule.digest.key if rule.digest else ""
    if not rule.condition and not rule.priorities and not key:
        return None
    if problems := list(find_expression_problems(rule)):
        return RuleExpressions(None, (), (), False, fault="; ".join(f"{field} {problem}" for field, problem in problems))
    condition = compile_expression(rule.condition) if rule.condition else None
    priorities = tuple((compile_expression(choice.when), choice.priority) for choice in rule.priorities)
    expressions = [expression for expression, _ in priorities] + ([condition] if condition else [])
    names = tuple(dict.fromkeys(name for expression in expressions for name in expression.names))
    digest_key = compile_text_expression(key) if key else None
    reads_profile = any(expression.reads_profile for expression in [*expressions, *filter(None, [digest_key])])
    return RuleExpressions(condition, priorities, names, reads_profile, digest_key)


def find_expression_problems(rule: Rule) -> Iterator[tuple[str, ExpressionError]]:
    """The fields of a rule whose expression is not valid, and why; the error has the position in the text."""
    conditions = [("condition", rule.condition), *((f"priorities[{number}].when", one.when) for number, one in enumerate(rule.priorities))]
    texts = [("digest.key", rule.digest.key)] if rule.digest else []
    for field, text, compile_one in [
        *((field, text, compile_expression) for field, text in conditions),
        *((field, text, compile_text_expression) for field, text in texts),
    ]:
        try:
            if text:
                compile_one(text)
        except ExpressionError as error:
            yield field, error
