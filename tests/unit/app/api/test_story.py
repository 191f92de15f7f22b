import pytest

from app.api.story import is_final, told
from schemas.history import Story
from schemas.ids import DELIVERY, new_id
from schemas.status import Accepted, Planned, Status
from schemas.words import Channel, Outcome, State, StatusName
from tests.unit.app.api.world import NOW, RECEIPTS, an_id

ONE, TWO = new_id(DELIVERY, NOW, 1), new_id(DELIVERY, NOW, 2)


def accepted(state: State = State.ROUTED, *planned: Planned) -> Accepted:
    return Accepted(an_id(), "u", state, NOW + 1, NOW, "low", deliveries=list(planned))


def status(delivery: str, name: StatusName, channel: Channel = "email", attempt: int = 0) -> Status:
    return Status(delivery, an_id(), "u", channel, name, NOW, NOW, attempt=attempt, outcome=Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("name", "channel", "now", "final"),
    [
        (StatusName.PENDING, "email", NOW, False),
        (StatusName.SENT, "email", NOW, True),  # no receipts: 0 s
        (StatusName.SENT, "sms", NOW + 59, False),  # receipts for 60 s
        (StatusName.SENT, "sms", NOW + 60, True),
        (StatusName.FAILED, "sms", NOW, True),
        (StatusName.DELIVERED, "sms", NOW, True),
        (StatusName.BOUNCED, "sms", NOW, True),
        (StatusName.UNSUBSCRIBED, "sms", NOW, True),
    ],
)
def test_a_routed_one_is_final_with_its_deliveries(name: StatusName, channel: Channel, now: float, final: bool) -> None:
    story = Story(accepted(State.ROUTED, Planned(ONE, channel)), [status(ONE, name, channel)], [])
    assert is_final(story, RECEIPTS, now) is final


def test_a_delivery_without_a_row_is_pending() -> None:
    story = Story(accepted(State.ROUTED, Planned(ONE, "email"), Planned(TWO, "sms")), [status(ONE, StatusName.DELIVERED)], [])
    body = told(story, an_id(), RECEIPTS, NOW)
    assert [(delivery.id, delivery.status) for delivery in body.deliveries] == [(ONE, "DELIVERED"), (TWO, "PENDING")]
    assert body.final is False


@pytest.mark.parametrize(("state", "final"), [(State.REFUSED, True), (State.DEAD, True), (State.MERGED, True), (State.HELD, False)])
def test_without_deliveries_the_state_decides(state: State, final: bool) -> None:
    assert is_final(Story(accepted(state), [], []), RECEIPTS, NOW) is final


def test_attempts_recorded_before_the_decision_are_shown() -> None:
    attempts = [status(ONE, StatusName.PENDING), status(ONE, StatusName.SENT, attempt=1)]
    body = told(Story(None, [attempts[1]], attempts), an_id(), RECEIPTS, NOW)
    assert (body.state, body.user_id, body.final) == ("routed", "u", False)
    assert [attempt.attempt for attempt in body.deliveries[0].attempts] == [0, 1]
