"""Compiles a part of a template that is a JSON object: its strings are templates, and no value of the data can change its shape."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from agents.router.templates.compiler import PartCompiler
from schemas.content import Part

_Build = Callable[[Mapping[Any, Any]], Any]
_encode = msgspec.json.Encoder().encode
_EXPRESSIONS = ("{{", "{%", "{#")


def compile_structure(source: str, name: str, compiler: PartCompiler) -> Part:
    """A part that renders to the JSON object with its strings rendered; names of members stay as they are.

    Raises as PartCompiler.compile_part does; the part raises what its strings raise.
    """
    build = _compile_value(msgspec.json.decode(source), name, compiler)
    if build is None:
        return lambda variables: source
    return lambda variables: _encode(build(variables)).decode()


def _compile_value(value: Any, name: str, compiler: PartCompiler) -> _Build | None:
    """What builds the value; None if it has no expression."""
    if isinstance(value, str) and any(mark in value for mark in _EXPRESSIONS):
        return compiler.compile_part(value, name, html=False)
    if not isinstance(value, dict):
        return None
    builders = {key: build for key, one in value.items() if (build := _compile_value(one, f"{name}.{key}", compiler)) is not None}
    if not builders:
        return None
    return lambda variables: {**value, **{key: build(variables) for key, build in builders.items()}}
