"""Parts as Python functions: names are bound in every place of a template, and the data is not changed."""

from typing import Any

import pytest

from agents.router.templates.compiler import compile_part
from agents.router.templates.values import print_value

DATA: dict[str, Any] = {"a": "A<", "text": "T", "context": "C", "v": "V", "rows": [["p", "q"], ["r"]], "empty": []}


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ text }}{{ v }}{{ context }}{{ escape }}", "TVCt"),  # names that the generated code uses are free for variables
        ("{% for row in rows %}{{ a }}{% for a in row %}{{ a }}{% endfor %}{{ a }}{% endfor %}", "A<pqA<A<rA<"),
        ("{% for x in empty %}{% else %}{{ a }}{% endfor %}{{ a }}", "A<A<"),
        ("{% for row in rows if row|length > 1 %}{{ row|join(v) }}{% endfor %}", "pVq"),
        ("{% for row in rows %}{{ loop.index }}{{ ',' if not loop.last else '.' }}{% endfor %}", "1,2."),
        ("{% if v %}{{ v }}{% else %}{{ absent }}{% endif %}", "V"),
        ("{{ 1 }}{{ 'x' }}{{ true }}{{ 2.5 }}{{ [1, 'y'] }}", "1xtrue2.51, y"),
        ("%{{ v }}%s%%{% if a %}%{% endif %}", "%V%s%%%"),
    ],
)
def test_names_have_their_values(source: str, text: str) -> None:
    variables = {**DATA, "escape": "t"}
    assert compile_part(source, "t", html=False)(variables) == text
    assert variables == {**DATA, "escape": "t"}


@pytest.mark.parametrize("value", ["plain", "<&>'\"", "é<", "", 0, 1.5, True, ["<"], {"k": "<"}])
def test_a_value_is_the_same_in_a_run_and_by_itself(value: object) -> None:
    alone = compile_part("{{ x }}", "t", html=True)({"x": value})
    run = compile_part("<b>{{ x }}</b>{% for y in xs %}{{ y }}{% endfor %}", "t", html=True)
    assert run({"x": value, "xs": [value]}) == f"<b>{alone}</b>{alone}"
    assert "<" not in alone
    assert compile_part("{{ x }}", "t", html=False)({"x": value}) == print_value(value)


@pytest.mark.parametrize("source", ["{{ self }}", "{% for self in xs %}{{ self }}{% endfor %}", "{{ data.self }}", "{{ self ~ '' }}"])
def test_a_variable_may_be_called_self(source: str) -> None:
    assert compile_part(source, "t", html=False)({"self": "me", "xs": ["me"], "data": {"self": "me"}}) == "me"
