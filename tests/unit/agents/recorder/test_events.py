"""Records to the rows of one commit."""

from itertools import permutations

import msgspec
import pytest

from agents.recorder.events import entries, halves, heard
from schemas.history import STATE_RANK, AcceptedRow
from schemas.status import Accepted, Status
from schemas.words import State, StatusName
from tests.history import Written, accepted, batch, notification_id, row, status

FAILED, DELIVERED = StatusName.FAILED, StatusName.DELIVERED


def test_the_row_reads_every_field_of_the_event() -> None:
    assert AcceptedRow.__struct_fields__ == Accepted.__struct_fields__
    assert msgspec.json.decode(msgspec.json.encode(row(accepted(1, "email"))), type=Accepted) == accepted(1, "email")


def test_events_become_a_notification_its_delivery_and_an_attempt() -> None:
    written = entries(heard(batch(accepted(1, "email"), status(1))))
    assert [each.id for each in written.notifications] == [notification_id(1)]
    assert bytes(written.notifications[0].deliveries) == msgspec.json.encode(accepted(1, "email").deliveries)
    assert written.deliveries == [status(1)]
    assert [attempt.event for attempt in written.attempts] == [status(1)]
    assert not written.letters


def test_every_attempt_is_logged_and_the_greatest_event_stands_in_any_order() -> None:
    told = [status(attempt=0), status(attempt=1, status=FAILED), status(attempt=0, status=DELIVERED), status(attempt=2)]
    for order in permutations(told):
        written = entries(heard(batch(*order)))
        assert written.deliveries == [told[2]], "a receipt of an earlier attempt is believed against a later failure"
        assert len({attempt.id for attempt in written.attempts}) == 4


def test_the_same_record_read_twice_is_the_same_attempt() -> None:
    once, again = heard(batch(status(), start=7)), heard(batch(status(), start=7))
    assert entries(once).attempts == entries(again).attempts


def test_two_attempts_that_differ_only_in_time_are_two() -> None:
    first, second = status(possible_duplicate=False), status(possible_duplicate=True, at=status().at + 1)
    ids = {attempt.id for attempt in entries(heard(batch(first, second))).attempts}
    assert len(ids) == 2
    assert all(an_id.startswith(first.delivery_id[4:28]) for an_id in ids)


@pytest.mark.parametrize(
    ("first", "then", "stands"),
    [
        (State.REFUSED, State.ROUTED, State.ROUTED),
        (State.ROUTED, State.REFUSED, State.ROUTED),
        (State.DEAD, State.REFUSED, State.DEAD),
        (State.HELD, State.REFUSED, State.REFUSED),
        (State.ROUTED, State.HELD, State.ROUTED),
    ],
)
def test_routed_beats_refused_and_anything_beats_held(first: State, then: State, stands: State) -> None:
    written = entries(heard(batch(accepted(1, state=first), accepted(1, state=then))))
    assert [each.state for each in written.notifications] == [stands]


def test_of_two_routed_events_the_first_stands() -> None:
    written = entries(heard(batch(accepted(1, "email"), accepted(1, "sms"))))
    assert b"email" in bytes(written.notifications[0].deliveries)


def test_every_state_has_a_rank() -> None:
    assert set(STATE_RANK) == set(State)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no value"),
        (b"\xff", "malformed"),
        (b'{"kind":"other"}', "Invalid value 'other'"),
        (msgspec.json.encode(status()).replace(b'"SENT"', b'"LOST"'), "$.status"),
        (b'{"kind":"status"}', "delivery_id"),
        (b'{"kind":"status","delivery_id":"\xff"}', "utf-8"),
        (b'{"kind":"status","later":' + b"[" * 100_000, "recursion"),
    ],
)
def test_what_cannot_be_read_becomes_a_letter_with_its_place_and_bytes(value: bytes | None, why: str) -> None:
    written = entries(heard(batch(status(1), value, status(2), start=40, partition=3)))
    assert len(written.deliveries) == 2
    (filed,) = written.letters
    assert (filed.topic, filed.partition, filed.offset, filed.at) == ("notifications.status", 3, 41, Written(0, b"").timestamp / 1000)
    reason = "null_value" if value is None else "undecodable"
    assert (filed.letter.stage, filed.letter.reason, filed.letter.value) == ("recorder", reason, value)
    assert why in filed.letter.error


def test_nul_in_text_is_replaced_and_stays_escaped_in_json() -> None:
    event = msgspec.structs.replace(accepted(1, "email"), user_id="a\0b", trace=[])
    (each,) = entries(heard(batch(event, status(2, user_id="\0")))).notifications
    assert each.user_id == "a\ufffdb"
    traced = msgspec.structs.replace(accepted(1), reason="nul \0 here", trace=accepted(1).trace[:1])
    assert entries(heard(batch(traced))).notifications[0].reason == "nul \ufffd here"


def test_halves_lose_nothing() -> None:
    said = heard(batch(*(status(n) for n in range(5))))
    assert [*halves(said)[0], *halves(said)[1]] == said
    assert [len(half) for half in halves(said)] == [2, 3]


def test_an_unknown_field_is_ignored() -> None:
    value = msgspec.json.encode(status()).replace(b'{"kind"', b'{"later":1,"kind"')
    assert isinstance(heard(batch(value))[0].event, Status)
