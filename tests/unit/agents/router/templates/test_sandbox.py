"""Which expressions a template may use, and which fail."""

from typing import Any

import pytest
from jinja2 import TemplateError, UndefinedError

from agents.router.templates.compiler import compile_part
from agents.router.templates.sandbox import MAX_ITEMS

DATA: dict[str, Any] = {
    "name": "Ada",
    "total": 12.5,
    "many": 3,
    "yes": True,
    "nothing": None,
    "order": {"note": None, "items": ["lamp", "chair"], "id": 17, "lines": [{"sku": "a", "n": 2}]},
    "link": "https://example.org/a?b=1&c=2",
    "evil": "<script>alert('1')</script>",
}


def render_part(source: str, html: bool = False, **more: Any) -> str:
    return compile_part(source, "t", html)(DATA | more)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ name }}!", "Hello Ada!"),
        ("100 % {{ name }} %s {{ many }}%", "100 % Ada %s 3%"),
        ("{{ order.id }} {{ order['id'] }}", "17 17"),
        ("{{ order.items|join(', ') }}", "lamp, chair"),  # the key, not the method of a dict
        ("{% for item in order.items %}{{ loop.index }}. {{ item }}\n{% endfor %}", "1. lamp\n2. chair\n"),
        ("{% for item in empty %}x{% else %}none{% endfor %}", "none"),
        ("{% for line in order.lines %}{{ line.sku }}{% for i in order.items %}{{ i }}{% endfor %}{% endfor %}", "alampchair"),
        ("{% if yes and many > 2 %}a{% elif many %}b{% else %}c{% endif %}", "a"),
        ("{{ 'a' if name == 'Ada' else 'b' }}", "a"),
        ("{{ total|decimals }} {{ total|decimals(0) }} {{ many|decimals(99) }}", "12.50 12 3.000000"),
        ("{{ many * total + 1 }} {{ 7 // 2 }} {{ 7 % 4 }}", "38.5 3 3"),
        ("{{ name ~ many }}", "Ada3"),
        ("{{ absent|default('you') }} {{ nothing or 'you' }}", "you you"),
        ("{% if absent is defined %}a{% else %}b{% endif %}{% if nothing is none %}c{% endif %}", "bc"),
        ("{{ name|upper }} {{ name|lower }} {{ order.items|length }} {{ order.items|first }}", "ADA ada 2 lamp"),
        ("{{ link|link }} {{ link|urlencode }}", f"{DATA['link']} https%3A%2F%2Fexample.org%2Fa%3Fb%3D1%26c%3D2"),
        ("{# a comment #}{% raw %}{{ name }}{% endraw %}", "{{ name }}"),
        ("{{ evil }}", DATA["evil"]),
        ("", ""),
    ],
)
def test_ordinary_expressions_are_rendered(source: str, text: str) -> None:
    assert render_part(source, empty=[]) == text


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("<b>{{ evil }}</b>", "<b>&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;</b>"),
        ("{{ evil|e }}", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"),  # once, not twice
        ("{{ evil|upper }}", "&lt;SCRIPT&gt;ALERT(&#39;1&#39;)&lt;/SCRIPT&gt;"),
        ("{{ [evil]|join('<') }}", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"),
        ("{{ evil ~ '<' }}", "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&lt;"),
        ('<a href="{{ link|link }}">', '<a href="https://example.org/a?b=1&amp;c=2">'),
        ("{{ name }} {{ many }} {{ yes }}", "Ada 3 true"),
        ("{{ quoted }}", "&#34; &amp; &gt;"),
        ("{{ order.sub }}", "&lt;i&gt;"),
    ],
)
def test_html_is_escaped_once(source: str, html: str) -> None:
    assert render_part(source, html=True, quoted='" & >', order={"sub": "<i>"}) == html


@pytest.mark.parametrize(
    ("source", "variable"),
    [
        ("{{ absent }}", "'absent' is undefined"),
        ("{{ order.absent }}", "no member 'absent'"),
        ("{{ order.absent.deeper }}", "no member 'absent'"),
        ("{{ name.upper }}", "'upper' is looked up in a text"),
        ("{{ order.items.append }}", "no item 'append'"),
        ("{{ order.items[7] }}", "no item '7'"),
        ("{% for x in absent %}{% endfor %}", "'absent' is undefined"),
        ("{% if absent %}{% endif %}", "'absent' is undefined"),
        ("{{ absent|upper }}", "'absent' is undefined"),
        ("{{ absent ~ '' }}", "'absent' is undefined"),
        ("{{ self }}", "'self' is undefined"),
        ("{{ order.absent }}", "an object of the data has no member 'absent'"),
        ("{{ order['absent'] }}", "an object of the data has no member 'absent'"),
        ("{{ order.items[2] }}", "a list of 2 items has no item '2'"),
        ("{{ name.first }}", "'first' is looked up in a text"),
        ("{% for x in order.absent %}{% endfor %}", "an object of the data has no member 'absent'"),
        ("{{ nothing }}", "'nothing' is null"),
        ("{{ order.note }}", "'order.note' is null"),
        ("{{ [nothing]|join }}", "null"),
        ("{{ [nothing] }}", "null"),
        ("{{ nothing|upper }}", "null"),
        ("{{ name ~ nothing }}", "null"),
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_a_missing_variable_is_named(source: str, variable: str, html: bool) -> None:
    with pytest.raises(UndefinedError, match=variable):
        render_part(source, html)


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ name['__class__'] }}",
        "{{ order.items.__class__ }}",
        "{% for x in order.items %}{{ loop.__class__ }}{% endfor %}",
        "{{ range }}",
        "{{ config }}",
        "{{ 'a' * 1000000000 }}",
        "{{ [1] * 1000000000 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ huge * huge }}",
        "{{ '%999999999s' % name }}",
        "{{ name + name }}",
        "{{ 1 / 0 }}",
        "{{ name|decimals }}",
        "{{ 'nan'|decimals }}",
        "{{ 'inf'|float }}",
        "{{ 1e308 * 10 }}",
        "{% for x in order.items %}{{ loop }}{% endfor %}",
        "{% for x in order.items %}{{ loop.cycle }}{% endfor %}",
        "{{ 'javascript:alert(1)'|link }}",
        "{{ '\tJAVASCRIPT:alert(1)'|link }}",
        "{{ 'data:text/html,x'|link }}",
        "{{ many|length }}",
        "{% for x in many %}{% endfor %}",
        "{% for x in long %}{% endfor %}",
        "{{ long|join }}",
    ],
)
@pytest.mark.parametrize("html", [False, True])
def test_harmful_expressions_fail(source: str, html: bool) -> None:
    part = compile_part(source, "t", html)
    with pytest.raises((TemplateError, TypeError, ArithmeticError, ValueError)):
        part(DATA | {"huge": 10**30, "long": [1] * (MAX_ITEMS + 1)})


@pytest.mark.parametrize("name", ["format", "center", "indent", "wordwrap", "safe", "replace", "xmlattr", "map", "attr", "round", "sum"])
def test_harmful_filters_do_not_exist(name: str) -> None:
    with pytest.raises(TemplateError, match=name):
        render_part(f"{{{{ name|{name} }}}}")
