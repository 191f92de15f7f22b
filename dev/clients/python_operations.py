"""The methods of the Python client: one per operation of the OpenAPI document, and one more that iterates over each list."""

import keyword
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from app.api.document.operations import JsonObject, Operation, iterate_operations
from dev.clients.python_types import describe_type

LEFT_OUT_TAGS = frozenset({"callbacks"})  # their requests come from providers
MODELS = "models."


class Parameter(NamedTuple):
    """A parameter of a method: its name in Python, its name and place in the request, and its annotation."""

    name: str
    wire_name: str
    place: str
    annotation: str
    is_required: bool

    @property
    def value(self) -> str:
        """The expression of its value in the request."""
        if self.wire_name == "If-Match":
            return f"format_version({self.name})"
        if self.wire_name == "Idempotency-Key":
            return f"{self.name} or make_key()"
        return self.name


class Method(NamedTuple):
    """A method of the client; `results` has the expression of a result's type by status."""

    name: str
    http_method: str
    path: str
    summary: str
    description: str
    parameters: list[Parameter]
    body: str
    results: Mapping[int, str]
    returns: str
    item: str

    def list_parameters(self, place: str) -> list[Parameter]:
        """The parameters in the path, the query or the headers."""
        return [parameter for parameter in self.parameters if parameter.place == place]

    @property
    def iterator_name(self) -> str:
        """The name of the method that iterates over the items of all pages."""
        return self.name.replace("list_", "iterate_", 1)

    @property
    def pages(self) -> list[Parameter]:
        """The parameters of the list besides the cursor."""
        return [parameter for parameter in self.parameters if parameter.wire_name != "cursor"]


def build_methods(document: JsonObject) -> dict[str, list[Method]]:
    """The methods of each tag."""
    methods: dict[str, list[Method]] = {}
    for operation in iterate_operations(document):
        tag = operation.value["tags"][0]
        if tag not in LEFT_OUT_TAGS and not _is_stream(operation.value, document):
            methods.setdefault(tag, []).append(_build_method(operation, document))
    return methods


def _is_stream(value: JsonObject, document: JsonObject) -> bool:
    """Whether an operation answers with events without an end, which no method can return."""
    return any("text/event-stream" in _resolve(response, document).get("content", {}) for response in value["responses"].values())


def _build_method(operation: Operation, document: JsonObject) -> Method:
    value, schemas = operation.value, document["components"]["schemas"]
    parameters = sorted(_build_parameters(value, document), key=lambda parameter: (parameter.place != "path", not parameter.is_required))
    body = value.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    results = _build_results(value, document)
    return Method(
        value["operationId"],
        operation.method.upper(),
        operation.path,
        value["summary"],
        value["description"],
        parameters,
        _describe(body, schemas) if body else "",
        results,
        " | ".join(dict.fromkeys(_describe_result(result) for result in results.values())),
        _find_item(value, document, parameters),
    )


def _build_parameters(value: JsonObject, document: JsonObject) -> Iterator[Parameter]:
    for one in value.get("parameters", ()):
        parameter = _resolve(one, document)
        wire_name, place = parameter["name"], parameter["in"]
        is_required = bool(parameter.get("required"))
        annotation = "int | str" if wire_name == "If-Match" else _describe(parameter["schema"], document["components"]["schemas"])
        name = wire_name.lower().replace("-", "_").removeprefix("herold_")
        name = f"{name}_" if keyword.iskeyword(name) else name
        yield Parameter(name, wire_name, place, annotation if is_required else f"{annotation} | None", is_required)


def _build_results(value: JsonObject, document: JsonObject) -> dict[int, str]:
    """The type of the result by status; `(A, B)` for one that has the type A or B."""
    results = {}
    for status, response in value["responses"].items():
        if int(status) < 400:
            contents = _resolve(response, document).get("content", {})
            results[int(status)] = _build_result(contents, document["components"]["schemas"])
    return results


def _build_result(contents: Mapping[str, Any], schemas: Mapping[str, JsonObject]) -> str:
    if not contents:
        return "None"
    if "application/json" not in contents:
        return "str"
    schema = contents["application/json"]["schema"]
    alternatives = schema.get("anyOf") or schema.get("oneOf") or [schema]
    names = [_describe(one, schemas) for one in alternatives]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"


def _describe_result(result: str) -> str:
    return result.strip("()").replace(", ", " | ") if result.startswith("(") else result


def _find_item(value: JsonObject, document: JsonObject, parameters: list[Parameter]) -> str:
    """The type of the items of a paged list; empty if it is none."""
    if not any(parameter.wire_name == "cursor" for parameter in parameters):
        return ""
    content = _resolve(value["responses"].get("200", {}), document).get("content", {}).get("application/json", {})
    items = _resolve(content.get("schema", {}), document).get("properties", {}).get("items", {}).get("items")
    return _describe(items, document["components"]["schemas"]) if items else ""


def _describe(schema: JsonObject, schemas: Mapping[str, JsonObject]) -> str:
    return describe_type(schema, schemas, MODELS)


def _resolve(value: JsonObject, document: JsonObject) -> JsonObject:
    while "$ref" in value:
        found: Any = document
        for name in value["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        value = found
    return value
