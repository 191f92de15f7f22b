"""The Python types of the schemas of an OpenAPI document, as text: annotations, defaults, and the structs of the client's models."""

import keyword
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.api.document.operations import JsonObject

_REF_PREFIX = "#/components/schemas/"
_SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


class Field(NamedTuple):
    """A field of a struct; `wire_name` is its member in JSON, `default` is empty for one that is needed."""

    name: str
    wire_name: str
    annotation: str
    default: str
    description: str


class Model(NamedTuple):
    """A struct of the client, or an alias of another type if it has no fields but an `annotation`."""

    name: str
    description: str
    fields: list[Field]
    annotation: str = ""


def build_models(schemas: Mapping[str, JsonObject]) -> list[Model]:
    """The models in the order of their names, aliases last: they need the others."""
    models = [_build_model(name, schema, schemas) for name, schema in schemas.items()]
    return sorted(models, key=lambda model: (bool(model.annotation), model.name))


def describe_type(schema: JsonObject, schemas: Mapping[str, JsonObject], prefix: str = "") -> str:
    """The annotation of a schema; `prefix` stands before the names of models."""
    if "$ref" in schema:
        return prefix + str(schema["$ref"]).removeprefix(_REF_PREFIX)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return _join_types(schema[key], schemas, prefix)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f"Literal[{', '.join(map(repr, values))}]"
    kind = schema.get("type")
    if isinstance(kind, list):
        return _join_types([{**schema, "type": one} for one in kind], schemas, prefix)
    if kind == "array":
        return f"list[{describe_type(schema['items'], schemas, prefix) if schema.get('items') else 'Any'}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {describe_type(values, schemas, prefix) if isinstance(values, dict) and values else 'Any'}]"
    return _SIMPLE.get(str(kind), "Any")


def _join_types(alternatives: list[JsonObject], schemas: Mapping[str, JsonObject], prefix: str) -> str:
    """A union; Any where a decoder could not tell the alternatives apart."""
    structs = [one for one in alternatives if _is_struct(one, schemas)]
    if len(structs) > 1:
        return "Any"
    return " | ".join(dict.fromkeys(describe_type(one, schemas, prefix) for one in alternatives))


def _is_struct(schema: JsonObject, schemas: Mapping[str, JsonObject]) -> bool:
    name = str(schema.get("$ref", "")).removeprefix(_REF_PREFIX)
    return "properties" in schemas.get(name, {})


def _build_model(name: str, schema: JsonObject, schemas: Mapping[str, JsonObject]) -> Model:
    description = str(schema.get("description", ""))
    if "properties" not in schema:
        return Model(name, description, [], describe_type(schema, schemas))
    return Model(name, description, [*_build_fields(schema, schemas)])


def _build_fields(schema: JsonObject, schemas: Mapping[str, JsonObject]) -> Iterator[Field]:
    required = set(schema.get("required", ()))
    for wire_name, member in schema["properties"].items():
        name = f"{wire_name}_" if keyword.iskeyword(wire_name) else wire_name
        annotation = describe_type(member, schemas)
        default = "" if wire_name in required else _describe_default(member)
        if default.startswith("UNSET"):
            annotation = f"{annotation} | UnsetType"
        yield Field(name, wire_name, annotation, default, str(member.get("description", "")))


def _describe_default(schema: JsonObject) -> str:
    """The default of a member: what the document says, else UNSET, which is not sent."""
    if "default" not in schema:
        return "UNSET"
    value: Any = schema["default"]
    value = [*value] if isinstance(value, tuple) else value  # an array of JSON
    return repr(value) if not value or isinstance(value, str | int | float | bool) else "UNSET"
