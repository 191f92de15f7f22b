"""Compiles a part of a template (subject, text or HTML) to a function of its variables; source, loops and output are bounded."""

from jinja2 import Template, TemplateSyntaxError, nodes

from agents.router.templates.codegen import RENAMED_SELF
from agents.router.templates.formats import FORMAT_FILTERS, PLURAL_FORMS
from agents.router.templates.mjml import compile_mjml, is_mjml
from agents.router.templates.partials import Inlining, PartialSources
from agents.router.templates.sandbox import Sandbox
from schemas.content import Part
from schemas.message_links import LINK_VARIABLES
from schemas.policy import Partial

MAX_SOURCE_BYTES = 64 * 1024
MAX_LOOP_DEPTH = 2
MAX_OPERANDS = 16
MAX_NAMES = 32  # in one expression: each can stand for a long text
MAX_DEPTH = 80  # Python compiles at most 100 levels of blocks


_TEXT, _HTML = Sandbox(html=False), Sandbox(html=True)
_FORBIDDEN = (
    nodes.Assign,
    nodes.AssignBlock,
    nodes.Call,
    nodes.CallBlock,
    nodes.EvalContextModifier,
    nodes.FilterBlock,
    nodes.FromImport,
    nodes.Import,
    nodes.Macro,
    nodes.With,
)


class PartCompiler:
    """Compiles the parts of one template, with the partials for its locale.

    `uses_formats` says whether a part that was compiled needs the Formats among its variables, `uses_links` whether it prints a link.
    """

    def __init__(self, partials: PartialSources | None = None, locale: str = "") -> None:
        self._partials, self._locale = partials or PartialSources(), locale
        self.uses_formats = self.uses_links = False

    def compile_part(self, source: str, name: str, html: bool, is_layout: bool = False) -> Part:
        """Compile one part of a template, or a layout; values are escaped in HTML only.

        Raises jinja2.TemplateSyntaxError for a source that is no valid template or uses a forbidden construct. The part raises
        jinja2.UndefinedError for a missing variable, OutputTooLarge, and any error that an expression raises.
        """
        try:
            return self._compile(source, name, html, is_layout)
        except (RecursionError, MemoryError, SyntaxError) as error:
            raise TemplateSyntaxError("blocks are nested too deep, or an expression is too long", 1, name) from error
        except UnicodeError as error:
            raise TemplateSyntaxError("the source contains half a surrogate pair", 1, name) from error

    def _compile(self, source: str, name: str, html: bool, is_layout: bool) -> Part:
        if len(source.encode()) > MAX_SOURCE_BYTES:
            raise TemplateSyntaxError(f"the source has more than {MAX_SOURCE_BYTES} bytes", 1, name)
        sandbox = _HTML if html else _TEXT

        def parse(text: str, label: str) -> nodes.Template:
            tree = sandbox.parse(text, label)
            _check_nodes(tree, label)
            if html and is_mjml(text):  # checked before, too, so that the lines of errors are those of the source
                tree = sandbox.parse(compile_mjml(text, label), label)
                _check_nodes(tree, label)
            return tree

        tree = Inlining(self._partials, self._locale, html, parse, MAX_SOURCE_BYTES).parse(source, name, is_layout)
        _check_depth(tree, name)
        _check_loops(tree, name, 0)
        self.uses_formats = self.uses_formats or any(one.name in FORMAT_FILTERS for one in tree.find_all(nodes.Filter))
        self.uses_links = self.uses_links or any(one.name in LINK_VARIABLES for one in tree.find_all(nodes.Name))
        for loop in tree.find_all(nodes.For):
            loop.iter = nodes.Filter(loop.iter, "check_item_count", [], [], None, None)
        part: Part = Template.from_code(sandbox, sandbox.compile(tree, name), {}).root_render_func  # type: ignore[assignment]
        return part


def compile_part(source: str, name: str, html: bool) -> Part:
    """Compile one part by itself, as PartCompiler does."""
    return PartCompiler().compile_part(source, name, html)


def find_partial_problems(partial: Partial, partials: PartialSources) -> list[str]:
    """Why a partial could not be a part of any template, with its place."""
    problems = []
    for part, source in (("text", partial.text), ("html", partial.html)):
        try:
            PartCompiler(partials, partial.locale).compile_part(source, part, part == "html", is_layout=True)
        except TemplateSyntaxError as error:
            problems.append(f"partial {partial.name} {partial.locale}: {error.message}, in {error.name}, line {error.lineno}")
    if not (partial.text or partial.html):
        problems.append(f"partial {partial.name} {partial.locale}: it has neither text nor html")
    return problems


def _check_nodes(tree: nodes.Template, name: str) -> None:
    _check_depth(tree, name)
    for forbidden in tree.find_all(_FORBIDDEN):
        raise TemplateSyntaxError(f"a template may not use {type(forbidden).__name__.lower()}", forbidden.lineno, name)
    for node in tree.find_all(nodes.Name):
        if node.name == "self":  # Jinja's own name for the template
            node.name = RENAMED_SELF
    for concat in tree.find_all(nodes.Concat):
        if len(concat.nodes) > MAX_OPERANDS:
            raise TemplateSyntaxError(f"more than {MAX_OPERANDS} operands of ~", concat.lineno, name)
    for one in tree.find_all(nodes.Filter):
        if one.name in ("plural", "ordinal"):
            _check_forms(one, name)
    _check_loops(tree, name, 0)


def _check_forms(plural: nodes.Filter, name: str) -> None:
    """Check the arguments of plural or ordinal: names of CLDR's plural forms with text, and `other`, which every language has."""
    forms = {argument.key: argument.value for argument in plural.kwargs}
    is_text = all(isinstance(value, nodes.Const) and isinstance(value.value, str) for value in forms.values())
    if plural.args or plural.dyn_args or plural.dyn_kwargs or not is_text or not {"other"} <= forms.keys() <= set(PLURAL_FORMS):
        problem = f"{plural.name} takes a text for each of {', '.join(PLURAL_FORMS)} that the language has, and always other"
        raise TemplateSyntaxError(f"{problem}: {plural.name}(one='# item', other='# items')", plural.lineno, name)


def _check_depth(tree: nodes.Template, name: str) -> None:
    """Check the depth of blocks and expressions, and the names in each expression, without recursion."""
    level: list[nodes.Node] = [tree]
    for _ in range(MAX_DEPTH):
        children = [(node, child) for node in level for child in node.iter_child_nodes()]
        for node, child in children:
            if isinstance(child, nodes.Expr) and not isinstance(node, nodes.Expr):
                _check_expression(child, name)
        level = [child for _, child in children]
    if level:
        raise TemplateSyntaxError(f"blocks or expressions nested deeper than {MAX_DEPTH}", level[0].lineno, name)


def _check_expression(expression: nodes.Expr, name: str) -> None:
    if sum(1 for _ in expression.find_all(nodes.Name)) > MAX_NAMES:
        raise TemplateSyntaxError(f"more than {MAX_NAMES} variables in one expression", expression.lineno, name)


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
