"""Validation against the policy, and that gateway and router decode alike."""

from typing import NamedTuple

import msgspec
import pytest

from agents.router.gates import decode
from agents.router.routing_state import GateContext, RoutingState, build_topic_set
from agents.router.verdict import DeadLetterVerdict
from app.api.problems import ProblemError
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import decode_submission, find_field_error
from schemas.notification import Notification
from schemas.policy import DigestPolicy, Policy, Rule, Template, TemplateDetails
from schemas.ports import Header
from tests.unit.app.api.harness import NOW, make_notification_id

TEMPLATES = (
    Template("shipped", 1, "email", "default", "Order {{ order }}", "Hello {{ user.name }}"),
    Template("shipped", 1, "email", "de", "Bestellung {{ order }}", "Hallo"),
    Template("shipped", 1, "sms", "default", text="sent"),
    Template("free", 1, "sms", "default", text="{{ x }}"),
    Template("free", 1, "push", "default", "t", "{{ x }}"),
    Template("typed", 1, "webhook", "default"),
    Template("item", 1, "sms", "default", text="{{ digest.events[0].title or digest.count }}"),
    Template("items", 1, "sms", "default", text="{{ digest.count }}"),
    Template("broken", 1, "email", "default", "{{ 1 / nothing }}", "{{ order + 1 }}"),
)
POLICY = Policy(
    {
        "all": Rule("all", "c", "low", ("email", "sms", "webhook"), "all", "shipped"),
        "first": Rule("first", "c", "low", ("email", "sms"), "first", "shipped"),
        "later": Rule("later", "c", "low", ("email", "sms"), "escalate", "shipped", escalate_after=60),
        "mail": Rule("mail", "c", "low", ("email",), "all", "shipped"),
        "typed": Rule("typed", "c", "low", ("webhook",)),
        "bare": Rule("bare", "c", "low", ("email",)),
        "news": Rule("news", "c", "low", ("sms",), "all", "item", digest=DigestPolicy(60, template="items")),
        "broken": Rule("broken", "c", "low", ("email",), "all", "broken"),
    },
    TEMPLATES,
    (),
    1,
    (
        TemplateDetails("typed", 1, '{"properties":{"a":{"items":{"type":"integer"}}}}'),
        TemplateDetails("items", 1, '{"properties":{"title":{"type":"string"}}}'),
    ),
)
VALIDATOR = PolicyValidator(POLICY)
DATA = {"order": 17, "user": {"name": "Ann"}}
PUSH = {"channels": ["push"]}


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"type": "none"}, "$.type", "unknown_type"),
        ({"type": "none", "category": "cc"}, "$.type", "unknown_type"),
        ({"type": "mail", "category": "cc"}, "$.category", "unknown_category"),
        ({"type": "mail", "template": "none"}, "$.template", "unknown_template"),
        ({"type": "bare"}, "$.template", "unknown_template"),
        ({"type": "typed", "data": {"a": [1, "x"]}}, "$.data.a[1]", "invalid_variables"),
        ({"type": "mail", "data": {}}, "$.data.order", "missing_variable"),
        ({"type": "news", "data": {"title": 7}}, "$.data.title", "invalid_variables"),
        ({"type": "mail", "data": {"order": 1, "user": {}}, "locale": "en"}, "$.data", "missing_variable"),
        ({"type": "mail", "data": {"order": None}}, "$.data.order", "missing_variable"),
        ({"type": "mail", "data": {**DATA, "user": {"name": None}}, "locale": "en"}, "$.data.user.name", "missing_variable"),
        ({"type": "mail", "data": {**DATA, "order": "x" * 1000}}, "$.data", "provider_limit"),
        ({"type": "all", "template": "free", "channels": ["sms"], "data": {"x": "x" * 1601}}, "$.data", "provider_limit"),
        ({"type": "all", "template": "free", "channels": ["sms"], "data": {"x": " "}}, "$.data", "blank_content"),
        ({"type": "all", "template": "free", "channels": ["push"], "data": {"x": "x" * 4096}}, "$.data", "provider_limit"),
        ({"type": "all", "template": "free", "data": {"x": "x" * 3000}, "to": {"push": "topic:t"}, **PUSH}, "$.data", "provider_limit"),
        ({"type": "all", "template": "free", "data": {"x": "x" * 3000}, "user_id": "topic:t", **PUSH}, "$.data", "provider_limit"),
        ({"type": "all", "data": {"x": "x" * 66_000}, "to": {"webhook": "https://example.org"}}, "$.data", "content_too_large"),
        ({"type": "all", "data": {}, "to": {"email": "a@example.org"}}, "$.data.order", "missing_variable"),
        ({"type": "later", "data": {}, "to": {"email": "a@example.org"}}, "$.data.order", "missing_variable"),
        ({"type": "all", "data": {}, "channels": ["email"]}, "$.data.order", "missing_variable"),
        ({"type": "broken", "data": {"nothing": 0}}, "$.data", "template_error"),
    ],
)
def test_a_future_dead_letter_of_the_router_is_a_field_error(fields: dict[str, object], path: str, reason: str) -> None:
    error = VALIDATOR.find_field_error(msgspec.convert({"user_id": "u", **fields}, Notification))
    assert error is not None
    assert (error.path, error.reason) == (path, reason)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "mail", "data": DATA},
        {"type": "mail", "data": {"order": 1}, "locale": "de-AT"},
        {"type": "all", "data": {}},  # the user may have no e-mail address
        {"type": "mail", "data": {"order": 1}},  # the user's locale may be German, and that template needs no more
        {"type": "all", "template": "free", "data": {"x": "x" * 3000}, **PUSH},  # the profile may have devices only
        {"type": "first", "data": {}, "to": {"email": "a@example.org"}},  # the first usable channel may be another one
        {"type": "news", "data": {"title": ""}},  # alone, it is a digest of one
        {"type": "mail", "channels": ["webhook"], "data": {}},  # a webhook has no template
    ],
)
def test_an_error_that_depends_on_the_profile_is_left_to_the_router(fields: dict[str, object]) -> None:
    assert VALIDATOR.find_field_error(msgspec.convert({"user_id": "u", **fields}, Notification)) is None


