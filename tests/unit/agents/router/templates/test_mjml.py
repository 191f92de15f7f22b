"""MJML becomes HTML with its expressions, and what the compiler must not see is rejected with its line."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from agents.router.templates.cache import CompiledTemplate, TemplateCache, TemplateFailure, compile_template, render
from agents.router.templates.mjml import MAX_DEPTH, compile_mjml, is_mjml
from schemas.content import EmailContent
from schemas.policy import Partial, Template

COLUMN = "<mjml><mj-body><mj-section><mj-column>{}</mj-column></mj-section></mj-body></mjml>"
LAYOUT = COLUMN.format("<mj-text>{% block content %}{% endblock %}</mj-text>")


def render_html(source: str, variables: dict[str, Any], *partials: Partial) -> str:
    """The HTML of an e-mail."""
    template = TemplateCache([Template("t", 1, "email", "default", "s", "t", source)], partials=partials).get("t", "email", "")
    assert isinstance(template, CompiledTemplate), template
    content = render(template, "email", variables)
    assert isinstance(content, EmailContent), content
    return content.html


def test_a_part_is_responsive_html_with_escaped_values() -> None:
    source = COLUMN.format('<mj-text>Hello {{ name }}</mj-text><mj-button href="{{ link }}">Go</mj-button>')
    html = render_html(source, {"name": "<b>Ada</b>", "link": "https://example.org/?a=1&b=2"})
    assert html.startswith("<!doctype html>")
    assert "@media only screen and (min-width:480px)" in html
    assert "Hello &lt;b&gt;Ada&lt;/b&gt;" in html
    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert "<mj" not in html


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<mj-text>{% if count < 3 and count > 1 %}few{% else %}many{% endif %}</mj-text>", ["few"]),
        ("<mj-text>{% for item in items %}<b>{{ item }}</b>{% endfor %}</mj-text>", ["<b>lamp</b><b>chair</b>"]),
        ("{% for item in items %}<mj-text>{{ item }}</mj-text>{% endfor %}", ["lamp", "chair"]),
        ("<mj-text>{{ count|default('</mj-text>') }}</mj-text>", [">2</div>"]),
        ("<mj-text>{# </mj-nope> #}{{\n count\n}} mark-0-</mj-text>", [">2", "mark-0-"]),
        ('<mj-image src="{{ link|default("x") }}" alt=\'{{ items|join(", ") }}\'/>', ['src="L"', 'alt="lamp, chair"']),
    ],
)
def test_expressions_and_statements_stay_where_they_are(body: str, words: list[str]) -> None:
    html = render_html(COLUMN.format(body), {"count": 2, "items": ["lamp", "chair"], "link": "L"})
    assert all(word in html for word in words)


def test_a_layout_in_mjml_is_extended_by_html() -> None:
    page = Partial("page", "default", "{% block content %}{% endblock %}", LAYOUT.replace("</mj-body>", "{% include 'footer' %}</mj-body>"))
    footer = Partial("footer", "default", "f", "<p>The {{ shop }}</p>")
    html = render_html("{% extends 'page' %}{% block content %}<h1>{{ x }}</h1>{% endblock %}", {"x": 1, "shop": "Shop"}, page, footer)
    assert "<h1>1</h1></div>" in html
    assert "<p>The Shop</p>" in html


def test_no_font_of_another_host_is_loaded() -> None:
    html = compile_mjml(COLUMN.format('<mj-text font-family="Open Sans">a</mj-text>'), "html")
    assert "font-family:Open Sans" in html
    assert "googleapis" not in html


@pytest.mark.parametrize("source", ["<p>a</p>", "<mjmlx/>", "a <mjml></mjml>", "{% extends 'page' %}", ""])
def test_html_is_not_mjml(source: str) -> None:
    assert not is_mjml(source)


def test_a_text_part_is_never_mjml() -> None:
    compiled = compile_template(Template("t", 1, "email", "default", "s", LAYOUT.replace("block content", "if a").replace("block", "if")))
    assert isinstance(compiled, CompiledTemplate)
    content = render(compiled, "email", {"a": 1})
    assert isinstance(content, EmailContent)
    assert content.text.startswith("<mjml>")


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("<mjml>\n<mj-body>\n<mj-nope/></mj-body></mjml>", 3, "there is no element mj-nope"),
        ("<mjml><mj-body>\n<mj-include path='/etc/passwd'/></mj-body></mjml>", 2, "use a partial"),
        (COLUMN.format("<mj-text>a\n<br>b\n</mj-text>"), 3, "</mj-text> closes an element that is not open"),
        (COLUMN.format("\n<mj-text>1 < 2</mj-text>"), 2, "write &lt;"),
        (COLUMN.format("\n\n<mj-text color=red>a</mj-text>"), 3, "attributes in quotes"),
        ("<mjml><mj-body>\n", 2, "<mj-body> is not closed"),
        (COLUMN.format('\n<mj-image width="{{ w }}px" src="a"/>'), 2, "{{ w }} has no place in the HTML"),
        (COLUMN.format("<mj-text>" + "<b>\n" * MAX_DEPTH + "</b>" * MAX_DEPTH + "</mj-text>"), 60, "nested deeper than 64"),
        (COLUMN.format("<mj-text>" + "<p>a</p>" * 9000 + "</mj-text>"), 1, "more than 65536 bytes"),
        ("<mjml><mj-text>a</mj-text></mjml>", 1, "MJML: "),
    ],
)
def test_what_is_wrong_is_named_with_its_line(source: str, line: int, words: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_mjml(source, "html")
    assert (caught.value.lineno, words in str(caught.value.message)) == (line, True), caught.value


def test_a_wrong_expression_is_named_with_the_line_of_the_source() -> None:
    source = COLUMN.format("\n\n<mj-text>{{ a + }}</mj-text>")
    failure = compile_template(Template("t", 1, "email", "default", "s", "t", source))
    assert isinstance(failure, TemplateFailure)
    assert failure.error.endswith("in html, line 3")


PIECES = (
    "<mj-text> </mj-text> <b> </b> <br/> a {{x}} \" ' < > & &amp; <!-- --> <![CDATA[ ]]> <? /> \0 é {%if&x%} {%endif%} <mj-button&href='"
)
pieces = st.sampled_from([piece.replace("{%if&", "{%if ").replace("&href", " href") for piece in PIECES.split(" ")])


@given(st.lists(pieces, max_size=12).map("".join))
def test_whatever_stands_there_is_html_or_an_error(body: str) -> None:
    try:
        html = compile_mjml(COLUMN.format("").replace("</mj-column>", f"{body}</mj-column>"), "html")
    except TemplateSyntaxError:
        return
    assert html.startswith("<!doctype html>")


def test_the_limit_of_the_depth_is_needed_and_is_enough() -> None:
    """The compiler's process ends at a deep source, so it runs in another one."""
    code = "import sys, threading; from mjml import mjml2html; threading.stack_size(256 * 1024); n = int(sys.argv[1])\n"
    code += f"source = {COLUMN.format('<mj-text>@</mj-text>')!r}.replace('@', '<b>' * n + '</b>' * n)\n"
    code += "thread = threading.Thread(target=mjml2html, args=[source]); thread.start(); thread.join()"
    codes = [subprocess.run([sys.executable, "-c", code, str(depth)], check=False).returncode for depth in (MAX_DEPTH, 100_000)]
    assert codes[0] == 0
    assert codes[1] < 0, "the limit can be removed"
