"""The sandbox of templates: no Python attributes, no globals, few filters, arithmetic on numbers of ordinary size only.

Jinja2's sandbox hides Python from expressions, but does not limit resources. compiler.py limits what the source may use.
"""

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any
from urllib.parse import quote

import msgspec
from jinja2 import Environment, StrictUndefined, pass_environment
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS, do_truncate
from jinja2.runtime import Context, LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing
from markupsafe import Markup
from markupsafe._speedups import _escape_inner  # escape() makes an object around each text, at ten times the cost

from agents.router.templates.codegen import MAX_OUTPUT_CHARACTERS, TextCodeGenerator, get_variable_name, raise_output_too_large
from agents.router.templates.formats import FORMAT_FILTERS
from agents.router.templates.values import print_value

_encode = msgspec.json.Encoder().encode

MAX_ITEMS = 500
MAX_BITS = 64

_BUILTIN_FILTERS = (
    "abs",
    "d",
    "default",
    "first",
    "float",
    "int",
    "last",
    "length",
)
_TEXT_FILTER_NAMES = ("capitalize", "e", "escape", "lower", "title", "trim", "upper")


def to_html(value: Any, name: str = "") -> str:
    """The HTML of `{{ value }}`: escaped, unless a filter has escaped it. Raises as print_value does."""
    return value if type(value) is Markup else _escape_inner(print_value(value, name))


def concat_texts(values: Iterable[Any]) -> str:
    """The text of `a ~ b`."""
    return "".join(map(print_value, values))


def concat_html(values: Iterable[Any]) -> str:
    """The text of `a ~ b` in HTML: escaped if a filter has escaped one of the values."""
    texts = list(map(print_value, values))
    return Markup("").join(texts) if Markup in map(type, texts) else "".join(texts)


class MissingValue(StrictUndefined):
    """What the data does not have; using it raises UndefinedError, whose text names it without a word of Python."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        name, container = self._undefined_name, self._undefined_obj
        if container is missing:
            return f"'{get_variable_name(str(name))}' is undefined"
        if isinstance(container, list):
            return f"a list of {len(container)} items has no item '{name}'"
        if isinstance(container, dict):
            return f"an object of the data has no member '{name}'"
        return f"'{name}' is looked up in a text, a number, true, false or null, which has no members"


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for text or HTML; generated code converts values with `to_output` and `concat`, and a str in HTML with `escape`."""

    code_generator_class = TextCodeGenerator
    intercepted_binops = frozenset(["+", "*", "**", "%", "//"])

    def __init__(self, html: bool) -> None:
        # not optimized: Jinja2 would print constants as Python does
        super().__init__(autoescape=html, undefined=MissingValue, keep_trailing_newline=True, cache_size=0, optimized=False)
        self.to_output, self.concat_values = (to_html, concat_html) if html else (print_value, concat_texts)
        self.escape, self.raise_output_too_large = _escape_inner, raise_output_too_large
        self.globals.clear()
        self.filters = {name: FILTERS[name] for name in _BUILTIN_FILTERS} | _TEXT_FILTERS | _CUSTOM_FILTERS | FORMAT_FILTERS

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


def _join_items(items: Iterable[Any], separator: Any = "") -> str:
    """The items as one text. Raises OutputTooLarge before it is built: a joined text can separate others, which grows without bound."""
    texts, between = list(map(print_value, check_item_count(items))), str(print_value(separator))
    if sum(map(len, texts)) + len(between) * max(0, len(texts) - 1) > MAX_OUTPUT_CHARACTERS:
        raise_output_too_large()
    return between.join(texts)


def _format_decimals(value: Any, places: int = 2) -> str:
    """A number with `places` decimals, at most 6: 12.5 is 12.50."""
    number = float(value)
    if not isfinite(number):
        raise SecurityError("decimals is for numbers")
    return f"{number:.{min(max(int(places), 0), 6)}f}"


def _validate_link(value: Any) -> str:
    """The link unchanged. Raises SecurityError unless its scheme is http, https, mailto or tel."""
    text = print_value(value).strip()
    if not text.lower().startswith(("https://", "http://", "mailto:", "tel:")):
        raise SecurityError("a link must begin with https://, http://, mailto: or tel:")
    return text


def _encode_url(value: Any) -> str:
    return quote(print_value(value), safe="")


def _encode_json(value: Any) -> str:
    """The value as JSON, for the body of a webhook."""
    if isinstance(value, Undefined):
        str(value)  # raises, and names what is undefined
    return _encode(value).decode()


def _print_first(text_filter: Callable[..., str]) -> Callable[..., str]:
    """The filter for a value of any kind: Jinja2's own would print it as Python does."""
    return lambda value, *arguments, **options: text_filter(print_value(value), *arguments, **options)


@pass_environment
def _truncate(
    environment: Environment, value: Any, length: int = 255, killwords: bool = False, end: Any = "...", leeway: int | None = None
) -> str:
    """At most `length` characters, with `end` for what is cut off."""
    return do_truncate(environment, print_value(value), length, killwords, print_value(end), leeway)


_TEXT_FILTERS = {name: _print_first(FILTERS[name]) for name in _TEXT_FILTER_NAMES} | {"truncate": _truncate}

_CUSTOM_FILTERS = {
    "check_item_count": check_item_count,
    "decimals": _format_decimals,
    "join": _join_items,
    "json": _encode_json,
    "link": _validate_link,
    "urlencode": _encode_url,
}
