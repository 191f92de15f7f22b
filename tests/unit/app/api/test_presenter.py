import pytest

from app.api.presenter import is_final, present_notification
from schemas.enums import Channel, Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import NOW, RECEIPT_TIMEOUTS, make_notification_id

ONE, TWO = make_id(DELIVERY_PREFIX, NOW, 1), make_id(DELIVERY_PREFIX, NOW, 2)


def build_event(state: State = State.ROUTED, *planned: DeliveryRef) -> DecidedEvent:
    return DecidedEvent(make_notification_id(), "u", state, NOW + 1, NOW, "low", deliveries=list(planned))


def build_status(delivery: str, name: Status, channel: Channel = "email", attempt: int = 0) -> StatusEvent:
    return StatusEvent(delivery, make_notification_id(), "u", channel, name, NOW, NOW, attempt=attempt, outcome=Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("name", "channel", "now", "final"),
    [
        (Status.PENDING, "email", NOW, False),
        (Status.SENT, "email", NOW, True),  # no receipts: 0 s
        (Status.SENT, "sms", NOW + 59, False),  # receipts for 60 s
        (Status.SENT, "sms", NOW + 60, True),
        (Status.FAILED, "sms", NOW, True),
        (Status.DELIVERED, "sms", NOW, True),
        (Status.BOUNCED, "sms", NOW, True),
        (Status.UNSUBSCRIBED, "sms", NOW, True),
    ],
)
def test_a_routed_one_is_final_with_its_deliveries(name: Status, channel: Channel, now: float, final: bool) -> None:
    story = NotificationHistory(build_event(State.ROUTED, DeliveryRef(ONE, channel)), [build_status(ONE, name, channel)], [])
    assert is_final(story, RECEIPT_TIMEOUTS, now) is final


def test_a_delivery_without_a_row_is_pending() -> None:
    story = NotificationHistory(
        build_event(State.ROUTED, DeliveryRef(ONE, "email"), DeliveryRef(TWO, "sms")), [build_status(ONE, Status.DELIVERED)], []
    )
    body = present_notification(story, make_notification_id(), RECEIPT_TIMEOUTS, NOW)
    assert [(delivery.id, delivery.status) for delivery in body.deliveries] == [(ONE, "DELIVERED"), (TWO, "PENDING")]
    assert body.final is False


@pytest.mark.parametrize(("state", "final"), [(State.REJECTED, True), (State.DEAD, True), (State.MERGED, True), (State.HELD, False)])
def test_without_deliveries_the_state_decides(state: State, final: bool) -> None:
    assert is_final(NotificationHistory(build_event(state), [], []), RECEIPT_TIMEOUTS, NOW) is final


def test_attempts_recorded_before_the_decision_are_shown() -> None:
    attempts = [build_status(ONE, Status.PENDING), build_status(ONE, Status.SENT, attempt=1)]
    body = present_notification(NotificationHistory(None, [attempts[1]], attempts), make_notification_id(), RECEIPT_TIMEOUTS, NOW)
    assert (body.state, body.user_id, body.final) == ("routed", "u", False)
    assert [attempt.attempt for attempt in body.deliveries[0].attempts] == [0, 1]
