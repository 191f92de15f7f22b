"""Ids of projects on their way in and out; what PostgreSQL shows is tested in tests/integration/access/test_projects.py."""

import json

import msgspec
import pytest

from app.api.principal import Authenticator, Principal, Scheme
from app.api.project_scope import qualify_fields, qualify_query, strip_json
from app.api.services.submission_projects import RESERVED, TOO_LONG
from schemas.permissions import ROLE_PERMISSIONS, Role
from schemas.policy import Policy, Rule, Template
from tests.memory_stores import MemoryPolicyReader
from tests.unit.app.api.harness import GatewayHarness

RULE_FIELDS = ("type",), ("digest", "template")
URL = "/v1/notifications"


def build_authenticator(project: str, *, is_test: bool = False) -> Authenticator:
    """Accepts every credential as that of an admin of the project."""
    principal = Principal("key", "ab12cd34", "shop", Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN], project, is_test)

    async def accept(scheme: Scheme, credential: bytes) -> Principal | None:
        return principal

    return accept


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", b""),
        (b"user_id=u-1&limit=5", b"user_id=%40acme%2Fu-1&limit=5"),
        (b"user_id=%40other%2Fu-1", b"user_id=%40acme%2F%40other%2Fu-1"),
        (b"search=u-1&type=", b"search=u-1&type="),
    ],
)
def test_a_query_names_the_projects_own(query: bytes, expected: bytes) -> None:
    assert qualify_query("acme", query) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"type": "a", "data": {"type": "b"}}, {"type": "@acme/a", "data": {"type": "b"}}),
        ({"type": "", "digest": {"template": "t"}}, {"type": "", "digest": {"template": "@acme/t"}}),
        ({"type": 5, "digest": "x"}, {"type": 5, "digest": "x"}),
        ([1], [1]),
    ],
)
def test_the_fields_of_a_body_name_the_projects_own(body: object, expected: object) -> None:
    assert json.loads(qualify_fields("acme", msgspec.json.encode(body), RULE_FIELDS)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@acme/u-1", "u-1"),
        ("npm install @acme/client", "npm install @acme/client"),
        ('say "@acme/x"', 'say "@acme/x"'),
        ("@umbrella/u-1", "@umbrella/u-1"),
        ("\\", "\\"),
    ],
)
def test_contents_keep_what_is_no_id(text: str, expected: str) -> None:
    stripped = strip_json(json.dumps({"@acme/key": [text, "\\", text]}).encode(), b"@acme/", has_contents=True)
    assert json.loads(stripped) == {"key": [expected, "\\", expected]}


def test_messages_name_ids_anywhere() -> None:
    assert strip_json(b'{"detail":"there is no rule @acme/x"}', b"@acme/", has_contents=False) == b'{"detail":"there is no rule x"}'


def test_what_is_no_json_stays_for_its_handler() -> None:
    assert qualify_fields("acme", b"{", RULE_FIELDS) == b"{"


@pytest.mark.parametrize("path", [URL, f"{URL}/", f"{URL}/bulk"])
def test_a_submission_is_the_projects(path: str) -> None:
    submission = {"user_id": "u-1", "type": "greeting", "template": "welcome", "to": {"email": "ada@example.org"}}
    rules = {"@acme/greeting": Rule("@acme/greeting", "transactional", "low", ("email",))}
    templates = (Template("@acme/welcome", 1, "email", "default", "s", "t"),)
    policies = MemoryPolicyReader(Policy(rules, templates, (), 1))
    harness = GatewayHarness(authenticators=[build_authenticator("acme")], policy_reader=policies)
    with harness.build_client() as client:
        response = client.post(path, json=[submission] if path.endswith("bulk") else submission)
    assert response.status_code == 202, response.text
    for notification in harness.publisher.decode_notifications():
        assert (notification.user_id, notification.type, notification.template) == ("@acme/u-1", "@acme/greeting", "@acme/welcome")


@pytest.mark.parametrize("field", ["user_id", "type", "template"])
def test_a_submission_of_the_default_project_names_nothing_of_another_one(field: str) -> None:
    rules = {"@acme/greeting": Rule("@acme/greeting", "transactional", "low", ("email",))}
    policies = MemoryPolicyReader(Policy(rules, (Template("@acme/welcome", 1, "email", "default", "s", "t"),), (), 1))
    submission = {"user_id": "u-1", "type": "greeting", "category": "transactional", "to": {"email": "ada@example.org"}}
    harness = GatewayHarness(policy_reader=policies)
    with harness.build_client() as client:
        response = client.post(URL, json={**submission, field: "@acme/welcome"})
    assert response.status_code == 422
    assert [(error["path"], error["detail"]) for error in response.json()["errors"]] == [(f"$.{field}", RESERVED)]


@pytest.mark.parametrize(("field", "length"), [("user_id", 256), ("type", 128), ("template", 128)])
def test_an_id_that_is_too_long_with_its_project_is_not_accepted(field: str, length: int) -> None:
    """The router would make a dead letter of it."""
    prefix = len("@acme/")
    harness = GatewayHarness(authenticators=[build_authenticator("acme")])
    with harness.build_client() as client:
        for given, is_too_long in ((length, True), (length - prefix, False)):
            submission = {"user_id": "u-1", "type": "greeting", "to": {"email": "ada@example.org"}, field: "x" * given}
            errors = client.post(URL, json=submission).json().get("errors", [])
            assert ([(error["path"], error["detail"]) for error in errors] == [(f"$.{field}", TOO_LONG)]) == is_too_long


def test_an_idempotency_key_is_of_its_project_and_of_tests() -> None:
    harness = GatewayHarness()
    for authenticator in (build_authenticator(""), build_authenticator("", is_test=True)):
        harness.authenticators = [authenticator]
        with harness.build_client() as client:
            submission = {"user_id": "u-1", "type": "order.shipped", "to": {"email": "ada@example.org"}}
            assert client.post(URL, json=submission, headers={"idempotency-key": "k"}).status_code == 202
    assert [notification.is_test for notification in harness.publisher.decode_notifications()] == [False, True]
    assert len(harness.idempotent_responses.responses) == 2
