"""Each kind of change that breaks a client is found and named; one that does not is not."""

import copy
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dev.reference import __main__ as reference
from dev.reference.compatibility import find_breaking_changes
from dev.reference.openapi import build_openapi

DOCUMENT = build_openapi()
USERS = "/v1/users/{user_id}"


def change(edit: Callable[[dict[str, Any]], object]) -> list[str]:
    """The breaking changes of a document that is edited."""
    new = copy.deepcopy(DOCUMENT)
    edit(new)
    return find_breaking_changes(DOCUMENT, new)


def get_schema(document: dict[str, Any], name: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["components"]["schemas"][name]
    return schema


def get_required_list(document: dict[str, Any], name: str) -> list[str]:
    required: list[str] = get_schema(document, name)["required"]
    return required


BREAKING: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "path": (lambda new: new["paths"].pop(USERS), f"GET {USERS} is gone"),
    "method": (lambda new: new["paths"][USERS].pop("delete"), f"DELETE {USERS} is gone"),
    "operation id": (
        lambda new: new["paths"][USERS]["get"].update(operationId="show_user"),
        f"GET {USERS}: the operation id is show_user, not get_user",
    ),
    "required parameter": (
        lambda new: new["paths"]["/v1/users"]["get"]["parameters"].append(
            {"name": "tier", "in": "query", "required": True, "schema": {"type": "string"}}
        ),
        "GET /v1/users: the query parameter tier is needed",
    ),
    "parameter": (
        lambda new: new["paths"]["/v1/users"]["get"]["parameters"].pop(0),
        "GET /v1/users: the query parameter search is gone",
    ),
    "type of a parameter": (
        lambda new: new["components"]["parameters"]["Limit"]["schema"].update(type="string"),
        "GET /v1/users: the query parameter limit is string, not integer",
    ),
    "limit of a parameter": (
        lambda new: new["components"]["parameters"]["Limit"]["schema"].update(maximum=100),
        "GET /v1/users: the query parameter limit has the maximum 100, not 200",
    ),
    "member of a response": (
        lambda new: get_schema(new, "UserPage")["properties"].pop("next_cursor"),
        "GET /v1/users: the response 200 has no member next_cursor",
    ),
    "member of a response, optional": (
        lambda new: get_required_list(new, "UserPage").remove("next_cursor"),
        "GET /v1/users: the response 200 may have no member next_cursor",
    ),
    "member of a request": (
        lambda new: get_schema(new, "UserChange")["properties"].pop("tier"),
        f"PUT {USERS}: the body has no member tier",
    ),
    "needed member of a request": (
        lambda new: get_schema(new, "UserChange").update(required=["tier"]),
        f"PUT {USERS}: the body needs the member tier",
    ),
    "value of a request": (
        lambda new: get_schema(new, "Submission")["properties"]["priority"]["enum"].remove("low"),
        'POST /v1/dead-letters/{dead_letter_id}/redrive: the body.priority is "high" or "medium", not "high" or "low" or "medium"',
    ),
    "response": (lambda new: new["paths"][USERS]["get"]["responses"].pop("200"), f"GET {USERS}: the response 200 is gone"),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_breaking_change_is_named(name: str) -> None:
    edit, text = BREAKING[name]
    assert text in change(edit)


HARMLESS: dict[str, Callable[[dict[str, Any]], object]] = {
    "nothing": lambda new: None,
    "new path": lambda new: new["paths"].update({"/v1/new": {"get": {"operationId": "new", "responses": {}}}}),
    "optional parameter": lambda new: new["paths"]["/v1/users"]["get"]["parameters"].append(
        {"name": "tier", "in": "query", "schema": {"type": "string"}}
    ),
    "member of a response": lambda new: get_schema(new, "UserPage")["properties"].update(total={"type": "integer"}),
    "optional member of a request": lambda new: get_schema(new, "UserChange")["properties"].update(nickname={"type": "string"}),
    "value of a request": lambda new: get_schema(new, "Submission")["properties"]["priority"]["enum"].append("urgent"),
    "description": lambda new: get_schema(new, "User").update(description="other words"),
    "error": lambda new: new["paths"][USERS]["get"]["responses"].pop("404"),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_that_no_client_notices_is_not_named(name: str) -> None:
    assert change(HARMLESS[name]) == []


def test_the_committed_document_is_not_broken_unnoticed() -> None:
    """A break that is acknowledged is in the committed document already, and so is no difference."""
    changes = reference.list_breaking_changes()
    assert changes == [], f'run `{reference.COMMAND} --breaking "REASON"` and commit the files'


def test_the_command_writes_no_break_without_a_reason(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    old = copy.deepcopy(DOCUMENT)
    old["paths"]["/v1/gone"] = {"get": {"operationId": "get_gone", "responses": {}}}
    path, log = tmp_path / reference.OPENAPI_PATH, tmp_path / "breaking-changes.md"
    path.write_bytes(before := msgspec.json.encode(old))
    monkeypatch.setattr(reference, "list_breaking_changes", lambda: find_breaking_changes(old, DOCUMENT))
    monkeypatch.setattr(reference, "write_documents", lambda: [path.write_text("new")] and ["openapi.json"])
    monkeypatch.setattr(reference, "BREAKING_CHANGES_PATH", log)
    assert reference.main([]) == 1
    assert path.read_bytes() == before
    assert reference.main(["--breaking", "nobody used it"]) == 0
    assert path.read_text() == "new"
    assert log.read_text() == "\nnobody used it\n\n- GET /v1/gone is gone\n"
