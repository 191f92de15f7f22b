"""The live state of a user, decoded from the rows of the workers' tables."""

from msgspec.structs import replace

from app.api.user_state import build_user_state
from app.api.user_state_responses import (
    IdempotencyKeyResponse,
    OpenDigestResponse,
    RateWindowResponse,
    ScheduledEntryResponse,
    UserStateResponse,
)
from schemas.lifetimes import IDEMPOTENCY_HORIZON
from schemas.policy import Policy, RateLimit
from schemas.user_rows import MAX_ROWS, UserRow, UserRows
from tables import digests, due, idempotency, rate_windows
from tests.unit.app.api.harness import NOW, make_notification_id

SHORT, LONG, LARGE = RateLimit("sms", 2, 60), RateLimit("sms", 3, 3600), RateLimit("email", 1000, 3600)
POLICY = Policy({}, (), (SHORT, LONG, LARGE))


def build_state(**tables: list[UserRow]) -> UserStateResponse:
    return build_user_state("u", [UserRows("router", 1, "http://router", tables)], POLICY, {}, "", NOW)


def build_window_row(channel: str, *times: float) -> UserRow:
    windows, row = rate_windows.build_windows(limit for limit in POLICY.rate_limits if limit.channel == channel), None
    for number, at in enumerate(times):
        row = rate_windows.add_entry(row, windows, at, b"%04d" % number)
    return UserRow(channel.encode(), row or b"")


def build_key_row(suffix: str, number: int, at: float) -> UserRow:
    row = idempotency.IdempotencyRow(make_notification_id(number), at, "low", 1, 2)
    return UserRow(suffix.encode(), idempotency.encode_row(row))


def test_each_limit_shows_what_is_used_and_when_it_has_room_again() -> None:
    rows = [build_window_row("sms", NOW - 3000, NOW - 50, NOW - 10), build_window_row("email", NOW - 5, NOW - 4)]
    assert build_state(rate_windows=rows).rate_windows == [
        RateWindowResponse("sms", 2, 60, 2, False, NOW + 10),
        RateWindowResponse("sms", 3, 3600, 3, False, NOW + 600),
        RateWindowResponse("email", 1000, 3600, 2, True, 0.0),
    ]


def test_a_limit_is_shown_although_nothing_was_sent() -> None:
    assert {(window.used_count, window.has_room) for window in build_state(rate_windows=[]).rate_windows} == {(0, True)}


def test_the_limits_of_a_project_are_for_its_users() -> None:
    policy = Policy({}, (), (SHORT, replace(LONG, project="acme")), projects=frozenset({"acme"}))
    for user_id, expected in (("u", 60), ("@acme/u", 3600), ("@nobody/u", 60)):
        (window,) = build_user_state(user_id, [UserRows("router", 1, "", {"rate_windows": []})], policy, {}, "", NOW).rate_windows
        assert window.window_seconds == expected


def test_keys_in_force_are_shown_newest_first_without_their_claims() -> None:
    rows = [
        build_key_row("a", 1, NOW - 100),
        build_key_row("a\0claim", 1, NOW - 100),
        build_key_row("b\0claim", 2, NOW - 10),
        build_key_row("old", 3, NOW - IDEMPOTENCY_HORIZON - 1),
        UserRow(b"of a later release", b"?"),
    ]
    assert build_state(idempotency=rows).idempotency_keys == [
        IdempotencyKeyResponse("b", make_notification_id(2), NOW - 10, NOW - 10 + IDEMPOTENCY_HORIZON),
        IdempotencyKeyResponse("a", make_notification_id(1), NOW - 100, NOW - 100 + IDEMPOTENCY_HORIZON),
    ]


def test_open_digests_are_shown_and_what_says_that_one_is_decided_is_no_key() -> None:
    row = digests.DigestRow("alert", "team", "", NOW - 60, NOW + 60, "low", 3, 100)
    other, closed = replace(row, ends_at=NOW, cause="count"), replace(row, is_closed=True)
    ids = [make_notification_id(number) for number in range(3)]
    rows = [UserRow(bytes.fromhex(one[4:]), digests.encode_digest_row(each)) for one, each in zip(ids, (row, other, closed), strict=True)]
    state = build_state(digests=rows, idempotency=[build_key_row(f"{ids[0]}\0digest", 0, NOW)])
    assert state.digests == [
        OpenDigestResponse(ids[1], "alert", "team", 3, NOW - 60, NOW, "low", "count"),
        OpenDigestResponse(ids[0], "alert", "team", 3, NOW - 60, NOW + 60, "low", "window"),
    ]
    assert state.idempotency_keys == []


def test_a_table_that_is_cut_is_named() -> None:
    rows = [build_key_row(str(number), number, NOW) for number in range(MAX_ROWS)]
    assert build_state(idempotency=rows).truncated == ["idempotency"]
    assert build_state(idempotency=rows[1:]).truncated == []


def test_what_the_scheduler_holds_is_shown_in_the_order_of_its_times() -> None:
    rows = [
        UserRow(key, due.encode_index_row(due.IndexRow("low", int(at * 1000), count)))
        for key, at, count in ((b"ntf_1", NOW + 60, 1), (b"ntf_2", NOW + 5, 2))
    ]
    assert build_state(due=rows).scheduled == [
        ScheduledEntryResponse("ntf_2", NOW + 5, "low", 2),
        ScheduledEntryResponse("ntf_1", NOW + 60, "low", 1),
    ]
