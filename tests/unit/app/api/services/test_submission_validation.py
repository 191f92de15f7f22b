import msgspec
import pytest

from app.api.problems import FieldError, ProblemError
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import (
    decode_bulk,
    decode_submission,
    find_field_error,
    resolve_priority,
)
from schemas.notification import Submission
from tests.delivery_builders import NO_EMAIL_ADDRESSES
from tests.unit.app.api.harness import NOW, POLICY, make_notification_id

VALIDATOR = PolicyValidator(POLICY)
DAY = 86_400


def build_submission(**fields: object) -> Submission:
    return msgspec.convert({"user_id": "u", "type": "order.shipped", **fields}, Submission)


def find_error(submission: Submission, policy_validator: PolicyValidator | None) -> FieldError | None:
    return find_field_error(submission, msgspec.json.encode(submission), policy_validator, NOW)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"id": "ntf_1"}, "$.id", "invalid"),
        ({"id": make_notification_id().replace("ntf_", "dlv_")}, "$.id", "invalid"),
        ({"id": make_notification_id(at=NOW - DAY - 1)}, "$.id", "id_time_mismatch"),
        ({"id": make_notification_id(at=NOW + DAY + 1)}, "$.id", "id_time_mismatch"),
        ({"send_at": NOW + 31 * 86_400}, "$.send_at", "invalid"),
        ({"send_at": NOW + 60, "expires_at": NOW + 60}, "$.expires_at", "expires_before_send_at"),
        ({"created_at": NOW * 1e3}, "$.created_at", "invalid"),
        ({"send_at": NOW * 1e6}, "$.send_at", "invalid"),
        ({"expires_at": NOW * 1e9}, "$.expires_at", "invalid"),
        ({"expires_at": -1}, "$.expires_at", "invalid"),
        ({"expires_at": "0001-01-01T00:00:00Z"}, "$.expires_at", "invalid"),
        ({"expires_at": NOW}, "$.expires_at", "expired"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "$.expires_at", "expired"),
        ({"user_id": "a\0b"}, "$.user_id", "invalid"),
        ({"type": "unknown.type"}, "$.type", "unknown_type"),
        ({"template": "unknown-template"}, "$.template", "unknown_template"),
        ({"to": {"email": "ada@example.org", "sms": "0170 1234567"}}, "$.to.sms", "invalid_address"),
        ({"to": {"email": ["ada@example.org", "añe@example.org"]}}, "$.to.email[1]", "invalid_address"),
        ({"to": {"webhook": "https://ada:secret@example.org/"}}, "$.to.webhook", "invalid_address"),
        ({"user_id": "topic:a/b"}, "$.user_id", "invalid_address"),
        *(({"to": {"email": address}}, "$.to.email", "invalid_address") for address in NO_EMAIL_ADDRESSES),
        ({"attachments": [{"filename": "a", "type": "a/b", "content": "!!!!"}]}, "$.attachments[0].content", "invalid"),
    ],
)
def test_a_submission_that_the_router_would_reject_is_a_field_error(fields: dict[str, object], path: str, reason: str) -> None:
    error = find_error(build_submission(**fields), VALIDATOR)
    assert error is not None
    assert (error.path, error.reason) == (path, reason)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": make_notification_id(at=NOW - DAY + 1)},
        {"send_at": NOW},
        {"send_at": NOW + 30 * DAY, "expires_at": NOW + 31 * DAY},
        {"template": "order-shipped"},
        {"expires_at": NOW + 1},
        {"to": {"email": "Ada@BÜCHER.example", "sms": "\u202a+1 (500) 555-0006\u202c"}},
        {"user_id": "topic:a/b", "to": {"push": "topic:a"}},
    ],
)
def test_a_submission_that_the_router_would_pass_is_valid(fields: dict[str, object]) -> None:
    assert find_error(build_submission(**fields), VALIDATOR) is None


def test_types_and_templates_are_not_validated_without_a_policy() -> None:
    assert find_error(build_submission(type="unknown.type", template="unknown-template"), None) is None


def test_priority_is_that_of_the_submission_or_the_rule_or_medium() -> None:
    assert resolve_priority(build_submission(priority="high"), VALIDATOR) == "high"
    assert resolve_priority(build_submission(), VALIDATOR) == "low"
    assert resolve_priority(build_submission(type="unknown.type"), VALIDATOR) == "medium"
    assert resolve_priority(build_submission(), None) == "medium"


def test_decode_submission_reports_the_path() -> None:
    with pytest.raises(ProblemError) as caught:
        decode_submission(b'{"user_id": "u"}')
    assert [error.path for error in caught.value.problem.errors] == ["$.type"]


def test_an_unknown_field_is_reported_with_its_path() -> None:
    with pytest.raises(ProblemError) as caught:
        decode_submission(b'{"user_id": "u", "type": "x", "idempotencyKey": "high"}')
    (error,) = caught.value.problem.errors
    assert (error.path, error.pointer) == ("$.idempotencyKey", "#/idempotencyKey")
    assert error.detail == "is not a known field"


@pytest.mark.parametrize(("start", "end", "root"), [(b"[", b"]", "$"), (b' {"notifications": [', b"]}", "$.notifications")])
def test_decode_bulk_decodes_valid_items_beside_invalid_ones(start: bytes, end: bytes, root: str) -> None:
    actual_root, items = decode_bulk(start + b'{"user_id": "u", "type": "x"}, {"user_id": 1}, 7' + end)
    assert actual_root == root
    assert [type(item) for item in items] == [Submission, FieldError, FieldError]


@pytest.mark.parametrize(("start", "end", "root"), [(b"[", b"]", "$"), (b' {"notifications": [', b"]}", "$.notifications")])
def test_half_a_surrogate_pair_is_the_error_of_its_item(start: bytes, end: bytes, root: str) -> None:
    half = b'{"user_id": "u", "type": "x", "data": {"names": ["a", "\\ud83d"]}}'
    actual_root, items = decode_bulk(start + b'{"user_id": "u", "type": "x"},' + half + end)
    assert (actual_root, items[0]) == (root, Submission("u", "x"))
    assert isinstance(items[1], FieldError)
    assert (items[1].path, items[1].reason) == ("$.data.names[1]", "undecodable")
    assert "half a surrogate pair" in items[1].detail


def test_a_bulk_that_is_not_json_besides_a_half_pair_is_rejected_as_a_whole() -> None:
    for rest in (b"{NaN}", b'{"user_id": NaN}', b'{"user_id": "\xff"}'):
        with pytest.raises(ProblemError):
            decode_bulk(b'[{"user_id": "\\ud83d"}, ' + rest + b"]")


def test_decode_bulk_decodes_an_array() -> None:
    assert decode_bulk(b'[{"user_id": "u", "type": "x"}]') == ("$", [Submission("u", "x")])


@pytest.mark.parametrize("body", [b"", b"[", b"7", b"[]", b"{}", b'{"notifications": 7}', b"[" + b"{}," * 1000 + b"{}]"])
def test_decode_bulk_rejects_other_bodies(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_bulk(body)
    assert caught.value.problem.status == 422
