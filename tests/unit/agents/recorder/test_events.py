"""Tests of decoding events and of building the rows of a commit."""

from itertools import permutations

import msgspec
import pytest

from agents.recorder.events import build_history_batch, decode_events, split_in_half
from schemas.enums import State, Status
from schemas.events import DecidedEvent, EngagementEvent, InboundEvent, StatusEvent
from schemas.history import STATE_RANK, DecidedRow
from tests.event_builders import (
    NOW,
    build_batch,
    build_decided_event,
    build_decided_row,
    build_receipt,
    build_report,
    build_status_event,
    make_notification_id,
)
from tests.fakes import RECORD_TIMESTAMP

FAILED, DELIVERED = Status.FAILED, Status.DELIVERED


def test_the_row_has_every_field_of_the_event() -> None:
    assert DecidedRow.__struct_fields__ == DecidedEvent.__struct_fields__
    assert msgspec.json.decode(
        msgspec.json.encode(build_decided_row(build_decided_event(1, "email"))), type=DecidedEvent
    ) == build_decided_event(1, "email")


def test_a_decided_and_a_status_event_become_a_notification_a_delivery_and_an_attempt() -> None:
    batch = build_history_batch(decode_events(build_batch(build_decided_event(1, "email"), build_status_event(1))))
    assert [row.id for row in batch.notifications] == [make_notification_id(1)]
    assert bytes(batch.notifications[0].deliveries) == msgspec.json.encode(build_decided_event(1, "email").deliveries)
    assert batch.deliveries == [build_status_event(1)]
    assert [attempt.event for attempt in batch.attempts] == [build_status_event(1)]
    assert not batch.dead_letters


def test_every_attempt_is_logged_and_the_winning_event_is_the_same_in_any_order() -> None:
    events = [
        build_status_event(attempt=0),
        build_status_event(attempt=1, status=FAILED),
        build_status_event(attempt=0, status=DELIVERED),
        build_status_event(attempt=2),
    ]
    for order in permutations(events):
        batch = build_history_batch(decode_events(build_batch(*order)))
        assert batch.deliveries == [events[2]], "the receipt of an earlier attempt wins against a later failure"
        assert len({attempt.id for attempt in batch.attempts}) == 4


def test_the_same_record_read_twice_has_the_same_log_id() -> None:
    first, second = decode_events(build_batch(build_status_event(), start=7)), decode_events(build_batch(build_status_event(), start=7))
    assert build_history_batch(first).attempts == build_history_batch(second).attempts


def test_two_attempts_that_differ_only_in_time_have_different_log_ids() -> None:
    first, second = (
        build_status_event(possible_duplicate=False),
        build_status_event(possible_duplicate=True, occurred_at=build_status_event().occurred_at + 1),
    )
    ids = {attempt.id for attempt in build_history_batch(decode_events(build_batch(first, second))).attempts}
    assert len(ids) == 2
    assert all(an_id.startswith(first.delivery_id[4:28]) for an_id in ids)


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (State.REJECTED, State.ROUTED, State.ROUTED),
        (State.ROUTED, State.REJECTED, State.ROUTED),
        (State.DEAD, State.REJECTED, State.DEAD),
        (State.HELD, State.REJECTED, State.REJECTED),
        (State.ROUTED, State.HELD, State.ROUTED),
    ],
)
def test_routed_wins_against_rejected_and_any_state_against_held(first: State, second: State, winner: State) -> None:
    batch = build_history_batch(decode_events(build_batch(build_decided_event(1, state=first), build_decided_event(1, state=second))))
    assert [row.state for row in batch.notifications] == [winner]


def test_each_decision_of_a_notification_that_was_held_is_a_row() -> None:
    events = [build_decided_event(1, state=State.HELD), build_decided_event(1, resume_count=1), build_decided_event(1, resume_count=1)]
    batch = build_history_batch(decode_events(build_batch(*events)))
    assert [(row.state, row.resume_count) for row in batch.notifications] == [(State.HELD, 0), (State.ROUTED, 1)]


def test_of_two_routed_events_the_first_wins() -> None:
    batch = build_history_batch(decode_events(build_batch(build_decided_event(1, "email"), build_decided_event(1, "sms"))))
    assert b"email" in bytes(batch.notifications[0].deliveries)


