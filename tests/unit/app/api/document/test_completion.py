"""The OpenAPI document is complete: it validates, and every operation says what it takes, what it answers, and each error."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.api.document.operations import Operation, iterate_operations
from app.api.problems import PROBLEM_KINDS
from tests.unit.app.api.resources.test_docs import fetch_openapi_document

DOCUMENT = fetch_openapi_document()
OPERATIONS = {operation.value["operationId"]: operation for operation in iterate_operations(DOCUMENT)}
ERRORS_OF_ALL = {"431", "500", "503"}


def resolve(value: dict[str, Any]) -> dict[str, Any]:
    """What a reference stands for."""
    if "$ref" not in value:
        return value
    found: Any = DOCUMENT
    for name in value["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return resolve(found)


def list_responses(operation: Operation) -> dict[str, dict[str, Any]]:
    return {status: resolve(response) for status, response in operation.value["responses"].items()}


def list_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [resolve(parameter) for parameter in operation.value.get("parameters", ())]


def list_contents(operation: Operation) -> Iterator[tuple[str, dict[str, Any]]]:
    """The bodies of a request and of its responses."""
    yield from operation.value.get("requestBody", {}).get("content", {}).items()
    for response in list_responses(operation).values():
        yield from response.get("content", {}).items()


def list_examples(holder: dict[str, Any]) -> list[Any]:
    return [holder["example"]] if "example" in holder else [example["value"] for example in holder.get("examples", {}).values()]


@cache
def build_validator(schema: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator({"$ref": schema, "components": DOCUMENT["components"]})


def find_schema_error(schema: dict[str, Any], value: Any) -> str:
    """What is wrong with a value; empty if nothing is."""
    is_reference = set(schema) == {"$ref"}
    validator = (
        build_validator(schema["$ref"])
        if is_reference
        else jsonschema_rs.Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    )
    return "; ".join(f"{error.message} at {error.instance_path}" for error in validator.iter_errors(value))


def test_it_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert [str(error) for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


def test_an_invalid_document_would_be_found() -> None:
    paths = {"no-slash": {"get": {"parameters": [{"name": "x", "in": "nowhere", "schema": {}}]}}}
    assert [*OpenAPIV31SpecValidator({**DOCUMENT, "paths": paths}).iter_errors()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does(name: str) -> None:
    value = OPERATIONS[name].value
    assert value["summary"]
    assert value["description"]
    assert value["tags"]
    assert not value["summary"].endswith(".")


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_parameter_has_a_description_and_an_example_that_it_takes(name: str) -> None:
    for parameter in list_parameters(OPERATIONS[name]):
        assert parameter["description"], parameter["name"]
        assert list_examples(parameter), parameter["name"]
        for example in list_examples(parameter):
            assert find_schema_error(parameter["schema"], example) == "", parameter["name"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_body_has_an_example_that_its_schema_takes(name: str) -> None:
    for media_type, content in list_contents(OPERATIONS[name]):
        if media_type == "text/plain":
            continue
        assert list_examples(content), media_type
        for example in list_examples(content):
            assert find_schema_error(content["schema"], example) == "", (media_type, example)


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_error_is_a_problem_with_a_code_and_a_request_id(name: str) -> None:
    responses = list_responses(OPERATIONS[name])
    if OPERATIONS[name].path not in ("/readyz",):
        assert set(responses) >= ERRORS_OF_ALL
    for status, response in responses.items():
        assert "X-Request-Id" in response["headers"], status
        if int(status) < 400 or OPERATIONS[name].path == "/readyz":
            continue
        for example in list_examples(response["content"]["application/problem+json"]):
            assert example["status"] == int(status)
            assert PROBLEM_KINDS[example["code"]][0] == int(status)
            assert example["request_id"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_protected_operations_document_a_missing_key(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation.is_public or "401" in operation.value["responses"]


def test_bodies_and_parameters_have_their_errors() -> None:
    for name, operation in OPERATIONS.items():
        responses = set(operation.value["responses"])
        if operation.method in ("post", "put", "patch"):
            assert responses >= {"408", "413", "422"}, name
        if "{" in operation.path:
            assert "404" in responses, name
        if "If-Match" in {parameter["name"] for parameter in list_parameters(operation)}:
            assert "412" in responses, name


def test_operation_ids_are_unique() -> None:
    ids = [operation.value["operationId"] for operation in iterate_operations(DOCUMENT)]
    assert len(ids) == len(set(ids))


def test_every_tag_is_described() -> None:
    assert [tag["name"] for tag in DOCUMENT["tags"] if not tag.get("description")] == []


def test_what_operations_share_is_a_component() -> None:
    components = DOCUMENT["components"]
    assert components["parameters"]["Limit"]["name"] == "limit"
    assert components["parameters"]["HeroldActor"]["name"] == "Herold-Actor"
    assert components["responses"]["UnauthorizedTheAPIKeyIsMissingOrWrong"]
    assert all(resolve({"$ref": f"#/components/{kind}/{name}"}) for kind, values in components.items() for name in values)
