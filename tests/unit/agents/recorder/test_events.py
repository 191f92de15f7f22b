"""Records to the rows of one commit."""

from itertools import permutations

import msgspec
import pytest

from agents.recorder.events import build_history_batch, decode_events, split_in_half
from schemas.enums import State, Status
from schemas.events import DecidedEvent, StatusEvent
from schemas.history import STATE_RANK, DecidedRow
from tests.event_builders import FakeRecord, build_batch, build_decided_event, build_decided_row, build_status_event, make_notification_id

FAILED, DELIVERED = Status.FAILED, Status.DELIVERED


def test_the_row_reads_every_field_of_the_event() -> None:
    assert DecidedRow.__struct_fields__ == DecidedEvent.__struct_fields__
    assert msgspec.json.decode(
        msgspec.json.encode(build_decided_row(build_decided_event(1, "email"))), type=DecidedEvent
    ) == build_decided_event(1, "email")


def test_events_become_a_notification_its_delivery_and_an_attempt() -> None:
    written = build_history_batch(decode_events(build_batch(build_decided_event(1, "email"), build_status_event(1))))
    assert [each.id for each in written.notifications] == [make_notification_id(1)]
    assert bytes(written.notifications[0].deliveries) == msgspec.json.encode(build_decided_event(1, "email").deliveries)
    assert written.deliveries == [build_status_event(1)]
    assert [attempt.event for attempt in written.attempts] == [build_status_event(1)]
    assert not written.dead_letters


def test_every_attempt_is_logged_and_the_greatest_event_stands_in_any_order() -> None:
    told = [
        build_status_event(attempt=0),
        build_status_event(attempt=1, status=FAILED),
        build_status_event(attempt=0, status=DELIVERED),
        build_status_event(attempt=2),
    ]
    for order in permutations(told):
        written = build_history_batch(decode_events(build_batch(*order)))
        assert written.deliveries == [told[2]], "a receipt of an earlier attempt is believed against a later failure"
        assert len({attempt.id for attempt in written.attempts}) == 4


def test_the_same_record_read_twice_is_the_same_attempt() -> None:
    once, again = decode_events(build_batch(build_status_event(), start=7)), decode_events(build_batch(build_status_event(), start=7))
    assert build_history_batch(once).attempts == build_history_batch(again).attempts


def test_two_attempts_that_differ_only_in_time_are_two() -> None:
    first, second = (
        build_status_event(possible_duplicate=False),
        build_status_event(possible_duplicate=True, occurred_at=build_status_event().occurred_at + 1),
    )
    ids = {attempt.id for attempt in build_history_batch(decode_events(build_batch(first, second))).attempts}
    assert len(ids) == 2
    assert all(an_id.startswith(first.delivery_id[4:28]) for an_id in ids)


@pytest.mark.parametrize(
    ("first", "then", "stands"),
    [
        (State.REJECTED, State.ROUTED, State.ROUTED),
        (State.ROUTED, State.REJECTED, State.ROUTED),
        (State.DEAD, State.REJECTED, State.DEAD),
        (State.HELD, State.REJECTED, State.REJECTED),
        (State.ROUTED, State.HELD, State.ROUTED),
    ],
)
def test_routed_beats_refused_and_anything_beats_held(first: State, then: State, stands: State) -> None:
    written = build_history_batch(decode_events(build_batch(build_decided_event(1, state=first), build_decided_event(1, state=then))))
    assert [each.state for each in written.notifications] == [stands]


def test_of_two_routed_events_the_first_stands() -> None:
    written = build_history_batch(decode_events(build_batch(build_decided_event(1, "email"), build_decided_event(1, "sms"))))
    assert b"email" in bytes(written.notifications[0].deliveries)


def test_every_state_has_a_rank() -> None:
    assert set(STATE_RANK) == set(State)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no value"),
        (b"\xff", "malformed"),
        (b'{"kind":"other"}', "Invalid value 'other'"),
        (msgspec.json.encode(build_status_event()).replace(b'"SENT"', b'"LOST"'), "$.status"),
        (b'{"kind":"status"}', "delivery_id"),
        (b'{"kind":"status","delivery_id":"\xff"}', "utf-8"),
        (b'{"kind":"status","later":' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_cannot_be_read_becomes_a_letter_with_its_place_and_bytes(value: bytes | None, why: str) -> None:
    written = build_history_batch(decode_events(build_batch(build_status_event(1), value, build_status_event(2), start=40, partition=3)))
    assert len(written.deliveries) == 2
    (filed,) = written.dead_letters
    assert (filed.topic, filed.partition, filed.offset, filed.created_at) == (
        "notifications.status",
        3,
        41,
        FakeRecord(0, b"").timestamp / 1000,
    )
    reason = "null_value" if value is None else "undecodable"
    assert (filed.dead_letter.stage, filed.dead_letter.reason, filed.dead_letter.value) == ("recorder", reason, value)
    assert why in filed.dead_letter.error


def test_nul_in_text_is_replaced_and_stays_escaped_in_json() -> None:
    event = msgspec.structs.replace(build_decided_event(1, "email"), user_id="a\0b", decision_log=[])
    (each,) = build_history_batch(decode_events(build_batch(event, build_status_event(2, user_id="\0")))).notifications
    assert each.user_id == "a\ufffdb"
    traced = msgspec.structs.replace(build_decided_event(1), reason="nul \0 here", decision_log=build_decided_event(1).decision_log[:1])
    assert build_history_batch(decode_events(build_batch(traced))).notifications[0].reason == "nul \ufffd here"


def test_halves_lose_nothing() -> None:
    said = decode_events(build_batch(*(build_status_event(n) for n in range(5))))
    assert [*split_in_half(said)[0], *split_in_half(said)[1]] == said
    assert [len(half) for half in split_in_half(said)] == [2, 3]


def test_an_unknown_field_is_ignored() -> None:
    value = msgspec.json.encode(build_status_event()).replace(b'{"kind"', b'{"later":1,"kind"')
    assert isinstance(decode_events(build_batch(value))[0].event, StatusEvent)
