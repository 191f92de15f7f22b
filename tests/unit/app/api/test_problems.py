import msgspec
import pytest

from app.api.problems import (
    PROBLEM_KINDS,
    FieldError,
    build_field_error,
    build_problem,
    build_validation_problem,
    get_problem_kind,
    prefix_path,
    to_field_error,
    to_json_pointer,
)
from schemas.notification import Submission

decode_submission = msgspec.json.Decoder(Submission).decode


@pytest.mark.parametrize(
    ("body", "path", "pointer", "reason"),
    [
        (b"{}", "$.user_id", "#/user_id", "invalid"),
        (b'{"user_id": 1, "type": "x"}', "$.user_id", "#/user_id", "invalid"),
        (b'{"user_id": "u", "type": "x", "channels": ["email", "fax"]}', "$.channels[1]", "#/channels/1", "invalid"),
        (b'{"user_id": "u", "type": "x", "to": {"email": ["a", ""]}}', "$.to[...][1]", "#/to", "invalid"),
        (b'{"user_id": "u", "type": "x", "to": {"fax": "1"}}', "$.to", "#/to", "invalid"),
        (b"[]", "$", "#", "invalid"),
        (b"", "$", "#", "undecodable"),
        (b'{"user_id": "\xff"}', "$", "#", "undecodable"),
        (b'{"user_id": "u", "type": "x", "data": {"a": ' + b"[" * 100_000, "$", "#", "undecodable"),
    ],
)
def test_to_field_error_gives_the_path(body: bytes, path: str, pointer: str, reason: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)) as caught:
        decode_submission(body)
    error = to_field_error(caught.value, body)
    assert (error.path, error.pointer, error.reason) == (path, pointer, reason)
    assert error.detail
    assert "at `" not in error.detail


def test_a_json_pointer_ends_before_an_unknown_name() -> None:
    assert to_json_pointer("$[3].to[...][1]") == "#/3/to"
    assert to_json_pointer("$") == "#"


def test_prefix_path_keeps_detail_and_reason() -> None:
    error = build_field_error("$.user_id", "no", "unknown")
    assert prefix_path(error, "$.notifications[7]") == FieldError(
        "$.notifications[7].user_id", "#/notifications/7/user_id", "no", "unknown"
    )


def test_a_problem_has_the_members_of_rfc_9457() -> None:
    document = msgspec.to_builtins(build_problem("unavailable", "later", retry_after=2))
    assert document == {
        "type": "/docs#unavailable",
        "title": "Herold cannot process the request at the moment",
        "status": 503,
        "detail": "later",
        "retry_after": 2,
        "code": "unavailable",
    }


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 415, 418, 422, 500, 501])
def test_every_status_of_the_framework_has_a_problem_kind(status: int) -> None:
    kind = get_problem_kind(status)
    assert kind in PROBLEM_KINDS
    assert PROBLEM_KINDS[kind][0] == status or kind in ("bad-request", "internal")


def test_a_validation_problem_quotes_the_first_errors_and_lists_all() -> None:
    problem = build_validation_problem([FieldError(f"$[{n}]", "", "no") for n in range(5)])
    assert problem.detail == "$[0]: no; $[1]: no; $[2]: no; and 2 more"
    assert len(problem.errors) == 5
