import msgspec
import pytest

from app.api.problems import KINDS, Flaw, flaw_at, flaw_of, kind_of, moved, pointer_of, problem
from schemas.notification import Submission

DECODE = msgspec.json.Decoder(Submission).decode


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
def test_flaw_of_names_the_place(body: bytes, path: str, pointer: str, reason: str) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError, RecursionError)) as caught:
        DECODE(body)
    flaw = flaw_of(caught.value)
    assert (flaw.path, flaw.pointer, flaw.reason) == (path, pointer, reason)
    assert flaw.detail
    assert "at `" not in flaw.detail


def test_pointer_ends_where_the_name_is_not_known() -> None:
    assert pointer_of("$[3].to[...][1]") == "#/3/to"
    assert pointer_of("$") == "#"


def test_moved_keeps_what_is_wrong() -> None:
    flaw = flaw_at("$.user_id", "no", "unknown")
    assert moved(flaw, "$.notifications[7]") == Flaw("$.notifications[7].user_id", "#/notifications/7/user_id", "no", "unknown")


def test_problem_has_the_members_of_rfc_9457() -> None:
    found = msgspec.to_builtins(problem("unavailable", "later", retry_after=2))
    assert found == {
        "type": "/docs#unavailable",
        "title": "Herold cannot do this at the moment",
        "status": 503,
        "detail": "later",
        "retry_after": 2,
    }


@pytest.mark.parametrize("status", [400, 401, 404, 405, 413, 418, 422, 500, 501])
def test_every_status_of_the_framework_has_a_kind(status: int) -> None:
    kind = kind_of(status)
    assert kind in KINDS
    assert KINDS[kind][0] == status or kind in ("bad-request", "internal")
