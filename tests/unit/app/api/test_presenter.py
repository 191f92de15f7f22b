import msgspec
import pytest

from app.api.presenter import is_final, present_notification
from schemas.channels import ChannelName
from schemas.enums import Outcome, State, Status
from schemas.events import DecidedEvent, DeliveryRef, GateResult, StatusEvent
from schemas.history import NotificationHistory
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.unit.app.api.harness import NOW, RECEIPT_TIMEOUTS, make_notification_id

FIRST_ID, SECOND_ID = make_id(DELIVERY_PREFIX, NOW, 1), make_id(DELIVERY_PREFIX, NOW, 2)

STEP = GateResult("channels", "pass", "", {"strategy": "escalate", "channels": ["email"], "next": ["sms"], "escalates_at": NOW + 600})
LAST_STEP = GateResult("channels", "pass", "", {"strategy": "escalate", "channels": ["sms"]})


def build_event(state: State = State.ROUTED, *deliveries: DeliveryRef) -> DecidedEvent:
    return DecidedEvent(make_notification_id(), "u", state, NOW + 1, NOW, "low", deliveries=list(deliveries))


def build_status_event(delivery_id: str, status: Status, channel: ChannelName = "email", attempt: int = 0) -> StatusEvent:
    return StatusEvent(delivery_id, make_notification_id(), "u", channel, status, NOW, NOW, attempt=attempt, outcome=Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("status", "channel", "now", "final"),
    [
        (Status.PENDING, "email", NOW, False),
        (Status.SENT, "email", NOW, True),  # no receipts
        (Status.SENT, "sms", NOW + 59, False),  # a receipt may arrive for 60 s
        (Status.SENT, "sms", NOW + 60, True),
        (Status.FAILED, "sms", NOW, True),
        (Status.DELIVERED, "sms", NOW, True),
        (Status.BOUNCED, "sms", NOW, True),
        (Status.UNSUBSCRIBED, "sms", NOW, True),
    ],
)
def test_a_routed_notification_is_final_when_its_deliveries_are(status: Status, channel: ChannelName, now: float, final: bool) -> None:
    history = NotificationHistory(
        build_event(State.ROUTED, DeliveryRef(FIRST_ID, channel)), [build_status_event(FIRST_ID, status, channel)], []
    )
    assert is_final(history, RECEIPT_TIMEOUTS, now) is final


def test_a_delivery_without_a_status_is_pending() -> None:
    history = NotificationHistory(
        build_event(State.ROUTED, DeliveryRef(FIRST_ID, "email"), DeliveryRef(SECOND_ID, "sms")),
        [build_status_event(FIRST_ID, Status.DELIVERED)],
        [],
    )
    body = present_notification(history, make_notification_id(), RECEIPT_TIMEOUTS, NOW)
    assert [(delivery.id, delivery.status) for delivery in body.deliveries] == [(FIRST_ID, "DELIVERED"), (SECOND_ID, "PENDING")]
    assert body.final is False


@pytest.mark.parametrize(("state", "final"), [(State.REJECTED, True), (State.DEAD, True), (State.MERGED, True), (State.HELD, False)])
def test_a_notification_without_deliveries_is_final_by_its_state(state: State, final: bool) -> None:
    assert is_final(NotificationHistory(build_event(state), [], []), RECEIPT_TIMEOUTS, NOW) is final


def test_a_held_notification_says_until_when_and_any_other_does_not() -> None:
    log = [GateResult("decode", "pass"), GateResult("schedule", "hold", "send_at", {"until": NOW + 60})]
    for state, until in ((State.HELD, NOW + 60), (State.REJECTED, None)):
        event = msgspec.structs.replace(build_event(state), decision_log=log)
        assert present_notification(NotificationHistory(event, [], []), event.id, RECEIPT_TIMEOUTS, NOW).held_until == until


@pytest.mark.parametrize(
    ("entries", "escalates_at"),
    [
        ([STEP, GateResult("fan_out", "pass")], NOW + 600),
        ([STEP, GateResult("resume", "pass"), GateResult("quiet_hours", "hold", "quiet_hours", {"until": NOW + 900})], NOW + 900),
        ([STEP, GateResult("resume", "pass"), LAST_STEP, GateResult("fan_out", "pass")], None),
        ([STEP, GateResult("resume", "pass"), GateResult("escalation", "reject", "delivered")], None),
        ([STEP, GateResult("schedule", "reject", "cancelled")], None),
    ],
)
def test_what_goes_on_to_its_next_channel_says_when_and_is_not_final(entries: list[GateResult], escalates_at: float | None) -> None:
    event = msgspec.structs.replace(build_event(State.ROUTED, DeliveryRef(FIRST_ID, "email")), decision_log=entries)
    history = NotificationHistory(event, [build_status_event(FIRST_ID, Status.FAILED)], [])
    body = present_notification(history, event.id, RECEIPT_TIMEOUTS, NOW)
    assert (body.escalates_at, body.final, body.held_until) == (escalates_at, escalates_at is None, None)


def test_attempts_recorded_before_the_decision_are_shown() -> None:
    attempts = [build_status_event(FIRST_ID, Status.PENDING), build_status_event(FIRST_ID, Status.SENT, attempt=1)]
    body = present_notification(NotificationHistory(None, [attempts[1]], attempts), make_notification_id(), RECEIPT_TIMEOUTS, NOW)
    assert (body.state, body.user_id, body.final) == ("routed", "u", False)
    assert [attempt.attempt for attempt in body.deliveries[0].attempts] == [0, 1]
