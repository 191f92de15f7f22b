"""Parts that are JSON objects: strings are templates, and data cannot change their shape."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError, UndefinedError

from agents.router.templates.cache import CompiledTemplate, TemplateFailure, compile_template, render
from agents.router.templates.compiler import PartCompiler
from agents.router.templates.structured_part import compile_structure
from schemas.content import PushContent
from schemas.policy import Template
from schemas.push_options import PushOptions

SOURCE = '{"badge":2,"sound":"default","collapse_key":"m-{{ id }}","data":{"id":"{{ id }}","kind":"goal"}}'


@given(text=st.text())
def test_any_text_stays_a_string(text: str) -> None:
    part = compile_structure(SOURCE, "options", PartCompiler())
    try:
        rendered = msgspec.json.decode(part({"id": text}))
    except UnicodeEncodeError:  # half a surrogate pair, which is no text of JSON
        return
    assert rendered == {"badge": 2, "sound": "default", "collapse_key": f"m-{text}", "data": {"id": text, "kind": "goal"}}


def test_without_an_expression_it_is_the_source() -> None:
    source = '{"sound":"default"}'
    assert compile_structure(source, "options", PartCompiler())({}) == source


def test_errors_name_the_member() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_structure('{"data":{"id":"{{ id"}}', "options", PartCompiler())
    assert caught.value.name == "options.data.id"
    with pytest.raises(UndefinedError, match="'id' is undefined"):
        compile_structure(SOURCE, "options", PartCompiler())({})


def compile_push(options: str) -> CompiledTemplate:
    compiled = compile_template(Template("goal", 1, "push", "", "Goal!", "{{ team }}", options=options))
    assert isinstance(compiled, CompiledTemplate)
    return compiled


def test_a_push_template_renders_its_options() -> None:
    content = render(compile_push(SOURCE), "push", {"team": "Austria", "id": 7})
    options = PushOptions("m-7", sound="default", badge=2)
    assert content == PushContent("Goal!", "Austria", {"id": "7", "kind": "goal"}, options=options)
    content = render(compile_push('{"data":{"kind":"goal"}}'), "push", {"team": "Austria"})
    assert content == PushContent("Goal!", "Austria", {"kind": "goal"})  # data alone is no option


def test_options_that_do_not_fit_say_where() -> None:
    failure = render(compile_push('{"badge":"{{ unread }}"}'), "push", {"team": "Austria", "unread": "many"})
    assert isinstance(failure, TemplateFailure)
    assert "the options do not render to valid ones" in failure.error
    assert "$.badge" in failure.error
    assert "many" not in failure.error
