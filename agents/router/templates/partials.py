"""Partials: pieces such as a footer that templates include, and layouts that they extend.

They become a part of the template's tree before it is compiled, so that limits and escaping are the same as if the author had copied them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set

from jinja2 import TemplateSyntaxError, nodes

from agents.router.templates.locales import build_locale_chain, normalize_locale
from schemas.policy import Partial

MAX_PARTIALS = 64  # in one part of a template, each use counted
MAX_CHAIN = 8  # of partials that include each other

Body = list[nodes.Node]
Parse = Callable[[str, str], nodes.Template]
"""Parses and checks the source of a part with this name."""


class PartialSources:
    """The partials of a policy by name and locale."""

    def __init__(self, partials: Iterable[Partial] = ()) -> None:
        self._partials = {(one.name, normalize_locale(one.locale)): one for one in partials}

    def find(self, name: str, locale: str) -> Partial | None:
        """The partial for a template of this locale: in the nearest more general one."""
        found = (self._partials.get((name, candidate)) for candidate in build_locale_chain(locale))
        return next(filter(None, found), None)


class Inlining:
    """Puts partials into the tree of one part. Raises TemplateSyntaxError for one that is missing, for a cycle, and for too many."""

    def __init__(self, sources: PartialSources, locale: str, html: bool, parse: Parse, max_bytes: int) -> None:
        self._sources, self._locale, self._html, self._parse = sources, locale, html, parse
        self._free_bytes, self._free_uses = max_bytes, MAX_PARTIALS

    def parse(self, source: str, name: str, is_layout: bool) -> nodes.Template:
        """The tree of a part with the partials in it; a layout may have blocks."""
        self._free_bytes -= len(source.encode())
        tree = self._parse(source, name)
        tree.body = self._expand(tree, name, (), {}, is_layout)
        return tree

    def _expand(self, tree: nodes.Template, name: str, chain: Sequence[str], overrides: dict[str, Body], is_layout: bool) -> Body:
        """The statements of a tree without include, extends and block; `overrides` are blocks of what extends it."""
        _check_blocks(tree, name)
        extends = list(tree.find_all(nodes.Extends))
        if not extends:
            return [*self._replace(tree.body, name, chain, overrides, is_layout)]
        statements = [one for one in tree.body if not _is_blank(one)]
        if statements[0] is not extends[0] or not all(isinstance(one, nodes.Block) for one in statements[1:]):
            raise TemplateSyntaxError("extends must come first, and beside it there may only be blocks", extends[0].lineno, name)
        blocks = {block.name: [*self._replace(block.body, name, chain, overrides, True)] for block in tree.find_all(nodes.Block)}
        layout, layout_name, layout_chain = self._load(extends[0].template, extends[0].lineno, name, chain)
        known = {block.name for block in layout.find_all(nodes.Block)}
        if not layout.find(nodes.Extends):
            _check_known(statements[1:], known | overrides.keys(), name)
        return self._expand(layout, layout_name, layout_chain, blocks | overrides, is_layout=True)

    def _replace(self, body: Body, name: str, chain: Sequence[str], overrides: dict[str, Body], is_layout: bool) -> Iterator[nodes.Node]:
        for node in body:
            if isinstance(node, nodes.Include):
                if node.ignore_missing or not node.with_context:
                    raise TemplateSyntaxError("include takes the name of a partial and nothing else", node.lineno, name)
                partial, partial_name, partial_chain = self._load(node.template, node.lineno, name, chain)
                yield from self._expand(partial, partial_name, partial_chain, {}, is_layout=False)
            elif isinstance(node, nodes.Block):
                if not is_layout:
                    raise TemplateSyntaxError("a block may be in a layout, or beside extends only", node.lineno, name)
                override = overrides.get(node.name)
                yield from self._replace(node.body, name, chain, overrides, is_layout) if override is None else override
            else:
                self._replace_within(node, name, chain, overrides, is_layout)
                yield node

    def _replace_within(self, node: nodes.Node, name: str, chain: Sequence[str], overrides: dict[str, Body], is_layout: bool) -> None:
        """Replace in the bodies of an if or a loop."""
        for field in ("body", "elif_", "else_"):
            body = getattr(node, field, None)
            if isinstance(body, list):
                setattr(node, field, [*self._replace(body, name, chain, overrides, is_layout)])

    def _load(self, reference: nodes.Node, line: int, name: str, chain: Sequence[str]) -> tuple[nodes.Template, str, Sequence[str]]:
        """The tree of a partial, its name for errors, and the chain with it."""
        if not isinstance(reference, nodes.Const) or not isinstance(reference.value, str):
            raise TemplateSyntaxError("a partial is named by a text: include 'footer'", line, name)
        partial_name = reference.value
        if partial_name in chain:
            raise TemplateSyntaxError(f"partials include each other: {' > '.join([*chain, partial_name])}", line, name)
        partial = self._sources.find(partial_name, self._locale)
        if partial is None:
            locales = " or ".join(filter(None, build_locale_chain(self._locale)))
            raise TemplateSyntaxError(f"there is no partial '{partial_name}' in {locales}", line, name)
        part = "html" if self._html else "text"
        source = partial.html if self._html else partial.text
        if not source:
            raise TemplateSyntaxError(f"the partial '{partial_name}' {partial.locale} has no {part}", line, name)
        self._free_bytes, self._free_uses = self._free_bytes - len(source.encode()), self._free_uses - 1
        if self._free_bytes < 0 or self._free_uses < 0 or len(chain) >= MAX_CHAIN:
            raise TemplateSyntaxError("the partials are too many, too large or nested too deep", line, name)
        label = f"partial {partial_name} {partial.locale}, {part}"
        return self._parse(source, label), label, (*chain, partial_name)


def _check_known(blocks: Sequence[nodes.Node], known: Set[str], name: str) -> None:
    for block in blocks:
        if isinstance(block, nodes.Block) and block.name not in known:
            raise TemplateSyntaxError(f"the layout has no block '{block.name}'", block.lineno, name)


def _check_blocks(tree: nodes.Template, name: str) -> None:
    names: set[str] = set()
    for block in tree.find_all(nodes.Block):
        if block.name in names:
            raise TemplateSyntaxError(f"the block '{block.name}' is there twice", block.lineno, name)
        names.add(block.name)


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Output) and all(isinstance(one, nodes.TemplateData) and not one.data.strip() for one in node.nodes)
