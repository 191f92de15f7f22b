"""Examples of bodies for the OpenAPI document: those that are written by hand, their parts, and for the rest one made from the schema."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from app.api.document.operations import JsonObject, Operation
from app.api.document.parameters import EXAMPLES, UUID
from app.api.list_examples import AT, LIST_EXAMPLES

_REF_PREFIX = "#/components/schemas/"
_MAX_DEPTH = 12
_TIME_SUFFIXES = ("_at", "since", "until")
_TEXTS: Mapping[str, str] = {
    **{name: value for name, value in EXAMPLES.items() if isinstance(value, str)},
    "id": f"ntf_{UUID}",
    "delivery_id": f"dlv_{UUID}",
    "audit_id": f"aud_{UUID}",
    "actor": "ada",
    "created_by": "ada",
    "locale": "de-AT",
    "time_zone": "Europe/Vienna",
    "status": "SENT",
    "state": "routed",
    "priority": "medium",
    "url": "https://hooks.example.org/orders",
    "address": "ada@example.org",
    "path": f"/v1/notifications/ntf_{UUID}",
    "summary": "Sent by e-mail at 07:43:33 (UTC).",
}


class Examples:
    """The example of each schema of a document; `by_hand` are values of structs, whose parts are examples too."""

    def __init__(self, schemas: Mapping[str, JsonObject], by_hand: tuple[Struct, ...] = LIST_EXAMPLES) -> None:
        self._schemas = schemas
        self._found: dict[str, Any] = {}
        for value in by_hand:
            self._collect({"$ref": _REF_PREFIX + type(value).__name__}, msgspec.to_builtins(value))

    def complete(self, operation: Operation) -> None:
        """Add an example to each JSON body of the operation that has none."""
        bodies = [operation.value.get("requestBody", {}), *operation.value["responses"].values()]
        for content in (content for body in bodies for content in body.get("content", {}).values()):
            content.get("schema", {}).pop("examples", None)  # the framework makes them at random, others at each start
            if "schema" in content and not {"example", "examples"} & set(content):
                content["example"] = self.build(content["schema"])

    def build(self, schema: JsonObject, name: str = "", depth: int = 0) -> Any:
        """A value of this schema; `name` is that of the member it is for."""
        schema_name = _get_name(schema)
        if schema_name in self._found:
            return self._found[schema_name]
        if schema_name:
            return self.build(self._schemas[schema_name], name, depth + 1)
        for key in ("anyOf", "oneOf", "allOf"):
            if key in schema:
                return self.build(schema[key][0], name, depth)
        if "example" in schema:
            return schema["example"]
        if "enum" in schema or "const" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        return self._build_of_type(schema, name, depth)

    def _build_of_type(self, schema: JsonObject, name: str, depth: int) -> Any:
        match schema.get("type"):
            case "object":
                properties = schema.get("properties", {}) if depth < _MAX_DEPTH else {}
                required = schema.get("required", ())
                return {key: self.build(one, key, depth + 1) for key, one in properties.items() if key in required or depth < 2}
            case "array":
                items = schema.get("items", {})
                return [self.build(items, name.removesuffix("s"), depth + 1)] if items and depth < _MAX_DEPTH else []
            case "string":
                return _build_text(schema, name)
            case "integer" | "number":
                return _build_number(schema, name)
            case "boolean":
                return schema.get("default", True)
            case "null":
                return None
        return {} if name in ("data", "inputs", "attributes") else name

    def _collect(self, schema: JsonObject, value: Any) -> None:
        """Keep a value as the example of its schema, and its parts as those of theirs."""
        name = _get_name(schema)
        if name:
            if name not in self._schemas:
                return
            self._found.setdefault(name, value)
            schema = self._schemas[name]
        for key in ("anyOf", "oneOf"):
            for alternative in schema.get(key, ()):
                if _get_name(alternative) and isinstance(value, dict):
                    self._collect(alternative, value)
        if isinstance(value, dict):
            for key, part in value.items():
                self._collect(schema.get("properties", {}).get(key, {}), part)
        if isinstance(value, list) and value:
            self._collect(schema.get("items", {}), value[0])


def _get_name(schema: JsonObject) -> str:
    return str(schema.get("$ref", "")).removeprefix(_REF_PREFIX)


def _build_text(schema: JsonObject, name: str) -> str:
    match schema.get("format"):
        case "date":
            return "2026-11-28"
        case "date-time":
            return "2026-11-28T07:43:33Z"
    if schema.get("default"):
        return str(schema["default"])
    text = _TEXTS.get(name, name or "text")
    return text if len(text) >= schema.get("minLength", 0) else text.ljust(schema["minLength"], "x")


def _build_number(schema: JsonObject, name: str) -> float:
    if name.endswith(_TIME_SUFFIXES):
        return AT
    number = schema.get("default") or schema.get("minimum", 1)
    return int(number) if schema["type"] == "integer" else float(number)
