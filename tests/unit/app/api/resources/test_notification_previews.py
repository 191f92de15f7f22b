"""The preview of a notification over HTTP: the decision in words, what would be sent, and what it is not known from."""

from typing import Any

import pytest

from app.api.principal import Principal
from schemas.permissions import Role, select_permissions
from schemas.policy import DigestPolicy, Policy, RateLimit, Rule, Template
from schemas.profile import Profile
from schemas.user_rows import UserRow
from tables.idempotency import IdempotencyRow, encode_key_suffix, encode_row
from tests.unit.app.api.harness import NOW, FakeUserTables, GatewayHarness, make_notification_id
from tests.unit.app.api.resources.test_notifications import assert_problem

URL = "/v1/notifications/preview"
RULES = (
    Rule("order.shipped", "transactional", "low", ("email", "sms"), template="order-shipped"),
    Rule("newsletter", "marketing", None, ("email",), template="order-shipped", consent="opt_in"),
    Rule("gathered", "transactional", None, ("email",), template="order-shipped", digest=DigestPolicy(window=600)),
    Rule("escalated", "transactional", None, ("sms", "email"), "escalate", "order-shipped", escalate_after=60),
)
TEMPLATES = (
    Template("order-shipped", 3, "email", "default", "Order {{ order }}", "Hello", "<p>Hello</p>"),
    Template("order-shipped", 3, "sms", "default", text="Order {{ order }}"),
)
POLICY = Policy({rule.type: rule for rule in RULES}, TEMPLATES, (RateLimit("email", 5, 60),), 1)
ORDER = {"user_id": "u-42", "type": "order.shipped", "data": {"order": 17}}
ADA = Profile("u-42", True, {"email": ["ada@example.org"], "sms": ["+12025550101"]}, "de-AT", "Europe/Vienna")
FILE = {"filename": "a.pdf", "type": "application/pdf", "content": "QUJDRA=="}


def build_harness(**parts: Any) -> GatewayHarness:
    harness = GatewayHarness(**parts)
    harness.policy_reader.policy = POLICY
    harness.profiles.profiles["u-42"] = ADA
    return harness


def preview(harness: GatewayHarness, at: float | None = None, **fields: Any) -> Any:
    with harness.build_client() as client:
        return client.post(URL, json={**ORDER, **fields}, params={} if at is None else {"at": at})


def test_it_says_what_would_be_sent_and_sends_nothing() -> None:
    harness = build_harness()
    response = preview(harness, attachments=[FILE])
    assert response.status_code == 200
    body = response.json()
    assert (body["state"], body["summary"]) == ("routed", "It would be sent at once by e-mail and SMS.")
    assert (body["priority"], body["rule"], body["time_zone"], body["judged_at"]) == ("low", "order.shipped@1", "Europe/Vienna", NOW)
    email, sms = body["deliveries"]
    assert (email["address"], sms["address"]) == ("a***@e***", "***01")
    assert (email["template"], email["content"]["html"]) == ("order-shipped@3 default", "<p>Hello</p>")
    assert email["content"]["attachments"] == [{"filename": "a.pdf", "type": "application/pdf"}]
    assert (sms["content"]["text"], sms["sms"]["segments"], email["sms"]) == ("Order 17", 1, None)
    assert [gate["verdict"] for gate in body["gates"]] == ["pass"] * 14
    assert (body["gates_not_reached"], body["unknown"]) == ([], {})
    assert harness.publisher.records == []
    assert "ada@example.org" not in response.text


