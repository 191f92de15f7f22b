"""MJML: an HTML part that begins with `<mjml>` becomes responsive HTML before its expressions are compiled.

What has to look right in every mail client (tables, conditional comments, widths) is written by MRML, a compiler in native code. It never
sees markup that is not well-formed or nested too deep: that is rejected here, with its line.
"""

import re
from collections.abc import Iterator

from jinja2 import TemplateSyntaxError

MAX_DEPTH = 64  # of elements; thousands exhaust the stack of the compiler
MAX_HTML_BYTES = 64 * 1024  # the limit of rendered content
# fmt: off
ELEMENTS = frozenset({  # after mj-
    "accordion", "accordion-element", "accordion-text", "accordion-title", "all", "attributes", "body", "breakpoint", "button",
    "carousel", "carousel-image", "class", "column", "divider", "font", "group", "head", "hero", "image", "navbar", "navbar-link",
    "preview", "raw", "section", "social", "social-element", "spacer", "style", "table", "text", "title", "wrapper",
})
# fmt: on

_is_mjml = re.compile(r"\s*<mjml[\s>]").match
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(
    r"""<!--.*?-->|</(?P<end>[A-Za-z][\w:-]*)\s*>"""
    r"""|<(?P<start>[A-Za-z][\w:-]*)(?:\s+[\w:-]+(?:\s*=\s*(?:"[^"<]*"|'[^'<]*'))?)*\s*(?P<empty>/?)>|<""",
    re.DOTALL,
)


def is_mjml(source: str) -> bool:
    """Whether a source is MJML and not HTML."""
    return _is_mjml(source) is not None


def compile_mjml(source: str, name: str) -> str:
    """The HTML of a source in MJML, with its expressions. Raises TemplateSyntaxError with the line."""
    expressions, mark = list(_EXPRESSION.finditer(source)), "mark"
    while mark in source:
        mark += "0"
    numbers = iter(range(len(expressions)))
    # an expression is no markup: a < b in it begins no element
    masked = _EXPRESSION.sub(lambda found: f"{mark}-{next(numbers)}-" + "\n" * found[0].count("\n"), source)
    _check_markup(masked, name)
    marks, html = re.compile(f"{mark}-([0-9]+)-"), _convert(masked, name)
    for number in {*range(len(expressions))} - {int(found[1]) for found in marks.finditer(html)}:
        lost, line = expressions[number], source.count("\n", 0, expressions[number].start()) + 1
        raise TemplateSyntaxError(f"{lost[0][:60]} has no place in the HTML: MJML takes only a fixed value there", line, name)
    html = marks.sub(lambda found: expressions[int(found[1])][0], html)
    if len(html.encode()) > MAX_HTML_BYTES:
        raise TemplateSyntaxError(f"its HTML has more than {MAX_HTML_BYTES} bytes", 1, name)
    return html


def _convert(source: str, name: str) -> str:
    from mjml import mjml2html  # only for those who use it

    try:
        return mjml2html(source, fonts={})  # no fonts of other hosts, which would learn who reads the message
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of native code is no Exception
        raise TemplateSyntaxError(f"MJML: {error}", 1, name) from None


def _check_markup(source: str, name: str) -> None:
    """Check that each element is known and is closed, and how deep they are nested."""
    unclosed: list[str] = []
    for line, found in _iterate_tags(source):
        if found["start"]:
            _check_element(found["start"], line, name)
            if not found["empty"]:
                unclosed.append(found["start"])
        elif found["end"] and (not unclosed or unclosed.pop() != found["end"]):
            raise TemplateSyntaxError(f"</{found['end']}> closes an element that is not open: MJML is XML, write <br/>", line, name)
        elif found[0] == "<":
            raise TemplateSyntaxError("a < that begins no element: write &lt;, and put attributes in quotes", line, name)
        if len(unclosed) > MAX_DEPTH:
            raise TemplateSyntaxError(f"elements nested deeper than {MAX_DEPTH}", line, name)
    if unclosed:
        raise TemplateSyntaxError(f"<{unclosed[-1]}> is not closed", source.count("\n") + 1, name)


def _iterate_tags(source: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Each tag with its line."""
    line, position = 1, 0
    for found in _TAG.finditer(source):
        line += source.count("\n", position, found.start())
        position = found.start()
        yield line, found


def _check_element(element: str, line: int, name: str) -> None:
    if element == "mj-include":
        raise TemplateSyntaxError("MJML cannot include: use a partial, {% include 'footer' %}", line, name)
    if element.startswith("mj-") and element.removeprefix("mj-") not in ELEMENTS:
        raise TemplateSyntaxError(f"there is no element {element}", line, name)
