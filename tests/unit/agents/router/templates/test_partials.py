"""Partials and layouts in the tree of a template: what they render to, and what is an error with its place."""

from typing import Any

import pytest
from jinja2 import TemplateSyntaxError

from agents.router.templates.compiler import MAX_SOURCE_BYTES, PartCompiler, find_partial_problems
from agents.router.templates.partials import MAX_CHAIN, PartialSources
from schemas.policy import Partial

SHOP = "{% extends 'page' %}{% block head %}Shop{% endblock %}{% block body %}({% block inner %}{% endblock %}){% endblock %}"
PARTIALS = [
    Partial("footer", "default", "-- {{ shop }}", "<hr>{{ shop }}"),
    Partial("footer", "de", "-- DE {{ shop }}", "<hr>DE {{ shop }}"),
    Partial("item", "default", "{{ loop.index }}:{{ item }} ", "<li>{{ item }}</li>"),
    Partial("page", "default", "[{% block head %}Head{% endblock %}|{% block body %}{% endblock %}|{% include 'footer' %}]", "<b>"),
    Partial("shop", "default", SHOP),
    Partial("a", "default", "x\n{% include 'b' %}"),
    Partial("b", "default", "{% if x %}{% include 'a' %}{% endif %}"),
    Partial("broken", "default", "fine\n{{ 1 +"),
    Partial("evil", "default", "{% set a = 1 %}"),
    Partial("loops", "default", "{% for x in xs %}{% for y in xs %}.{% endfor %}{% endfor %}"),
    Partial("large", "default", "x" * (MAX_SOURCE_BYTES // 2)),
    *(Partial(f"chain{n}", "default", f"{{% include 'chain{n + 1}' %}}") for n in range(MAX_CHAIN + 1)),
    *(Partial(f"wide{n}", "default", f"{{% include 'wide{n + 1}' %}}" * 10) for n in range(5)),
    Partial("wide5", "default", "x"),
]  # fmt: skip
DATA: dict[str, Any] = {"shop": "A&B", "items": ["p", "q"], "xs": [1]}


def render(source: str, locale: str = "default", html: bool = False) -> str:
    return PartCompiler(PartialSources(PARTIALS), locale).compile_part(source, "text", html)(DATA)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hi {% include 'footer' %}", "Hi -- A&B"),
        ("{% for item in items %}{% include 'item' %}{% endfor %}", "1:p 2:q "),
        ("{% if absent is defined %}{% else %}{% include 'footer' %}{% endif %}", "-- A&B"),
        ("{% extends 'page' %}\n{% block body %}B {{ shop }}{% endblock %}\n", "[Head|B A&B|-- A&B]"),
        ("{% extends 'page' %}{% block body %}{% include 'footer' %}{% endblock %}", "[Head|-- A&B|-- A&B]"),
        ("{% extends 'shop' %}{% block inner %}I{% endblock %}", "[Shop|(I)|-- A&B]"),
        ("{% extends 'shop' %}{% block head %}Mine{% endblock %}", "[Mine|()|-- A&B]"),
    ],
)
def test_partials_are_rendered_where_they_stand(source: str, text: str) -> None:
    assert render(source) == text


def test_html_takes_the_html_of_a_partial_and_escapes_it_once() -> None:
    assert render("<p>{% include 'footer' %}</p>", html=True) == "<p><hr>A&amp;B</p>"


@pytest.mark.parametrize(("locale", "text"), [("de-AT", "-- DE A&B"), ("DE", "-- DE A&B"), ("fr", "-- A&B"), ("", "-- A&B")])
def test_the_partial_is_that_of_the_nearest_locale(locale: str, text: str) -> None:
    assert render("{% include 'footer' %}", locale) == text


@pytest.mark.parametrize(
    ("source", "problem", "name", "line"),
    [
        ("\n\n{% include 'nobody' %}", "there is no partial 'nobody' in default", "text", 3),
        ("{% include 'a' %}", "partials include each other: a > b > a", "partial b default, text", 1),
        ("{% include 'broken' %}", "unexpected", "partial broken default, text", 2),
        ("{% include 'evil' %}", "may not use assign", "partial evil default, text", 1),
        ("{% include shop %}", "named by a text", "text", 1),
        ("{% include ['footer', 'x'] %}", "named by a text", "text", 1),
        ("{% include 'footer' ignore missing %}", "nothing else", "text", 1),
        ("{% include 'footer' without context %}", "nothing else", "text", 1),
        ("{% block b %}{% endblock %}", "a block may be in a layout", "text", 1),
        ("{% include 'page' %}", "a block may be in a layout", "partial page default, text", 1),
        ("x{% extends 'page' %}", "extends must come first", "text", 1),
        ("{% extends 'page' %}\nx", "extends must come first", "text", 1),
        ("{% extends 'page' %}\n{% block no %}{% endblock %}", "the layout has no block 'no'", "text", 2),
        ("{% extends 'page' %}{% block head %}{% endblock %}{% block head %}{% endblock %}", "there twice", "text", 1),
        ("{% for z in xs %}{% include 'loops' %}{% endfor %}", "loops nested deeper than 2", "text", 1),
        ("{% include 'large' %}{% include 'large' %}", "too many, too large", "text", 1),
        ("{% include 'chain0' %}", "nested too deep", f"partial chain{MAX_CHAIN - 1} default, text", 1),
        ("{% include 'wide0' %}", "too many", "partial wide", 1),
    ],
)
def test_what_cannot_be_included_is_an_error_with_its_place(source: str, problem: str, name: str, line: int) -> None:
    with pytest.raises(TemplateSyntaxError, match=problem) as caught:
        render(source)
    assert (str(caught.value.name).startswith(name), caught.value.lineno) == (True, line)


def test_html_needs_the_html_of_a_partial() -> None:
    with pytest.raises(TemplateSyntaxError, match="the partial 'item2' default has no html"):
        PartCompiler(PartialSources([Partial("item2", "default", "x")])).compile_part("{% include 'item2' %}", "html", html=True)


def test_the_problems_of_a_partial_are_found_without_a_template() -> None:
    sources = PartialSources(PARTIALS)
    assert [problem for partial in PARTIALS[:5] for problem in find_partial_problems(partial, sources)] == []
    assert "in text, line 2" in find_partial_problems(PARTIALS[7], sources)[0]
