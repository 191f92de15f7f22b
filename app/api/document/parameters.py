"""The parameters of each operation in the OpenAPI document: without the framework's noise, each with an example."""

from collections.abc import Mapping
from typing import Any

from app.api.document.operations import JsonObject, Operation

NOISE = ("deprecated", "allowEmptyValue", "allowReserved")
UUID = "01a2211d759678619811269291aeed15"
CURSOR = "WyJhMmI0YzYiLCJ1LTQyIl0"

EXAMPLES: Mapping[str, Any] = {
    "project_id": "acme",
    "Idempotency-Key": "order-17-shipped",
    "If-Match": '"17"',
    "Herold-Actor": "ada",
    "Herold-Source": "api",
    "X-Request-Id": "checkout-7f3a",
    "limit": 50,
    "cursor": CURSOR,
    "user_id": "u-42",
    "token": "token-1",
    "name": "weekly",
    "rule_type": "order.shipped",
    "type": "order.shipped",
    "category": "transactional",
    "channel": "email",
    "tier": "gold",
    "template": "order-shipped",
    "is_test": True,
    "account": "https://api.sendgrid.com",
    "provider": "sendgrid",
    "cause": "5f2b8c0d9e4a7163",
    "reason": "asked by telephone",
    "comment": "asked for by the shop",
    "search": "u-4",
    "audience": "paying",
    "experiment": "order-shipped",
    "first": "2026-11-01",
    "last": "2026-11-28",
    "before": f"ntf_{UUID}",
    "since": 1_795_851_813,
    "until": 1_795_855_413,
    "window_seconds": 3600,
    "days": 30,
    "hours": 24,
    "version": 2,
    "extend_expiry": 3600,
    "endpoint_id": f"whe_{UUID}",
}
_ID_PREFIXES = {"notification_id": "ntf", "suppression_id": "sup", "broadcast_id": "brd", "dead_letter_id": "dlt", "redrive_id": "rdr"}


def complete_parameters(operation: Operation, schemas: Mapping[str, JsonObject]) -> None:
    """Simplify the parameters of an operation and give each an example."""
    for parameter in operation.value.get("parameters", ()):
        for name in NOISE:
            if parameter.get(name) is False:
                del parameter[name]
        if parameter.get("required") is False:
            del parameter["required"]
        parameter["schema"] = simplify_schema(parameter.get("schema", {}), parameter.get("description", ""))
        if "example" not in parameter and "examples" not in parameter:
            parameter["example"] = find_example(parameter["name"], parameter["schema"], schemas)


def simplify_schema(schema: JsonObject, description: str) -> JsonObject:
    """The schema of a parameter without null, which no parameter can be, and without a repeated description."""
    found = dict(schema)
    if found.get("description") == description:
        del found["description"]
    alternatives = [one for one in found.pop("oneOf", ()) if one != {"type": "null"}]
    if len(alternatives) == 1:
        found = {**alternatives[0], **found}
    elif alternatives:
        found["oneOf"] = alternatives
    if isinstance(found.get("type"), list):
        types = [one for one in found["type"] if one != "null"]
        found["type"] = types[0] if len(types) == 1 else types
    if "enum" in found:
        found["enum"] = [value for value in found["enum"] if value is not None]
    return {key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in found.items()}


def find_example(name: str, schema: JsonObject, schemas: Mapping[str, JsonObject]) -> Any:
    """A value that the parameter takes: that of its name, else one that its schema names."""
    if "$ref" in schema:
        return find_example(name, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if schema.get("type") == "array":
        return [find_example(name, schema.get("items", {}), schemas)]
    if name in _ID_PREFIXES:
        return f"{_ID_PREFIXES[name]}_{UUID}"
    if "enum" in schema:
        return EXAMPLES[name] if EXAMPLES.get(name) in schema["enum"] else schema["enum"][0]
    if schema.get("type") == "boolean":
        return True
    if name in EXAMPLES:
        return EXAMPLES[name]
    if schema.get("type") in ("integer", "number"):
        return schema.get("default", schema.get("minimum", 1))
    return f"{name.removesuffix('_id')}_{UUID}" if name.endswith("_id") else schema.get("default") or name
