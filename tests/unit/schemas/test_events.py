"""The precedence of status events is a total order: any order and repetition of events gives the same status."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.enums import STATUS_RANK, Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, HistoryEvent, StatusEvent, compute_precedence


def build_event(status: Status, attempt: int = 1, redrive_count: int = 0, at: float = 0.0) -> StatusEvent:
    return StatusEvent("dlv_1", "ntf_1", "u", "email", status, at, 0.0, redrive_count, attempt)


events = st.builds(build_event, st.sampled_from(Status), st.integers(0, 3), st.integers(0, 2), st.floats(0, 10))


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (build_event(Status.SENT), build_event(Status.PENDING)),
        (build_event(Status.FAILED), build_event(Status.SENT)),
        (build_event(Status.DELIVERED), build_event(Status.FAILED)),
        (build_event(Status.BOUNCED), build_event(Status.DELIVERED)),
        (build_event(Status.UNSUBSCRIBED), build_event(Status.BOUNCED)),
        # a later attempt wins ...
        (build_event(Status.PENDING, attempt=2), build_event(Status.FAILED, attempt=1)),
        # ... but a late receipt of an earlier attempt also wins over a later failure
        (build_event(Status.DELIVERED, attempt=1), build_event(Status.FAILED, attempt=2)),
        (build_event(Status.BOUNCED, attempt=1), build_event(Status.SENT, attempt=3)),
        # a redrive wins over all earlier events
        (build_event(Status.PENDING, attempt=0, redrive_count=1), build_event(Status.UNSUBSCRIBED, attempt=9)),
    ],
)
def test_which_of_two_events_wins(winner: StatusEvent, loser: StatusEvent) -> None:
    assert compute_precedence(winner) > compute_precedence(loser)


@given(st.lists(events, min_size=1, max_size=6), st.randoms())
def test_order_and_repetition_do_not_change_the_current_status(events: list[StatusEvent], randoms) -> None:
    repeated = events * 2
    randoms.shuffle(repeated)
    assert max(map(compute_precedence, repeated)) == max(map(compute_precedence, events))


@given(events, events)
def test_events_of_equal_precedence_agree_on_the_status(first: StatusEvent, second: StatusEvent) -> None:
    if compute_precedence(first) == compute_precedence(second):
        assert first.status == second.status


def test_every_status_has_a_unique_rank() -> None:
    assert set(STATUS_RANK) == set(Status)
    assert len(set(STATUS_RANK.values())) == len(STATUS_RANK)


decided_events = st.builds(
    DecidedEvent,
    id=st.text(),
    user_id=st.text(),
    state=st.sampled_from(State),
    decided_at=st.floats(0, 1e10),
    created_at=st.floats(0, 1e10),
    priority=st.sampled_from(["high", "medium", "low"]),
    deliveries=st.lists(st.builds(DeliveryRef, st.text(), st.sampled_from(["email", "push"])), max_size=3),
    decision_log=st.lists(
        st.builds(GateResult, st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.integers(0, 9), max_size=2)), max_size=3
    ),
)
status_events = st.builds(
    StatusEvent,
    delivery_id=st.text(),
    notification_id=st.text(),
    user_id=st.text(),
    channel=st.sampled_from(["sms", "webhook"]),
    status=st.sampled_from(Status),
    occurred_at=st.floats(0, 1e10),
    created_at=st.floats(0, 1e10),
    outcome=st.none() | st.sampled_from(Outcome),
    possible_duplicate=st.booleans(),
)


@given(decided_events | status_events)
def test_events_survive_json_and_keep_their_kind(event: HistoryEvent) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(event), type=DecidedEvent | StatusEvent)
    assert decoded == event
    assert type(decoded) is type(event)


def test_the_channel_of_a_delivery_ref_is_checked() -> None:
    start = b'{"kind":"decided","id":"n","user_id":"u","state":"routed","decided_at":1,"created_at":1,"priority":"low",'
    with pytest.raises(msgspec.ValidationError, match=r"\$\.deliveries\[0\]\[1\]"):
        msgspec.json.decode(start + b'"deliveries":[["d","fax"]]}', type=DecidedEvent | StatusEvent)


def test_the_encoding_uses_the_words_of_the_glossary() -> None:
    encoded = msgspec.json.decode(msgspec.json.encode(build_event(Status.SENT)))
    assert encoded == {
        "kind": "status",
        "delivery_id": "dlv_1",
        "notification_id": "ntf_1",
        "user_id": "u",
        "channel": "email",
        "status": "SENT",
        "occurred_at": 0.0,
        "created_at": 0.0,
        "attempt": 1,
    }
    assert [str(state) for state in State] == ["routed", "held", "merged", "rejected", "dead"]
