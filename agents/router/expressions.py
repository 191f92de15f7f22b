"""Expressions of rules, in the Common Expression Language (https://cel.dev): compiled once, checked for types, bounded in depth and steps.

The compiler and evaluator are the CEL project's (docs/decisions/0022). An expression sees the variables below and nothing else.
"""

import math
import re
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from agents.router.expression_loops import exceeds_budget, find_loops
from agents.router.expression_patterns import MAX_STEPS, count_steps
from schemas.errors import ExpressionError

MAX_INTEGER = 2**63
MAX_FLOAT = sys.float_info.max
MAX_CHARACTERS = 4096  # of an expression; compiling takes 0.05 ms for each, in the gateway and in every router
MAX_COMPILED = 4096  # expressions kept compiled; more than this many are compiled again when a new policy is loaded

_TYPE = cel.Type
_TEXTS = _TYPE.Map(_TYPE.STRING, _TYPE.List(_TYPE.STRING))
_VALUES = _TYPE.Map(_TYPE.STRING, _TYPE.DYN)
VARIABLES: Mapping[str, Any] = {
    "data": _VALUES,
    "notification.type": _TYPE.STRING,
    "notification.category": _TYPE.STRING,
    "notification.priority": _TYPE.STRING,
    "notification.locale": _TYPE.STRING,
    "notification.template": _TYPE.STRING,
    "notification.received_at": _TYPE.TIMESTAMP,
    "user.id": _TYPE.STRING,
    "user.known": _TYPE.BOOL,
    "user.tier": _TYPE.STRING,
    "user.locale": _TYPE.STRING,
    "user.time_zone": _TYPE.STRING,
    "user.attributes": _VALUES,
    "addresses": _TEXTS,
}
"""The names that an expression may use, with their types; docs/guide/rules.md says what each is."""

PROFILE_VARIABLES = frozenset(name for name in VARIABLES if name.startswith("user.") and name != "user.id") | {"addresses"}
"""Those that cost a look-up of the user's profile."""

_POSITION = re.compile(r"<input>:(-?\d+):(-?\d+): (.*)")
_NESTED_LOOPS = "has a loop within a loop, which takes too long: ask `value in list` in the inner one's place"
_TOO_LONG = "its lists are too long for what it does with each element"
_TEXTS_TOO_LONG = "its texts are too long for its regular expressions"
_OPEN_PATTERN = "the regular expression of `matches` must be written in the expression: one of the data may take too long"
_LONG_PATTERN = f"a regular expression is too long: with all repetitions written out it has more than {MAX_STEPS} characters and classes"
_UNDECLARED = re.compile(r"undeclared reference to '([\w.]+)'")
_OUT_OF_RANGE = "out of range"
_PRINTABLE_FAILURES = tuple(
    re.compile(pattern)
    for pattern in (
        r'Key not found in map : "\w+"',
        r"No matching overloads found : .*",
        r"Index error: .*",
        r"Iteration budget exceeded",
        r"divide by zero",
        r"modulus by zero",
        _OUT_OF_RANGE,
    )
)
"""What may be shown of a failure: the others quote values, which may be personal."""


class Expression:
    """A compiled expression. `names` are the variables that it reads; `reads_profile`: some of them are of the user's profile."""

    __slots__ = ("_budgeted_loops", "_eval", "_steps", "names", "reads_profile", "text")

    def __init__(self, text: str, program: Any, names: tuple[str, ...], budgeted_loops: int = 0, steps: int = 0) -> None:
        self.text, self.names, self._eval, self._budgeted_loops, self._steps = text, names, program.eval, budgeted_loops, steps
        self.reads_profile = not PROFILE_VARIABLES.isdisjoint(names)

    def evaluate(self, values: Mapping[str, object]) -> tuple[bool, str]:
        """Whether it is true for these values of its variables; false with the cause if it cannot be evaluated."""
        if problem := self._find_excess(values):
            return False, problem
        is_true, cause = self._evaluate_once(values)
        return self._evaluate_once(_convert_large_integers(values)) if cause == _OUT_OF_RANGE else (is_true, cause)

    def evaluate_text(self, values: Mapping[str, object]) -> tuple[str, str]:
        """The text that it gives for these values of its variables; empty with the cause if it gives none."""
        if problem := self._find_excess(values):
            return "", problem
        try:
            result = self._eval(None, _convert_large_integers(values))
        except RuntimeError as error:
            return "", _describe_failure(str(error))
        value = result.value()
        if isinstance(value, str) and result.type() == _TYPE.STRING:
            return value, ""
        return "", _describe_failure(str(value)) if result.type() == _TYPE.ERROR else f"it gives {result.type().name()}, not text"

    def _find_excess(self, values: Mapping[str, object]) -> str:
        if (self._budgeted_loops or self._steps) and exceeds_budget(values.values(), self._budgeted_loops, self._steps):
            return _TOO_LONG if self._budgeted_loops else _TEXTS_TOO_LONG
        return ""

    def _evaluate_once(self, values: Mapping[str, object]) -> tuple[bool, str]:
        try:
            result = self._eval(None, values)
        except RuntimeError as error:
            return False, _describe_failure(str(error))
        value = result.value()
        if value is True or value is False:
            return value, ""
        if result.type() != _TYPE.ERROR:
            return False, f"it gives {result.type().name()}, not true or false"
        return False, _describe_failure(value)


