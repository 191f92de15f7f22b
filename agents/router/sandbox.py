"""Templates of operators, made harmless: what a template's source may hold, and how its parts run (guides: Jinja2's sandbox is no
resource limit). No calls, assignments, macros or includes; loops over data only, two deep; a short list of filters; bounded output."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_SOURCE_BYTES = 64 * 1024
MAX_OUTPUT_BYTES = 64 * 1024
MAX_LOOP_DEPTH = 2
MAX_ITEMS = 500
MAX_OPERANDS = 16
MAX_DIGITS = 64

Part = Callable[[Mapping[str, Any]], str]

_KEPT = (
    "abs",
    "capitalize",
    "d",
    "default",
    "e",
    "escape",
    "first",
    "float",
    "int",
    "last",
    "length",
    "lower",
    "title",
    "trim",
    "truncate",
    "upper",
)
_FORBIDDEN = (
    nodes.Assign,
    nodes.AssignBlock,
    nodes.Block,
    nodes.Call,
    nodes.CallBlock,
    nodes.Extends,
    nodes.FilterBlock,
    nodes.FromImport,
    nodes.Import,
    nodes.Include,
    nodes.Macro,
    nodes.With,
)


class OutputTooLarge(TemplateError):
    """A part of a template renders to more than 64 KiB."""


def compiled(source: str, name: str, html: bool) -> Part:
    """One part of a template, ready to render; values are escaped in HTML only.

    Raises jinja2.TemplateSyntaxError for a source that is not a template or holds what no template may. The part raises
    jinja2.UndefinedError for a missing variable, and whatever an expression on such data raises.
    """
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise TemplateSyntaxError(f"the source has more than {MAX_SOURCE_BYTES} bytes", 1, name)
    environment = _HTML if html else _TEXT
    tree = environment.parse(source, name)
    _check(tree, name)
    for loop in tree.find_all(nodes.For):
        loop.iter = nodes.Filter(loop.iter, "_bounded", [], [], None, None)
    template = Template.from_code(environment, environment.compile(tree, name), {})
    return _part(template, environment, name)


def _part(template: Template, environment: ImmutableSandboxedEnvironment, name: str) -> Part:
    run = template.root_render_func

    def render(variables: Mapping[str, Any]) -> str:
        return _joined(run(Context(environment, variables, name, {})))  # type: ignore[arg-type]

    return render


def _joined(chunks: Iterator[str]) -> str:
    """All chunks; those of a long template are counted as they come."""
    parts = list(islice(chunks, 256))
    text = "".join(parts)
    if len(parts) == 256:
        size = len(text)
        for chunk in chunks:
            size += len(chunk)
            _fits(size)
            parts.append(chunk)
        text = "".join(parts)
    _fits(len(text))
    return text


def _fits(size: int) -> None:
    if size > MAX_OUTPUT_BYTES:
        raise OutputTooLarge(f"the output is larger than {MAX_OUTPUT_BYTES} bytes")


def _check(tree: nodes.Template, name: str) -> None:
    for node in tree.find_all(_FORBIDDEN):
        raise TemplateSyntaxError(f"a template may not use {type(node).__name__.lower()}", node.lineno, name)
    for concat in tree.find_all(nodes.Concat):
        if len(concat.nodes) > MAX_OPERANDS:
            raise TemplateSyntaxError(f"more than {MAX_OPERANDS} operands of ~", concat.lineno, name)
    _check_loops(tree, name, 0)


def _check_loops(node: nodes.Node, name: str, depth: int) -> None:
    for child in node.iter_child_nodes():
        inside = depth
        if isinstance(child, nodes.For):
            inside += 1
            if inside > MAX_LOOP_DEPTH:
                raise TemplateSyntaxError(f"loops nested deeper than {MAX_LOOP_DEPTH}", child.lineno, name)
            if child.recursive or not isinstance(child.iter, (nodes.Name, nodes.Getattr, nodes.Getitem)):
                raise TemplateSyntaxError("a loop may go over a variable only", child.lineno, name)
        _check_loops(child, name, inside)


def _number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= MAX_DIGITS)


class _Sandbox(ImmutableSandboxedEnvironment):
    """No attribute of Python, no globals, no arithmetic but on numbers of ordinary size."""

    intercepted_binops = frozenset(["+", "*", "**", "%", "//"])

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (_number(left) and _number(right)):
            raise SecurityError(f"{operator} is for numbers of ordinary size only")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`order.items` is the key of the data, never a method of Python."""
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A value in the data, or an undefined one that says where it is missing."""
        if isinstance(obj, Undefined):
            obj[argument]
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)


def _bounded(items: Any) -> Any:
    """What a loop goes over."""
    if len(items) > MAX_ITEMS:
        raise SecurityError(f"a loop over more than {MAX_ITEMS} items")
    return items


def _join(items: Iterable[Any], separator: str = "") -> str:
    return str(separator).join(map(str, _bounded(items)))


def _decimals(value: Any, places: int = 2) -> str:
    """A number with so many decimals, at most 6: 12.5 is 12.50."""
    return f"{float(value):.{min(max(int(places), 0), 6)}f}"


def _link(value: Any) -> str:
    """A link as it is, if it is one: only http, https, mailto and tel can be followed safely."""
    text = str(value).strip()
    if not text.lower().startswith(("https://", "http://", "mailto:", "tel:")):
        raise SecurityError("a link must begin with https://, http://, mailto: or tel:")
    return text


def _urlencode(value: Any) -> str:
    return quote(str(value), safe="")


def _sandbox(html: bool) -> _Sandbox:
    sandbox = _Sandbox(autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
    sandbox.globals.clear()
    sandbox.filters = {name: FILTERS[name] for name in _KEPT} | {
        "_bounded": _bounded,
        "decimals": _decimals,
        "join": _join,
        "link": _link,
        "urlencode": _urlencode,
    }
    return sandbox


_TEXT, _HTML = _sandbox(False), _sandbox(True)