def test_every_state_has_a_rank() -> None:
    assert set(STATE_RANK) == set(State)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, "no value"),
        (b"\xff", "is not JSON"),
        (b'{"kind":"other"}', "Invalid value 'other'"),
        (msgspec.json.encode(build_status_event()).replace(b'"SENT"', b'"LOST"'), "$.status"),
        (b'{"kind":"status"}', "delivery_id"),
        (b'{"kind":"status","delivery_id":"\xff"}', "UTF-8"),
        (b'{"kind":"status","later":' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_an_undecodable_record_becomes_a_dead_letter_with_its_offset_and_value(value: bytes | None, error: str) -> None:
    batch = build_history_batch(decode_events(build_batch(build_status_event(1), value, build_status_event(2), start=40, partition=3)))
    assert len(batch.deliveries) == 2
    (recorded,) = batch.dead_letters
    assert (recorded.topic, recorded.partition, recorded.offset, recorded.created_at) == ("notifications.status", 3, 41, NOW)
    reason = "null_value" if value is None else "undecodable"
    assert (recorded.dead_letter.stage, recorded.dead_letter.reason, recorded.dead_letter.value) == ("recorder", reason, value)
    assert error in recorded.dead_letter.error


def test_nul_is_replaced_in_text_and_stays_escaped_in_json() -> None:
    event = msgspec.structs.replace(build_decided_event(1, "email"), user_id="a\0b", decision_log=[])
    (row,) = build_history_batch(decode_events(build_batch(event, build_status_event(2, user_id="\0")))).notifications
    assert row.user_id == "a\ufffdb"
    event_with_log = msgspec.structs.replace(
        build_decided_event(1), reason="nul \0 here", decision_log=build_decided_event(1).decision_log[:1]
    )
    assert build_history_batch(decode_events(build_batch(event_with_log))).notifications[0].reason == "nul \ufffd here"


def test_both_halves_contain_all_records() -> None:
    records = decode_events(build_batch(*(build_status_event(n) for n in range(5))))
    assert [*split_in_half(records)[0], *split_in_half(records)[1]] == records
    assert [len(half) for half in split_in_half(records)] == [2, 3]


def test_an_unknown_field_is_ignored() -> None:
    value = msgspec.json.encode(build_status_event()).replace(b'{"kind"', b'{"later":1,"kind"')
    assert isinstance(decode_events(build_batch(value))[0].event, StatusEvent)


def test_notifications_of_two_users_with_the_same_id_are_two_rows() -> None:
    batch = build_history_batch(decode_events(build_batch(build_decided_event(1), build_decided_event(1, user_id="u-2"))))
    assert [(row.id, row.user_id) for row in batch.notifications] == [(make_notification_id(1), user) for user in ("u-1", "u-2")]


def test_each_report_is_there_once_with_the_place_of_its_first_record() -> None:
    receipt = build_receipt(1)
    opened = EngagementEvent(receipt.delivery_id, "email", "sendgrid", "open-1", "open", NOW)
    other = build_receipt(2)
    batch = build_history_batch(decode_events(build_batch(receipt, opened, receipt, other, opened, start=7)))
    at = RECORD_TIMESTAMP / 1000
    assert batch.reports == [build_report(receipt, 7, at), build_report(opened, 8, at), build_report(other, 10, at)]
    assert [*batch.deliveries, *batch.attempts, *batch.dead_letters, *batch.inbound] == []


def test_inbound_messages_keep_their_order_and_are_there_once() -> None:
    stop, start = (InboundEvent("sms", "twilio", f"SM{kind}", kind, "+436641234567", NOW) for kind in ("stop", "start"))
    batch = build_history_batch(decode_events(build_batch(stop, start, stop)))
    assert batch.inbound == [stop, start]
    assert not batch.reports


def test_a_nul_in_a_report_is_replaced() -> None:
    batch = build_history_batch(decode_events(build_batch(build_receipt(1, event_key="a\0b"))))
    assert [report.event.event_key for report in batch.reports] == ["a\ufffdb"]
