"""How the values of the data print in a template, in one table: the text of `{{ value }}`, without a word of Python.

docs/guide/templates.md repeats the table for the authors of templates.
"""

import math
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from jinja2 import TemplateError, UndefinedError
from jinja2.runtime import Undefined
from markupsafe import Markup

_encode = msgspec.json.Encoder().encode


def print_value(value: Any, name: str = "") -> str:
    """The text of a value; `name` is that of its variable. Raises UndefinedError for null, TemplateError for what has no text."""
    printer = PRINTERS.get(type(value))
    if printer is not None:
        return printer(value)
    if value is None:
        variable = f"'{name}'" if name else "a variable"
        raise UndefinedError(f"{variable} is null: give it a default, or test it with if")
    if isinstance(value, Undefined):
        return str(value)  # raises, and names what is undefined
    raise TemplateError("only text, numbers, true and false, lists and objects can be printed")


def _print_float(number: float) -> str:
    if not math.isfinite(number):
        raise TemplateError("a number or the result of a calculation is too large to be printed")
    text = repr(number + 0.0)  # -0.0 is 0.0
    return format(Decimal(text), "f") if "e" in text else text.removesuffix(".0")


def _print_items(items: Iterable[Any]) -> str:
    return ", ".join(map(print_value, items))


def _print_object(value: dict[str, Any]) -> str:
    return _encode(value).decode()


PRINTERS: dict[type, Callable[[Any], str]] = {
    str: str,
    Markup: lambda escaped: escaped,
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _print_float,
    list: _print_items,
    tuple: _print_items,
    dict: _print_object,
}
"""The text of a value by its type: JSON's words and numbers, a list as its items with commas, an object as JSON."""
