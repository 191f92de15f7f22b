import msgspec
import pytest

from app.api.problems import Flaw, ProblemFound
from app.api.rulebook import Rulebook
from app.api.submission import decode_many, decode_one, flaw_in, invalid, lane_for
from schemas.notification import Submission
from tests.unit.app.api.world import NOW, POLICY, an_id

BOOK = Rulebook(POLICY)
DAY = 86_400


def submission(**fields: object) -> Submission:
    return msgspec.convert({"user_id": "u", "type": "order.shipped", **fields}, Submission)


def flaw_of(submitted: Submission, book: Rulebook | None) -> Flaw | None:
    return flaw_in(submitted, msgspec.json.encode(submitted), book, NOW)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        ({"id": "ntf_1"}, "$.id", "invalid"),
        ({"id": an_id().replace("ntf_", "dlv_")}, "$.id", "invalid"),
        ({"id": an_id(at=NOW - DAY - 1)}, "$.id", "foreign_time"),
        ({"id": an_id(at=NOW + DAY + 1)}, "$.id", "foreign_time"),
        ({"send_at": NOW + 1}, "$.send_at", "unsupported"),
        ({"digest": "daily"}, "$.digest", "unsupported"),
        ({"user_id": "a\0b"}, "$.user_id", "invalid"),
        ({"type": "nobody.knows"}, "$.type", "unknown_type"),
        ({"template": "nobody-knows"}, "$.template", "unknown_template"),
    ],
)
def test_what_the_router_would_not_take(fields: dict[str, object], path: str, reason: str) -> None:
    flaw = flaw_of(submission(**fields), BOOK)
    assert flaw is not None
    assert (flaw.path, flaw.reason) == (path, reason)


@pytest.mark.parametrize(
    "fields", [{}, {"id": an_id(at=NOW - DAY + 1)}, {"send_at": NOW}, {"template": "order-shipped"}, {"expires_at": NOW - 1}]
)
def test_what_the_router_takes(fields: dict[str, object]) -> None:
    assert flaw_of(submission(**fields), BOOK) is None


def test_without_rules_types_and_templates_are_for_the_router() -> None:
    assert flaw_of(submission(type="nobody.knows", template="nobody-knows"), None) is None


def test_lane_is_the_priority_or_the_rules_or_medium() -> None:
    assert lane_for(submission(priority="high"), BOOK) == "high"
    assert lane_for(submission(), BOOK) == "low"
    assert lane_for(submission(type="nobody.knows"), BOOK) == "medium"
    assert lane_for(submission(), None) == "medium"


def test_decode_one_tells_the_place() -> None:
    with pytest.raises(ProblemFound) as caught:
        decode_one(b'{"user_id": "u"}')
    assert [flaw.path for flaw in caught.value.problem.errors] == ["$.type"]


@pytest.mark.parametrize(
    ("name", "told"),
    [("idempotencyKey", "Object contains unknown field `idempotencyKey`"), ("lane", "the lane of a submission is its `priority`")],
)
def test_a_misspelt_field_is_told_and_where_it_is(name: str, told: str) -> None:
    with pytest.raises(ProblemFound) as caught:
        decode_one(b'{"user_id": "u", "type": "x", "%b": "high"}' % name.encode())
    (flaw,) = caught.value.problem.errors
    assert (flaw.path, flaw.pointer) == (f"$.{name}", f"#/{name}")
    assert told in flaw.detail


@pytest.mark.parametrize(("start", "end", "root"), [(b"[", b"]", "$"), (b' {"notifications": [', b"]}", "$.notifications")])
def test_decode_many_reads_good_ones_beside_bad_ones(start: bytes, end: bytes, root: str) -> None:
    found, items = decode_many(start + b'{"user_id": "u", "type": "x"}, {"user_id": 1}, 7' + end)
    assert found == root
    assert [type(item) for item in items] == [Submission, Flaw, Flaw]


def test_decode_many_reads_good_ones_at_once() -> None:
    assert decode_many(b'[{"user_id": "u", "type": "x"}]') == ("$", [Submission("u", "x")])


@pytest.mark.parametrize("body", [b"", b"[", b"7", b"[]", b"{}", b'{"notifications": 7}', b"[" + b"{}," * 1000 + b"{}]"])
def test_decode_many_refuses_what_is_no_bulk_request(body: bytes) -> None:
    with pytest.raises(ProblemFound) as caught:
        decode_many(body)
    assert caught.value.problem.status == 422


def test_invalid_tells_the_first_flaws_and_counts_the_others() -> None:
    flaws = [Flaw(f"$[{n}]", "", "no") for n in range(5)]
    assert invalid(flaws).detail == "$[0]: no; $[1]: no; $[2]: no; and 2 more"
    assert len(invalid(flaws).errors) == 5
