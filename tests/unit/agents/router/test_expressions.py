"""Expressions of rules: what they can ask, what is an error when they are compiled, and that none can stop or stall a router."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.router.expressions import VARIABLES, compile_expression, compile_text_expression
from schemas.errors import ExpressionError

VALUES: dict[str, Any] = {
    "data": {"total": 120.5, "items": ["lamp", "chair"], "country": "AT", "order": {"express": True}, "big": 2**70, "flag": 3},
    "notification.type": "order.shipped",
    "notification.category": "transactional",
    "notification.priority": "low",
    "notification.locale": "de-AT",
    "notification.template": "",
    "notification.received_at": datetime(2026, 1, 5, 21, 30, tzinfo=UTC),
    "user.id": "u-42",
    "user.known": True,
    "user.tier": "gold",
    "user.locale": "de-AT",
    "user.time_zone": "Europe/Vienna",
    "user.attributes": {"age": 31},
    "addresses": {"sms": ["+12025550101"]},
}


def test_the_values_of_the_tests_are_complete() -> None:
    assert set(VALUES) == set(VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('user.tier == "gold"', True),
        ("data.total > 100 && data.order.express", True),
        ('data.country in ["DE", "CH"]', False),
        ('has(data.coupon) && data.coupon == "x"', False),
        ('user.attributes.age >= 18 || data.missing == "never read"', True),
        ('data.items.exists(item, item.startsWith("la"))', True),
        ('"sms" in addresses && addresses.sms[0].startsWith("+1")', True),
        ('notification.received_at.getHours(user.time_zone) == 22 && notification.priority == "low"', True),
        ('notification.category.matches("^trans") && size(data.items) == 2', True),
        ("data.big > 1.0e20 && data.order.express", True),
        ('user.known ? user.id != "" : false', True),
    ],
)
def test_an_expression_asks_for_data_user_and_addresses(text: str, expected: bool) -> None:
    assert compile_expression(text).evaluate(VALUES) == (expected, "")


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("data.missing > 1", 'Key not found in map : "missing"'),
        ("data.country > 3", "No matching overloads found : _>_(string, int64)"),
        ("data.items[7] == 'x'", "Index error: index=7 size=2"),
        ("1 / (size(data.items) - 2) == 1", "divide by zero"),
        ("data.flag", "it gives INT, not true or false"),
        ("timestamp(data.country) < notification.received_at", "it cannot be evaluated with these values"),
    ],
)
def test_an_error_at_run_time_is_false_with_its_cause(text: str, cause: str) -> None:
    assert compile_expression(text).evaluate(VALUES) == (False, cause)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("data.total >", "line 1, column 13: Syntax error"),
        ("data.total > 1\n  && user.teir == 'gold'", "line 2, column 10: there is no `user.teir`: the names are data, notification.type"),
        ("user.tier > 3", "line 1, column 11: found no matching overload for '_>_' applied to '(string, int)'"),
        ("__import__('os')", "there is no `__import__`"),
        ("user.tier", "gives STRING, not true or false"),
        ("", "Syntax error"),
        ("(" * 100 + "true" + ")" * 100, "is nested too deeply: at most 32 levels"),
        ("data" + ".a" * 400 + " == 1", "is nested too deeply"),
    ],
)
def test_an_expression_that_is_not_valid_is_an_error_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)
    assert problem in str(caught.value)


def test_the_steps_of_an_expression_are_bounded() -> None:
    loop = compile_expression("data.items.exists(a, a < 0)")
    assert loop.evaluate({"data": {"items": [*range(9_999)]}}) == (False, "")
    assert loop.evaluate({"data": {"items": [*range(10_000)]}}) == (False, "Iteration budget exceeded")


@pytest.mark.parametrize(
    "text",
    [
        "data.items.exists(a, data.items.exists(b, a == b))",
        'data.items.all(a, {"k": [size(a.tags.filter(t, t == "x"))]}.k[0] > 1)',
        "data.items.map(a, a.tags.map(t, t))[0][0] == 1",
    ],
)
def test_a_loop_within_a_loop_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError, match="has a loop within a loop"):
        compile_expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "data.items.exists(a, a in data.items && a < 0)",
        "data.items.filter(a, a < 0).size() > 0",
        "data.items.map(a, a + 1).exists(b, b < 0)",
        "data.items.exists(a, data.text.contains(string(a) + 'x'))",
    ],
)
def test_a_loop_that_looks_at_lists_takes_short_ones_only(text: str) -> None:
    expression, values = compile_expression(text), {"items": [*range(200)], "text": "y" * 10_000}
    assert expression.evaluate({"data": values}) == (False, "")
    cause = "its lists are too long for what it does with each element"
    assert expression.evaluate({"data": values | {"items": [*range(600)]}}) == (False, cause)


def test_loops_after_one_another_are_allowed() -> None:
    text = 'data.items.filter(a, a != "lamp").exists(b, b == "chair") && data.items.all(c, {"a": c}.a != "")'
    assert compile_expression(text).evaluate(VALUES) == (True, "")


def test_an_expression_knows_what_it_reads() -> None:
    expression = compile_expression('notification.type != "user.tier" && data.user == user.id')
    assert (expression.names, expression.reads_profile) == (("data", "notification.type", "user.id"), False)
    assert compile_expression("user . attributes.age > 3").names == ("user.attributes",)
    assert compile_expression("size(addresses) > 1").reads_profile


def test_a_text_is_compiled_once() -> None:
    assert compile_expression("data.x == 1") is compile_expression("data.x == 1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.dictionaries(st.sampled_from(["a", "b"]), JSON))
def test_no_data_raises(data: dict[str, Any]) -> None:
    for text in ("data.a > data.b", "data.a.b[0] == data.b", "data.a.exists(x, x == data.b)", "data.a in data.b", "data.a"):
        assert type(compile_expression(text).evaluate({"data": data})[0]) is bool


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("user.id + '/' + data.country", ("u-42/AT", "")),
        ("data.country", ("AT", "")),
        ("data.total", ("", "it gives DOUBLE, not text")),
        ("data.missing", ("", 'Key not found in map : "missing"')),
        ("string(data.big)", ("1.1805916207174113e+21", "")),
    ],
)
def test_an_expression_can_give_a_text(text: str, expected: tuple[str, str]) -> None:
    assert compile_text_expression(text).evaluate_text(VALUES) == expected


def test_an_expression_that_gives_no_text_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="gives BOOL, not text"):
        compile_text_expression("data.total > 1")