def test_a_new_policy_reuses_compiled_templates() -> None:
    VALIDATOR.find_field_error(Notification("u", "mail", data=DATA))
    validator = PolicyValidator(Policy({}, TEMPLATES, (), 2), VALIDATOR)
    assert validator.compiled_policy.templates.compiled


class StubRecord(NamedTuple):
    """A record of a Kafka topic."""

    value: bytes
    offset: int = 0
    timestamp: int = int(NOW * 1000)
    key: bytes | None = b"u"
    headers: tuple[Header, ...] = ()


BODIES = [
    b"",
    b"[]",
    b'{"user_id": "u"}',
    b'{"user_id": "", "type": "mail"}',
    b'{"user_id": "u", "type": "mail", "channels": []}',
    b'{"user_id": "u", "type": "mail", "to": {"fax": "1"}}',
    b'{"user_id": "u\\u0000", "type": "mail"}',
    b'{"user_id": "u", "type": "mail", "idempotency_key": "a\\u0000b"}',
    b'{"user_id": "u", "type": "mail", "category": "\\u0000"}',
    b'{"user_id": "u", "type": "mail", "to": {"email": "a\\u0000"}}',
    b'{"user_id": "u", "type": "mail", "id": "ntf_1"}',
    b'{"user_id": "u", "type": "mail", "id": "ntf_01704067200070008000000000000001"}',
    b'{"user_id": "u", "type": "mail", "send_at": 9999999999}',
    b'{"user_id": "u", "type": "mail", "send_at": "2100-01-01T00:00:00Z"}',
    b'{"user_id": "u", "type": "mail", "expires_at": 1760000060000}',
    b'{"user_id": "u", "type": "mail", "expires_at": "2025-10-09T08:53:20"}',
    b'{"user_id": "u", "type": "mail", "expires_at": "2025-10-09T08:53:21Z"}',
    b'{"user_id": "u", "type": "mail", "digest": "daily"}',
    b'{"user_id": "u", "type": "mail", "data": {"x": ' + b"[" * 70 + b"]" * 70 + b"}}",
    b'{"user_id": "u", "type": "mail", "data": {"order": 1, "user": {"name": "A"}}, "id": "' + make_notification_id().encode() + b'"}',
]


@pytest.mark.parametrize("body", BODIES)
def test_gateway_and_router_decode_alike(body: bytes) -> None:
    state = RoutingState(StubRecord(body), build_topic_set("notifications.low", ""), 0, NOW)
    verdict = decode.check(state, GateContext(1))
    assert find_gateway_reason(body) == (verdict.reason if isinstance(verdict, DeadLetterVerdict) else "")


def find_gateway_reason(body: bytes) -> str:
    try:
        field_error = find_field_error(decode_submission(body), body, None, NOW)
    except ProblemError as error:
        return error.problem.errors[0].reason
    return field_error.reason if field_error else ""