@lru_cache(MAX_COMPILED)
def compile_expression(text: str) -> Expression:
    """The condition in this text.

    Raises ExpressionError for what is not valid CEL, names an unknown variable, has wrong types, or a loop within a loop.
    """
    return _compile(text, _TYPE.BOOL, "true or false")


@lru_cache(MAX_COMPILED)
def compile_text_expression(text: str) -> Expression:
    """The expression that gives a text. Raises ExpressionError as compile_expression does."""
    return _compile(text, _TYPE.STRING, "text: `string(...)` makes one")


def _compile(text: str, expected: Any, expected_words: str) -> Expression:
    if len(text) > MAX_CHARACTERS:
        raise ExpressionError(f"has {len(text):,} characters: at most {MAX_CHARACTERS:,}")
    try:
        program = _get_environment("").compile(text)
    except RuntimeError as error:
        raise _build_error(str(error)) from None
    type_ = program.return_type()
    if type_ not in (expected, _TYPE.DYN):
        raise ExpressionError(f"gives {type_.name()}, not {expected_words}")
    found = find_loops(program.serialize())
    if found.are_nested:
        raise ExpressionError(_NESTED_LOOPS)
    steps = _count_pattern_steps(found.patterns)
    names = tuple(name for name in VARIABLES if not _is_valid_without(text, name))
    return Expression(text, program, names, found.loops if found.look_at_lists else 0, steps)


def _count_pattern_steps(patterns: tuple[str | None, ...]) -> int:
    """The steps of all patterns. Raises ExpressionError for one that may take too long."""
    steps = [-1 if pattern is None else count_steps(pattern) for pattern in patterns]
    if -1 in steps:
        raise ExpressionError(_OPEN_PATTERN)
    if max(steps, default=0) > MAX_STEPS:
        raise ExpressionError(_LONG_PATTERN)
    return sum(steps)


@cache
def _get_environment(left_out: str) -> Any:
    """The compiler with all variables but one."""
    return cel.NewEnv(variables={name: type_ for name, type_ in VARIABLES.items() if name != left_out})


def _is_valid_without(text: str, name: str) -> bool:
    """Whether a valid expression does not read this variable; that is asked of the compiler, which knows best what a name is."""
    try:
        _get_environment(name).compile(text)
    except RuntimeError:
        return False
    return True


def _convert_large_integers(value: Any) -> Any:
    """The value with integers beyond 64 bits as floats: CEL has none so large, and rejects all data for one that nobody asked for."""
    if isinstance(value, int) and not -MAX_INTEGER <= value < MAX_INTEGER:
        return math.inf if value > MAX_FLOAT else -math.inf if value < -MAX_FLOAT else float(value)
    if isinstance(value, list):
        return [_convert_large_integers(item) for item in value]
    return {key: _convert_large_integers(item) for key, item in value.items()} if isinstance(value, dict) else value


def _build_error(text: str) -> ExpressionError:
    if "recursion" in text:
        return ExpressionError("is nested too deeply: at most 32 levels")
    found = _POSITION.search(text)
    if found is None:
        return ExpressionError(text.partition(": ")[2].partition(" [")[0])
    line, column = int(found[1]), int(found[2])
    message = found[3].partition(" expecting ")[0].removesuffix(" (in container '')")
    if undeclared := _UNDECLARED.match(message):
        message = f"there is no `{undeclared[1]}`: the names are {', '.join(VARIABLES)}"
    return ExpressionError(message, line, column)


def _describe_failure(text: str) -> str:
    for pattern in _PRINTABLE_FAILURES:
        if found := pattern.search(text):
            return found[0]
    return "it cannot be evaluated with these values"
