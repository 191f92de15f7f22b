"""Requests that the OpenAPI document permits and forbids, generated for each operation, by each role.

No answer is a 5xx, undocumented or of another form than documented; a role does what it may and nothing else; no operation that needs a
credential answers without one.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from schemas.permissions import ROLE_PERMISSIONS, Permission, Role
from tests.security.gateway import AttackedGateway

EXAMPLES = 3  # of each operation
CHECKS = [status_code_conformance, content_type_conformance, response_schema_conformance]
SETTINGS = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="session")
def document(gateway: AttackedGateway) -> dict[str, Any]:
    with gateway.open() as client:
        return dict(client.get("/openapi.json").json())


@pytest.fixture(scope="session")
def keys(gateway: AttackedGateway) -> dict[Role, str]:
    """A key of each role."""
    with gateway.open() as client:
        made = {role: client.post("/v1/api-keys", json={"name": f"generated-{role}", "role": role}) for role in Role}
        return {role: str(response.json()["key"]) for role, response in made.items()}


def list_operations(document: dict[str, Any]) -> Iterator[Any]:
    """The operations, each with what generates its requests; without the stream of events, which has no end."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path != "/v1/live/events":
            yield operation


def may_use(role: Role, needed: str) -> bool:
    """Whether a role has what an operation declares to need."""
    return needed in ("public", "authenticated") or Permission(needed) in ROLE_PERMISSIONS[role]


NARROWER = {"preview_notification", "get_dead_letter"}
"""Routes of which a request can need another permission, too; who may use them has a test of its own."""
BEFORE_IDENTITY = (404, 405, 422, 431)
"""What is wrong with a path or the headers, and a second credential that was generated, are found before it is known who it is."""


def find_access_problem(role: Role, needed: str, status: int) -> str:
    """What is wrong with the status that a role gets: a 403 for who may, or another answer than that for who may not."""
    if status == 403 and may_use(role, needed) and needed != "public":
        return "refuses who may use it"
    return "lets in who may not use it" if status not in (401, 403, *BEFORE_IDENTITY) and not may_use(role, needed) else ""


def find_answer_problem(case: Any, response: Any) -> str:
    """What is wrong with an answer by its documentation; 503 is that of a stack without workers."""
    if response.status_code >= 500 and response.status_code != 503:
        return "an error of the server"
    try:
        case.validate_response(response, checks=CHECKS)
    except BaseExceptionGroup as group:
        return "; ".join(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}" for error in group.exceptions)
    return ""


def call_by_every_role(gateway: AttackedGateway, operation: Any, keys: dict[Role, str]) -> set[str]:
    """What is wrong with the answers."""
    needed, problems = operation.definition.raw["x-permission"], set[str]()
    is_narrower = operation.definition.raw["operationId"] in NARROWER

    @SETTINGS
    @given(st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in schemathesis.GenerationMode)))
    def check(case: Any) -> None:
        for role, key in keys.items():
            response = case.call(base_url=gateway.url, headers={"X-API-Key": key})
            access = "" if is_narrower and response.status_code == 403 else find_access_problem(role, needed, response.status_code)
            for problem in (access, find_answer_problem(case, response)):
                if problem:
                    problems.add(f"{operation.label} {response.status_code} for {role}: {problem}")
        if needed != "public":
            anonymous = case.call(base_url=gateway.url, headers={"X-API-Key": "wrong"})
            if anonymous.status_code not in (401, 405, 431):
                problems.add(f"{operation.label} {anonymous.status_code} without a credential")

    check()
    return problems


@pytest.fixture
def no_local_constants(monkeypatch: pytest.MonkeyPatch) -> None:
    """The requests are the same in every run: else Hypothesis draws constants from the modules that happen to be imported."""
    empty = Constants()
    monkeypatch.setattr(providers, "_get_local_constants", lambda: empty)
    providers.CONSTANTS_CACHE.cache.clear()


@pytest.mark.slow
@pytest.mark.usefixtures("no_local_constants")
def test_every_answer_to_every_role_is_documented(gateway: AttackedGateway, document: dict[str, Any], keys: dict[Role, str]) -> None:
    problems = [problem for operation in list_operations(document) for problem in call_by_every_role(gateway, operation, keys)]
    assert sorted(problems) == [], "\n".join(sorted(problems))
    assert gateway.is_alive()
