"""What the source of a template may contain, and how long its output may be."""

import tracemalloc
from collections.abc import Iterator

import pytest
from jinja2 import TemplateSyntaxError

from agents.router.templates.codegen import MAX_OUTPUT_CHARACTERS, OutputTooLarge
from agents.router.templates.compiler import MAX_SOURCE_BYTES, compile_part


@pytest.mark.parametrize(
    "source",
    [
        "{{ name",
        "{% if a %}",
        "{% endblock %}",
        "{% unknown %}",
        "{{ name() }}",
        "{{ name.upper() }}",
        "{{ lipsum(100) }}",
        "{% for i in range(9) %}{% endfor %}",
        "{% set a = 1 %}",
        "{% set a %}x{% endset %}",
        "{% with a = 1 %}{% endwith %}",
        "{% macro m() %}{% endmacro %}",
        "{% call m() %}{% endcall %}",
        "{% filter upper %}{% endfilter %}",
        "{% block b %}{% endblock %}",
        "{% extends 'a' %}",
        "{% include 'a' %}",
        "{% import 'a' as a %}",
        "{% from 'a' import b %}",
        "{% autoescape false %}{{ a }}{% endautoescape %}",
        "{% for a in [1, 2] %}{% endfor %}",
        "{% for a in b|list %}{% endfor %}",
        "{% for a in b ~ b %}{% endfor %}",
        "{% for a in b recursive %}{% endfor %}",
        "{% for a in b %}{% for c in b %}{% if c %}{% for d in b %}{% endfor %}{% endif %}{% endfor %}{% endfor %}",
        "{{ " + " ~ ".join(["a"] * 17) + " }}",
        "é" * (MAX_SOURCE_BYTES // 2 + 1),
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_forbidden_source_is_a_syntax_error(source: str, html: bool) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_part(source, "t", html)


@pytest.mark.parametrize(
    ("source", "size"),
    [
        ("{{ a }}", 1),
        ("{% for x in many %}{{ a }}{% endfor %}", 500),
        ("{% for x in many %}{% for y in many %}{{ a }}{% endfor %}{% endfor %}", 250_000),
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_output_is_bounded_to_the_character(source: str, size: int, html: bool) -> None:
    part, most = compile_part(source, "t", html), MAX_OUTPUT_CHARACTERS // size
    many = [0] * 500
    if most:
        assert len(part({"many": many, "a": "x" * most})) == size * most
    with pytest.raises(OutputTooLarge):
        part({"many": many, "a": "x" * (most + 1)})


class Counted(list[str]):
    """Items that count how many of them were read."""

    asked = 0

    def __iter__(self) -> Iterator[str]:
        for item in super().__iter__():
            self.asked += 1
            yield item


@pytest.mark.parametrize(
    "source", ["{% for x in many %}{{ x }}{% endfor %}", "{% for x in many %}{% if x %}{{ x }}{% endif %}{% endfor %}"]
)
@pytest.mark.parametrize("html", [False, True])
def test_rendering_stops_when_the_output_is_too_large(source: str, html: bool) -> None:
    many = Counted(["x" * 40_000] * 10)
    with pytest.raises(OutputTooLarge):
        compile_part(source, "t", html)({"many": many})
    assert many.asked == 2


@pytest.mark.parametrize(
    "source",
    [
        "{{ a }}" * 9_000,
        "{% if a %}{{ a }}{% endif %}" * 2_000,
        "{{ x|join(x|join(x|join(x|join(a)))) }}",
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_output_is_bounded_while_it_grows(source: str, html: bool) -> None:
    part, variables = compile_part(source, "t", html), {"a": "x" * 16_000, "x": "y" * 100}
    tracemalloc.start()
    try:
        with pytest.raises(OutputTooLarge):
            part(variables)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("source", ["{{ [" + "a," * 33 + "] }}", "{{ (a ~ a) ~ " + " ~ ".join(["(a ~ a ~ a)"] * 11) + " }}"])
def test_one_expression_has_a_bounded_number_of_variables(source: str) -> None:
    with pytest.raises(TemplateSyntaxError, match="variables in one expression"):
        compile_part(source, "t", html=False)


def test_a_part_can_be_rendered_again() -> None:
    part = compile_part("{{ a }}", "t", html=False)
    assert [part({"a": number}) for number in (1, 2)] == ["1", "2"]
