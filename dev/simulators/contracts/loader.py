"""Builds types from a contract: msgspec then checks a request while it decodes it.

The part of JSON Schema that is understood: type, properties, required, additionalProperties, enum, $ref, pattern, minLength, maxLength,
minItems, maxItems, minimum, maximum, maxProperties. With the naming `proto3`, as Google's JSON has it, each field may also be null and be
written in snake_case, an enum be a number, and an integer be a text (https://protobuf.dev/programming-guides/json/).
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Union

import msgspec
from msgspec import Meta

_DIRECTORY = Path(__file__).parent
_SCALARS: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
_LIMITS = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "maxProperties": "max_length",
    "minimum": "ge",
    "maximum": "le",
}
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_INTEGER_TEXT = Annotated[str, Meta(pattern=r"^-?[0-9]{1,10}\Z")]


@cache
def load_contract(name: str) -> dict[str, Any]:
    """The contract of a file in this directory."""
    return dict(msgspec.json.decode((_DIRECTORY / f"{name}.json").read_bytes()))


def build_request_type(contract: Mapping[str, Any]) -> Any:
    """The type of the whole request."""
    return _TypeBuilder(contract["$defs"], is_proto3=contract["naming"] == "proto3").get_definition(contract["type"])


class _TypeBuilder:
    def __init__(self, definitions: Mapping[str, Any], *, is_proto3: bool) -> None:
        self._definitions, self._is_proto3 = definitions, is_proto3
        self._built: dict[str, Any] = {}

    def get_definition(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = self._build_type(self._definitions[name], name)
        return self._built[name]

    def _build_type(self, schema: Mapping[str, Any], name: str) -> Any:
        if "$ref" in schema:
            return self.get_definition(schema["$ref"].rpartition("/")[2])
        if "enum" in schema:
            literal: Any = Literal[tuple(schema["enum"])]  # the values are data
            return Union[literal, int] if self._is_proto3 else literal  # noqa: UP007  # a literal of texts has no operator |
        limits = _build_limits(schema)
        if schema["type"] == "object" and "properties" in schema:
            return self._build_struct(schema, name)
        if schema["type"] == "object":
            values = schema["additionalProperties"]
            return _limit(dict[str, Any if values is True else self._build_type(values, f"{name}Value")], limits)  # type: ignore[misc]
        if schema["type"] == "array":
            return _limit(list[self._build_type(schema["items"], f"{name}Item")], limits)  # type: ignore[misc]
        scalar = _limit(_SCALARS[schema["type"]], limits)
        return Union[scalar, _INTEGER_TEXT] if self._is_proto3 and schema["type"] == "integer" else scalar  # noqa: UP007

    def _build_struct(self, schema: Mapping[str, Any], name: str) -> Any:
        required = set(schema.get("required", ()))
        fields: dict[str, tuple[str, Any, Any]] = {}  # by the name in JSON: attribute, type, default
        for property_name, property_schema in schema["properties"].items():
            field_type = self._build_type(property_schema, f"{name}_{property_name}")
            if self._is_proto3:
                for spelling in dict.fromkeys((property_name, _to_snake_case(property_name))):
                    fields[spelling] = (_to_attribute(spelling), Union[field_type, None], None)  # noqa: UP007
            else:
                default = msgspec.NODEFAULT if property_name in required else _choose_default(property_schema)
                fields[property_name] = (_to_attribute(property_name), field_type, default)
        ordered = sorted(fields.values(), key=lambda field: field[2] is not msgspec.NODEFAULT)
        return msgspec.defstruct(
            name,
            ordered,
            rename={attribute: json_name for json_name, (attribute, _, _) in fields.items()},
            forbid_unknown_fields=schema.get("additionalProperties") is False,
        )


def _build_limits(schema: Mapping[str, Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {_LIMITS[name]: value for name, value in schema.items() if name in _LIMITS}
    if "pattern" in schema:
        # `$` of JSON Schema is the end of the text; in Python it also matches before a last line break
        limits["pattern"] = re.sub(r"\$\Z", r"\\Z", schema["pattern"])
    return limits


def _limit(unlimited: Any, limits: dict[str, Any]) -> Any:
    return Annotated[unlimited, Meta(**limits)] if limits else unlimited


def _choose_default(schema: Mapping[str, Any]) -> Any:
    """What a field is if the request leaves it out; one value for all requests, because a new one for each takes time."""
    if schema.get("type") == "array":
        return ()
    if schema.get("type") == "object" and "properties" not in schema:
        return _NOTHING
    return "" if schema.get("type") == "string" else None


def _to_attribute(name: str) -> str:
    return f"{name}_" if name == "from" else name


def _to_snake_case(name: str) -> str:
    return re.sub("([A-Z])", lambda match: f"_{match[1].lower()}", name)
