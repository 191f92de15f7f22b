"""What a regular expression in a condition may cost: its author stops no router, nor does the author of the data."""

import pytest

from agents.router.expression_patterns import MAX_STEPS, count_steps
from agents.router.expressions import MAX_CHARACTERS, compile_expression
from schemas.errors import ExpressionError


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("", 0),
        ("^trans", 6),
        ("[a-z]{1,64}@[a-z]{2,}", 67),
        (r"\{5}", 3),
        ("[]a]{3}", 3),
        (r"[\]x]{4}", 4),
        ("(a|b)*c", 3),
        ("(?:ab){3}{2}", 12),
        ("(x(yz){3}){2}", 14),
        (r"\pL[\PN_]", 102),
    ],
)
def test_repetitions_are_written_out(pattern: str, steps: int) -> None:
    assert count_steps(pattern) == steps


@pytest.mark.parametrize("pattern", ["(.*a){1000}", "((a{100}){100}){100}", "a{251}", "a" * 251, r"\pL{9}", "(" * 9 + "a" + "{9}){9}" * 9])
def test_a_pattern_of_too_many_steps_is_an_error(pattern: str) -> None:
    assert count_steps(pattern) > MAX_STEPS
    with pytest.raises(ExpressionError, match="a regular expression is too long"):
        compile_expression(f"data.text.matches(r'{pattern}')")


@pytest.mark.parametrize(
    "text", ["data.text.matches(data.pattern)", "matches(data.text, 'a' + 'b')", "data.items.exists(a, 'x'.matches(a))"]
)
def test_a_pattern_that_is_not_in_the_expression_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError, match="must be written in the expression"):
        compile_expression(text)


def test_a_pattern_searches_no_longer_texts_than_it_may() -> None:
    small, large = compile_expression("data.text.matches('(.*a){20}x')"), compile_expression("data.text.matches('(.*a){80}x')")
    assert small.evaluate({"data": {"text": "a" * 100_000}}) == (False, "")
    assert large.evaluate({"data": {"text": "a" * 10_000}}) == (False, "")
    assert large.evaluate({"data": {"text": "a" * 200_000}}) == (False, "its texts are too long for its regular expressions")


def test_a_pattern_in_a_loop_counts_for_each_element() -> None:
    expression = compile_expression("data.items.exists(a, data.text.matches('(.*a){20}x'))")
    assert expression.evaluate({"data": {"text": "a" * 1000, "items": [*range(10)]}}) == (False, "")
    cause = "its lists are too long for what it does with each element"
    assert expression.evaluate({"data": {"text": "a" * 20_000, "items": [*range(100)]}}) == (False, cause)


def test_an_expression_has_a_length() -> None:
    text = "||".join(["data.a == 1"] * 315)
    assert len(text) <= MAX_CHARACTERS < len(text + "||true")
    assert compile_expression(text).evaluate({"data": {"a": 1}}) == (True, "")
    with pytest.raises(ExpressionError, match="at most 4,096"):
        compile_expression(text + "||" + text)
