"""Finds what breaks clients between two versions of the OpenAPI document: what is gone, what is needed newly, what has another type."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal

from app.api.document.operations import JsonObject, Operation, iterate_operations

Direction = Literal["request", "response"]
LOWER_LIMITS: Final = ("minimum", "minLength", "minItems")
UPPER_LIMITS: Final = ("maximum", "maxLength", "maxItems")


def find_breaking_changes(old: JsonObject, new: JsonObject) -> list[str]:
    """A sentence for each change after which a client of the old document may fail; empty if there is none."""
    return [*_Comparison(old, new).compare()]


class _Comparison:
    """Two documents, and the pairs of schemas that are compared already."""

    def __init__(self, old: JsonObject, new: JsonObject) -> None:
        self._old, self._new = old, new
        self._compared: set[tuple[str, str, Direction]] = set()

    def compare(self) -> Iterator[str]:
        """What breaks, in the order of the old document."""
        operations = {(operation.path, operation.method): operation for operation in iterate_operations(self._new)}
        for old in iterate_operations(self._old):
            name = f"{old.method.upper()} {old.path}"
            new = operations.get((old.path, old.method))
            if new is None:
                yield f"{name} is gone"
            else:
                yield from (f"{name}: {text}" for text in self._compare_operations(old, new))

    def _compare_operations(self, old: Operation, new: Operation) -> Iterator[str]:
        if old.value["operationId"] != new.value["operationId"]:
            yield f"the operation id is {new.value['operationId']}, not {old.value['operationId']}"
        yield from self._compare_parameters(old.value, new.value)
        yield from self._compare_bodies(old.value.get("requestBody", {}), new.value.get("requestBody", {}))
        new_responses = new.value["responses"]
        for status, response in old.value["responses"].items():
            if int(status) < 400:
                yield from self._compare_responses(status, self._resolve_old(response), self._resolve_new(new_responses.get(status, {})))

    def _compare_parameters(self, old: JsonObject, new: JsonObject) -> Iterator[str]:
        before = {(one["in"], one["name"]): one for one in map(self._resolve_old, old.get("parameters", ()))}
        after = {(one["in"], one["name"]): one for one in map(self._resolve_new, new.get("parameters", ()))}
        for (place, name), parameter in after.items():
            earlier = before.get((place, name))
            if parameter.get("required") and not (earlier or {}).get("required"):
                yield f"the {place} parameter {name} is needed"
            if earlier:
                label = f"the {place} parameter {name}"
                yield from self._compare_schemas(label, earlier["schema"], parameter["schema"], "request")
        yield from (f"the {place} parameter {name} is gone" for place, name in before if (place, name) not in after)

    def _compare_bodies(self, old: JsonObject, new: JsonObject) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield "a body is needed"
        for media_type, content in old.get("content", {}).items():
            if media_type not in new.get("content", {}):
                yield f"the body may not be {media_type}"
            else:
                yield from self._compare_schemas("the body", content["schema"], new["content"][media_type]["schema"], "request")

    def _compare_responses(self, status: str, old: JsonObject, new: JsonObject) -> Iterator[str]:
        if not new:
            yield f"the response {status} is gone"
            return
        for media_type, content in old.get("content", {}).items():
            if media_type not in new.get("content", {}):
                yield f"the response {status} is not {media_type}"
            else:
                label = f"the response {status}"
                yield from self._compare_schemas(label, content["schema"], new["content"][media_type]["schema"], "response")

    def _compare_schemas(self, label: str, old: JsonObject, new: JsonObject, direction: Direction) -> Iterator[str]:
        pair = (str(old.get("$ref", "")), str(new.get("$ref", "")), direction)
        if all(pair):
            if pair in self._compared:
                return
            self._compared.add(pair)
        old, new = self._resolve_old(old), self._resolve_new(new)
        if (before := _describe_types(old, self._resolve_old)) != (after := _describe_types(new, self._resolve_new)):
            is_wider = before < after if direction == "request" else after < before
            if not is_wider:
                yield f"{label} is {_join(after)}, not {_join(before)}"
        yield from _compare_limits(label, old, new) if direction == "request" else ()
        yield from self._compare_members(label, old, new, direction)
        if "items" in old and "items" in new:
            yield from self._compare_schemas(f"{label}[]", old["items"], new["items"], direction)

    def _compare_members(self, label: str, old: JsonObject, new: JsonObject, direction: Direction) -> Iterator[str]:
        before, after = _merge_members(old, self._resolve_old), _merge_members(new, self._resolve_new)
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        if before or "properties" in new:
            yield from (f"{label} has no member {name}" for name in before if name not in after)
        if direction == "request":
            yield from (f"{label} needs the member {name}" for name in sorted(needed_after - needed_before))
        else:
            yield from (f"{label} may have no member {name}" for name in sorted((needed_before - needed_after) & set(after)))
        for name in before:
            if name in after:
                yield from self._compare_schemas(f"{label}.{name}", before[name], after[name], direction)

    def _resolve_old(self, value: JsonObject) -> JsonObject:
        return _resolve(self._old, value)

    def _resolve_new(self, value: JsonObject) -> JsonObject:
        return _resolve(self._new, value)


def _resolve(document: JsonObject, value: JsonObject) -> JsonObject:
    while "$ref" in value:
        found: Any = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value


def _merge_members(schema: JsonObject, resolve: Callable[[JsonObject], JsonObject]) -> dict[str, JsonObject]:
    """The members of an object, or of all objects that a value may be."""
    members: dict[str, JsonObject] = dict(schema.get("properties", {}))
    for alternative in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        members |= resolve(alternative).get("properties", {})
    return members


def _describe_types(schema: JsonObject, resolve: Callable[[JsonObject], JsonObject]) -> frozenset[str]:
    """The types and listed values that a schema allows."""
    alternatives = (*schema.get("anyOf", ()), *schema.get("oneOf", ()))
    if alternatives:
        return frozenset().union(*(_describe_types(resolve(one), resolve) for one in alternatives))
    if "enum" in schema:
        return frozenset(f'"{value}"' for value in schema["enum"])
    types = schema.get("type", "anything")
    return frozenset([types] if isinstance(types, str) else types)


def _compare_limits(label: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """The limits that have become stricter."""
    for limit in (*LOWER_LIMITS, *UPPER_LIMITS):
        if limit not in new or new[limit] == old.get(limit):
            continue
        is_lower = limit in LOWER_LIMITS
        if limit not in old or (new[limit] > old[limit]) == is_lower:
            yield f"{label} has the {limit} {new[limit]}" + (f", not {old[limit]}" if limit in old else "")


def _join(types: frozenset[str]) -> str:
    return " or ".join(sorted(types))