@pytest.mark.parametrize(
    ("fields", "state", "summary"),
    [
        ({"type": "newsletter"}, "rejected", "It would not be sent: such messages need the user's opt-in, and there is none."),
        ({"send_at": NOW + 60}, "held", "It would be held until "),
        ({"type": "gathered"}, "merged", "It would be gathered into a digest, which is sent at "),
        ({"type": "escalated"}, "routed", "It would be sent at once by SMS. Unless it arrives, the next channel would follow at "),
        ({"to": {"sms": ["+12025550101", "+12025550102"]}}, "routed", "It would be sent at once by e-mail and SMS to 2 addresses."),
        ({"template": "order-shipped", "user_id": "nobody"}, "rejected", "It would not be sent: the user is unknown"),
    ],
)
def test_each_decision_has_its_sentence(fields: dict[str, Any], state: str, summary: str) -> None:
    body = preview(build_harness(), **fields).json()
    assert body["state"] == state
    assert body["summary"].startswith(summary)
    assert (body["held_until"] == NOW + 60) == (state == "held")
    assert (body["next_channel_at"] == NOW + 60) == (fields.get("type") == "escalated")
    assert bool(body["remedy"]) == (state != "routed")
    assert bool(body["gates_not_reached"]) == (state != "routed")


def test_the_rows_of_the_workers_count() -> None:
    first = make_notification_id(7)
    row = UserRow(b"k", encode_row(IdempotencyRow(first, NOW, "low", 1, 2)))
    body = preview(build_harness(user_tables=FakeUserTables({"idempotency": [row]})), idempotency_key="k").json()
    assert (body["state"], body["duplicate_of"]) == ("rejected", first)


def test_a_notification_that_was_decided_changes_nothing() -> None:
    first = make_notification_id(7)
    row = UserRow(b"k", encode_row(IdempotencyRow(first, NOW, "low", 1, 2)))
    body = preview(build_harness(user_tables=FakeUserTables({"idempotency": [row]})), id=first, idempotency_key="k").json()
    assert (body["state"], body["gates"], body["deliveries"]) == ("replayed", [], [])
    assert body["summary"] == "Nothing would happen: this notification was decided before."


def test_an_id_that_was_decided_changes_nothing_without_a_key() -> None:
    first = make_notification_id(7)
    row = UserRow(encode_key_suffix(first)[1:], encode_row(IdempotencyRow(first, NOW, "low", 1, 2)))
    body = preview(build_harness(user_tables=FakeUserTables({"idempotency": [row]})), channels=["sms"], id=first).json()
    assert (body["state"], body["deliveries"]) == ("replayed", [])


def test_tables_that_do_not_answer_are_named() -> None:
    harness = build_harness(user_tables=FakeUserTables(problem="no worker of the role router has registered"))
    body = preview(harness).json()
    assert body["unknown"] == {"rate_windows": "no worker of the role router has registered"}
    assert body["state"] == "routed"


def test_what_submitting_rejects_is_rejected_with_the_same_errors() -> None:
    harness = build_harness()
    with harness.build_client() as client:
        for fields in ({"type": "no.such"}, {"data": {}}, {"to": {"email": "no address"}}, {"nonsense": 1}):
            found, real = (client.post(url, json={**ORDER, **fields}) for url in (URL, "/v1/notifications"))
            assert_problem(found, 422)
            assert found.json()["errors"] == real.json()["errors"]


def test_it_is_judged_at_another_time() -> None:
    harness = build_harness()
    later = preview(harness, NOW + 86400, send_at=NOW + 3600).json()
    assert (later["judged_at"], later["state"]) == (NOW + 86400, "routed")  # due by then
    for at in (NOW - 3600, NOW + 40 * 86400):
        assert_problem(preview(harness, at), 422)


def test_without_rules_or_profiles_it_is_503() -> None:
    harness = build_harness()
    harness.policy_reader.policy = None
    assert_problem(preview(harness), 503)
    harness = build_harness()
    harness.profiles.unavailable = True
    assert_problem(preview(harness), 503)


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (["notifications:read"], 403),
        (["notifications:send"], 403),
        (["notifications:read", "notifications:send"], 200),
        (["notifications:read", "preferences:read"], 200),
    ],
)
def test_who_may_not_see_what_the_user_chose_gets_no_preview(scopes: list[str], status: int) -> None:
    permissions = select_permissions(Role.ADMIN, scopes)

    async def authenticate(*_: object) -> Principal:
        return Principal("key", "k1", "a key", Role.ADMIN, permissions)

    harness = build_harness()
    harness.authenticators = [authenticate]
    assert preview(harness).status_code == status
