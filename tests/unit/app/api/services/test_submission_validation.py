import msgspec
import pytest

from app.api.problems import FieldError, ProblemError
from app.api.services.policy_validation import PolicyValidator
from app.api.services.submission_validation import (
    build_validation_problem,
    decode_bulk,
    decode_submission,
    find_field_error,
    resolve_priority,
)
from schemas.notification import Submission
from tests.unit.app.api.harness import NOW, POLICY, make_notification_id

VALIDATOR = PolicyValidator(POLICY)
DAY = 86_400


def build_submission(**fields: object) -> Submission:
    return msgspec.convert({"user_id": "u", "type": "order.shipped", **fields}, Submission)


def find_error(submitted: Submission, book: PolicyValidator | None) -> FieldError | None:
    return find_field_error(submitted, msgspec.json.encode(submitted), book, NOW)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"id": "ntf_1"}, "$.id", "invalid"),
        ({"id": make_notification_id().replace("ntf_", "dlv_")}, "$.id", "invalid"),
        ({"id": make_notification_id(at=NOW - DAY - 1)}, "$.id", "id_time_mismatch"),
        ({"id": make_notification_id(at=NOW + DAY + 1)}, "$.id", "id_time_mismatch"),
        ({"send_at": NOW + 1}, "$.send_at", "unsupported"),
        ({"digest": "daily"}, "$.digest", "unsupported"),
        ({"user_id": "a\0b"}, "$.user_id", "invalid"),
        ({"type": "nobody.knows"}, "$.type", "unknown_type"),
        ({"template": "nobody-knows"}, "$.template", "unknown_template"),
    ],
)
def test_what_the_router_would_not_take(fields: dict[str, object], path: str, reason: str) -> None:
    flaw = find_error(build_submission(**fields), VALIDATOR)
    assert flaw is not None
    assert (flaw.path, flaw.reason) == (path, reason)


@pytest.mark.parametrize(
    "fields", [{}, {"id": make_notification_id(at=NOW - DAY + 1)}, {"send_at": NOW}, {"template": "order-shipped"}, {"expires_at": NOW - 1}]
)
def test_what_the_router_takes(fields: dict[str, object]) -> None:
    assert find_error(build_submission(**fields), VALIDATOR) is None


def test_without_rules_types_and_templates_are_for_the_router() -> None:
    assert find_error(build_submission(type="nobody.knows", template="nobody-knows"), None) is None


def test_priority_is_the_submissions_or_the_rules_or_medium() -> None:
    assert resolve_priority(build_submission(priority="high"), VALIDATOR) == "high"
    assert resolve_priority(build_submission(), VALIDATOR) == "low"
    assert resolve_priority(build_submission(type="nobody.knows"), VALIDATOR) == "medium"
    assert resolve_priority(build_submission(), None) == "medium"


def test_decode_submission_gives_the_path() -> None:
    with pytest.raises(ProblemError) as caught:
        decode_submission(b'{"user_id": "u"}')
    assert [flaw.path for flaw in caught.value.problem.errors] == ["$.type"]


@pytest.mark.parametrize(("name", "told"), [("idempotencyKey", "Object contains unknown field `idempotencyKey`")])
def test_a_misspelt_field_is_told_and_where_it_is(name: str, told: str) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_submission(b'{"user_id": "u", "type": "x", "%b": "high"}' % name.encode())
    (flaw,) = caught.value.problem.errors
    assert (flaw.path, flaw.pointer) == (f"$.{name}", f"#/{name}")
    assert told in flaw.detail


@pytest.mark.parametrize(("start", "end", "root"), [(b"[", b"]", "$"), (b' {"notifications": [', b"]}", "$.notifications")])
def test_decode_bulk_reads_valid_items_beside_invalid_ones(start: bytes, end: bytes, root: str) -> None:
    found, items = decode_bulk(start + b'{"user_id": "u", "type": "x"}, {"user_id": 1}, 7' + end)
    assert found == root
    assert [type(item) for item in items] == [Submission, FieldError, FieldError]


def test_decode_bulk_reads_valid_items_at_once() -> None:
    assert decode_bulk(b'[{"user_id": "u", "type": "x"}]') == ("$", [Submission("u", "x")])


@pytest.mark.parametrize("body", [b"", b"[", b"7", b"[]", b"{}", b'{"notifications": 7}', b"[" + b"{}," * 1000 + b"{}]"])
def test_decode_bulk_rejects_other_bodies(body: bytes) -> None:
    with pytest.raises(ProblemError) as caught:
        decode_bulk(body)
    assert caught.value.problem.status == 422


def test_validation_problem_lists_the_first_errors() -> None:
    flaws = [FieldError(f"$[{n}]", "", "no") for n in range(5)]
    assert build_validation_problem(flaws).detail == "$[0]: no; $[1]: no; $[2]: no; and 2 more"
    assert len(build_validation_problem(flaws).errors) == 5
