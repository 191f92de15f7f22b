"""How values print: a reader never sees the words of Python, in any part and through any filter."""

from typing import Any

import msgspec
import pytest

from agents.router.templates.compiler import compile_part

VALUES: list[tuple[str, str]] = [  # a value of the data as JSON, and its text
    ('"a\\nb"', "a\nb"),
    ("true", "true"),
    ("false", "false"),
    ("-17", "-17"),
    ("12.50", "12.5"),
    ("19.0", "19"),
    ("-0.0", "0"),
    ("1e21", "1000000000000000000000"),
    ("1.5e-7", "0.00000015"),
    ("[]", ""),
    ('["a", 1, true, [2.0, false]]', "a, 1, true, 2, false"),
    ('{"a": true, "b": [null, "c"]}', '{"a":true,"b":[null,"c"]}'),
    ('[{"a": "é"}]', '{"a":"é"}'),
]
EXPRESSIONS = [  # each prints its value x unchanged
    "{{ x }}",
    "{% if true %}{{ x }}{% endif %}",
    "{{ x ~ '' }}",
    "{{ (x ~ '')|trim }}",
    "{{ x|trim }}",
    "{{ x|truncate(999) }}",
    "{{ ''|default(x, true) }}",
    "{{ [x]|join('-') }}",
    "{{ [[x]]|join('-') }}",
    "{{ ['', '']|join(x) }}",
    "{{ [x] }}",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize(("json", "text"), VALUES)
def test_a_value_prints_alike_in_every_expression(json: str, text: str, expression: str) -> None:
    assert compile_part(expression, "t", html=False)({"x": msgspec.json.decode(json)}) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ true ~ 1.0 }}", "true1"),  # constants too
        ("{{ (true ~ 'x')|upper }}", "TRUEX"),
        ("{{ true|upper }} {{ false|title }} {{ true|capitalize }}", "TRUE False True"),  # of the text: true, false
        ("{{ [true, 2.0]|lower }}", "true, 2"),
        ("{{ true|urlencode }} {{ [1, 2]|urlencode }}", "true 1%2C%202"),
        ("{{ 'abcdef'|truncate(4, true, true, 0) }}", "true"),
        ("{{ 10 / 4 }} {{ 10 / 2 }}", "2.5 5"),
        ("{{ 1 == 1.0 }}", "true"),
        ("{{ {'a': 1} }}", '{"a":1}'),
    ],
)
def test_filters_and_constants_print_alike(source: str, text: str) -> None:
    assert compile_part(source, "t", html=False)({}) == text


@pytest.mark.parametrize(
    ("value", "html"),
    [(True, "true"), (["<", False], "&lt;, false"), ({"a": "<"}, "{&#34;a&#34;:&#34;&lt;&#34;}"), (19.0, "19")],
)
def test_html_has_the_same_text_escaped(value: Any, html: str) -> None:
    for expression in ("{{ x }}", "{{ x ~ '' }}", "{{ x|e ~ '' }}", "{{ x|e }}"):
        assert compile_part(expression, "html", html=True)({"x": value}) == html
