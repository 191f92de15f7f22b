"""The declared variables of a template: what the data must be, and where it is not."""

import contextlib
import socket
import threading
from typing import Any

import msgspec
import pytest

from agents.router.templates.variables import MAX_SCHEMA_BYTES, InvalidSchema, Variables, Violation, compile_variables, format_path

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["order"],
    "additionalProperties": False,
    "properties": {
        "order": {"type": "integer", "minimum": 1},
        "mail": {"type": "string", "format": "email"},
        "items": {"type": "array", "maxItems": 2, "items": {"$ref": "#/$defs/item"}},
        "code": {"pattern": "^(a+)+$"},
    },
    "$defs": {"item": {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}}},
}


def compile_schema(schema: Any) -> Variables:
    return Variables(msgspec.json.encode(schema).decode())


@pytest.mark.parametrize(
    ("data", "path", "problem"),
    [
        ({}, "$.data.order", '"order" is a required property'),
        ({"order": "secret"}, "$.data.order", 'the value is not of type "integer"'),
        ({"order": 0}, "$.data.order", "the value is less than the minimum of 1"),
        ({"order": 1, "mail": "secret"}, "$.data.mail", 'the value is not a "email"'),
        ({"order": 1, "items": [{"sku": "a"}, {}]}, "$.data.items[1].sku", '"sku" is a required property'),
        ({"order": 1, "other": 1}, "$.data", "Additional properties are not allowed ('other' was unexpected)"),
        ({"order": 1, "mail": "\ud800"}, "$.data", "a text contains half a surrogate pair"),
    ],
)
def test_the_first_violation_is_named_without_the_value(data: dict[str, Any], path: str, problem: str) -> None:
    assert compile_schema(SCHEMA).find_violation(data) == Violation(path, problem)


@pytest.mark.parametrize("data", [{"order": 1}, {"order": 1.0, "mail": "a@b.de", "items": [{"sku": "a", "n": [None]}], "code": "aa"}])
def test_data_as_declared_has_no_violation(data: dict[str, Any]) -> None:
    assert compile_schema(SCHEMA).find_violation(data) is None


def test_a_pattern_takes_linear_time() -> None:
    violation = compile_schema(SCHEMA).find_violation({"order": 1, "code": "a" * 100_000 + "b"})
    assert violation is not None
    assert violation.path == "$.data.code"


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"type": "strin"}, "at variables.type"),
        ({"properties": {"a": {"minLength": -1}}}, "at variables.properties.a.minLength"),
        ({"pattern": "("}, "at variables.pattern"),
        ({"pattern": "(?=a)"}, "at variables.pattern"),  # an assertion that would need a slow engine
        ({"format": "telephone"}, "telephone"),
        ({"$ref": "#/nowhere"}, "nowhere"),
        ({"$ref": "file:///etc/passwd"}, "Retrieval is disabled"),
        ({"$schema": "https://example.org/own"}, "Unknown meta-schema"),
        ([1], "variables"),
        ({"description": "x" * MAX_SCHEMA_BYTES}, "more than 65536 bytes"),
    ],
)
def test_what_is_no_schema_is_an_error_with_its_place(schema: Any, problem: str) -> None:
    with pytest.raises(InvalidSchema, match=problem):
        compile_schema(schema)


def test_no_reference_is_fetched() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        connections: list[object] = []

        def accept() -> None:
            with contextlib.suppress(TimeoutError):
                connections.append(server.accept())

        thread = threading.Thread(target=accept)
        thread.start()
        with pytest.raises(InvalidSchema):
            compile_schema({"$ref": f"http://127.0.0.1:{server.getsockname()[1]}/schema.json"})
        thread.join()
    assert not connections


def test_a_schema_is_compiled_once() -> None:
    assert compile_variables('{"minProperties":1}') is compile_variables('{"minProperties":1}')


def test_a_path_names_each_step() -> None:
    assert format_path("$.data", ["a", 0, "b c", "d"]) == "$.data.a[0]['b c'].d"
    assert len(format_path("$.data", ["x" * 300] * 3)) <= 256
