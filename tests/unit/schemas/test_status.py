"""The merge of statuses is a total order: events in any order, as often as they like, end in the same status."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.status import Accepted, Planned, Status, StatusEvent, Step, precedence
from schemas.words import RANK, Outcome, State, StatusName


def event(status: StatusName, attempt: int = 1, generation: int = 0, at: float = 0.0) -> Status:
    return Status("dlv_1", "ntf_1", "u", "email", status, at, 0.0, generation, attempt)


events = st.builds(event, st.sampled_from(StatusName), st.integers(0, 3), st.integers(0, 2), st.floats(0, 10))


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        (event(StatusName.SENT), event(StatusName.PENDING)),
        (event(StatusName.FAILED), event(StatusName.SENT)),
        (event(StatusName.DELIVERED), event(StatusName.FAILED)),
        (event(StatusName.BOUNCED), event(StatusName.DELIVERED)),
        (event(StatusName.UNSUBSCRIBED), event(StatusName.BOUNCED)),
        # a later attempt speaks for the delivery ...
        (event(StatusName.PENDING, attempt=2), event(StatusName.FAILED, attempt=1)),
        # ... but a late receipt of an earlier attempt is believed, and a later failure does not hide it
        (event(StatusName.DELIVERED, attempt=1), event(StatusName.FAILED, attempt=2)),
        (event(StatusName.BOUNCED, attempt=1), event(StatusName.SENT, attempt=3)),
        # a redrive starts anew, whatever came before
        (event(StatusName.PENDING, attempt=0, generation=1), event(StatusName.UNSUBSCRIBED, attempt=9)),
    ],
)
def test_which_of_two_events_wins(winner: Status, loser: Status) -> None:
    assert precedence(winner) > precedence(loser)


@given(st.lists(events, min_size=1, max_size=6), st.randoms())
def test_order_and_repetition_change_nothing(heard: list[Status], order) -> None:
    again = heard * 2
    order.shuffle(again)
    assert precedence(max(again, key=precedence)) == precedence(max(heard, key=precedence))


@given(events, events)
def test_events_of_equal_precedence_agree_on_the_status(one: Status, other: Status) -> None:
    if precedence(one) == precedence(other):
        assert one.status == other.status


def test_every_status_has_a_rank_of_its_own() -> None:
    assert set(RANK) == set(StatusName)
    assert len(set(RANK.values())) == len(RANK)


accepted = st.builds(
    Accepted,
    id=st.text(),
    user_id=st.text(),
    state=st.sampled_from(State),
    at=st.floats(0, 1e10),
    created_at=st.floats(0, 1e10),
    lane=st.sampled_from(["high", "medium", "low"]),
    deliveries=st.lists(st.builds(Planned, st.text(), st.sampled_from(["email", "push"])), max_size=3),
    trace=st.lists(st.builds(Step, st.text(), st.text(), st.text(), st.dictionaries(st.text(), st.integers(0, 9), max_size=2)), max_size=3),
)
statuses = st.builds(
    Status,
    delivery_id=st.text(),
    notification_id=st.text(),
    user_id=st.text(),
    channel=st.sampled_from(["sms", "webhook"]),
    status=st.sampled_from(StatusName),
    at=st.floats(0, 1e10),
    created_at=st.floats(0, 1e10),
    outcome=st.none() | st.sampled_from(Outcome),
    possible_duplicate=st.booleans(),
)


@given(accepted | statuses)
def test_events_survive_json_and_keep_their_kind(said: StatusEvent) -> None:
    decoded = msgspec.json.decode(msgspec.json.encode(said), type=Accepted | Status)
    assert decoded == said
    assert type(decoded) is type(said)


def test_the_channel_of_a_planned_delivery_is_checked() -> None:
    text = b'{"kind":"accepted","id":"n","user_id":"u","state":"routed","at":1,"created_at":1,"lane":"low","deliveries":[["d","fax"]]}'
    with pytest.raises(msgspec.ValidationError, match=r"\$\.deliveries\[0\]\[1\]"):
        msgspec.json.decode(text, type=Accepted | Status)


def test_the_words_on_the_wire_are_those_of_the_glossary() -> None:
    wire = msgspec.json.decode(msgspec.json.encode(event(StatusName.SENT)))
    assert wire == {
        "kind": "status",
        "delivery_id": "dlv_1",
        "notification_id": "ntf_1",
        "user_id": "u",
        "channel": "email",
        "status": "SENT",
        "at": 0.0,
        "created_at": 0.0,
        "attempt": 1,
    }
    assert [str(state) for state in State] == ["routed", "held", "merged", "refused", "dead"]
