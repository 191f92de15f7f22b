"""The sandbox of templates: no Python attributes, no globals, few filters, arithmetic on numbers of ordinary size only.

Jinja2's sandbox hides Python from expressions, but does not limit resources. compiler.py limits what the source may use.
"""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from jinja2 import StrictUndefined, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from markupsafe._speedups import _escape_inner  # escape() makes an object around each text, at ten times the cost

from agents.router.templates.codegen import MAX_OUTPUT_CHARACTERS, TextCodeGenerator, raise_output_too_large

MAX_ITEMS = 500
MAX_BITS = 64

_BUILTIN_FILTERS = (
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


def to_text(value: Any) -> str:
    """The text of `{{ value }}`. Raises UndefinedError for null: the word None is never sent."""
    if type(value) is str:
        return value
    if value is None:
        raise UndefinedError("a variable is null: give it a default, or test it with if")
    return str(value)


def to_html(value: Any) -> str:
    """The HTML of `{{ value }}`: escaped, unless a filter has escaped it."""
    return value if type(value) is Markup else _escape_inner(to_text(value))


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for text or HTML; generated code converts values with `to_output`, and a str in HTML with `escape`."""

    code_generator_class = TextCodeGenerator
    intercepted_binops = frozenset(["+", "*", "**", "%", "//"])

    def __init__(self, html: bool) -> None:
        super().__init__(autoescape=html, undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0)
        self.to_output, self.escape, self.raise_output_too_large = (to_html if html else to_text), _escape_inner, raise_output_too_large
        self.globals.clear()
        self.filters = {name: FILTERS[name] for name in _BUILTIN_FILTERS} | _CUSTOM_FILTERS

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Arithmetic on ordinary numbers, so that no result fills the memory. Raises SecurityError for others."""
        if operator == "**" or not (_is_ordinary_number(left) and _is_ordinary_number(right)):
            raise SecurityError(f"{operator} is for numbers of ordinary size only")
        return super().call_binop(context, operator, left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The key of the data: `order.items` is never a Python method."""
        if isinstance(obj, LoopContext):
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """A value of the data, or an undefined value that names what is missing."""
        if isinstance(obj, Undefined):
            return obj[argument]  # raises, and names what is undefined
        try:
            return obj[argument]
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)


def _is_ordinary_number(value: object) -> bool:
    return isinstance(value, float) or (isinstance(value, int) and value.bit_length() <= MAX_BITS)


def check_item_count(items: Any) -> Any:
    """The items of a loop or a join. Raises SecurityError for more than 500."""
    if len(items) > MAX_ITEMS:
        raise SecurityError(f"more than {MAX_ITEMS} items")
    return items


def _join_items(items: Iterable[Any], separator: str = "") -> str:
    """The items as one text. Raises OutputTooLarge before it is built: a joined text can separate others, which grows without bound."""
    texts, separator = list(map(to_text, check_item_count(items))), str(separator)
    if sum(map(len, texts)) + len(separator) * max(0, len(texts) - 1) > MAX_OUTPUT_CHARACTERS:
        raise_output_too_large()
    return separator.join(texts)


def _format_decimals(value: Any, places: int = 2) -> str:
    """A number with `places` decimals, at most 6: 12.5 is 12.50."""
    return f"{float(value):.{min(max(int(places), 0), 6)}f}"


def _validate_link(value: Any) -> str:
    """The link unchanged. Raises SecurityError unless its scheme is http, https, mailto or tel."""
    text = str(value).strip()
    if not text.lower().startswith(("https://", "http://", "mailto:", "tel:")):
        raise SecurityError("a link must begin with https://, http://, mailto: or tel:")
    return text


def _encode_url(value: Any) -> str:
    return quote(str(value), safe="")


_CUSTOM_FILTERS = {
    "check_item_count": check_item_count,
    "decimals": _format_decimals,
    "join": _join_items,
    "link": _validate_link,
    "urlencode": _encode_url,
}
