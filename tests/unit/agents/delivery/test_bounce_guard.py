"""The bounce guard: which categories it stops, and what becomes of their deliveries."""

import msgspec
import pytest

from agents.delivery.bounce_guard import BounceCount, BounceGuard, BounceGuardPolicy
from agents.delivery.retry_decision import EXPIRED, RetryAt
from schemas.delivery import Delivery, UnansweredCall
from schemas.enums import Priority, Status
from schemas.scheduled import Scheduled
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import DeliveryHarness

POLICY = BounceGuardPolicy(max_percent=5.0, min_sent=100, hold=600.0)


class Alerts:
    """A guard with what it has reported."""

    def __init__(self, random: float = 0.5) -> None:
        self.stopped: list[tuple[str, BounceCount]] = []
        self.resumed: list[tuple[str, BounceCount]] = []
        self.guard = BounceGuard(POLICY, lambda: random, lambda *stop: self.stopped.append(stop), lambda *end: self.resumed.append(end))


def build_guard(*categories: str, random: float = 0.5) -> BounceGuard:
    guard = Alerts(random).guard
    guard.update({category: BounceCount(100, 50) for category in categories})
    return guard


@pytest.mark.parametrize(
    ("sent", "bounced", "is_stopped"),
    [(100, 5, False), (100, 6, True), (99, 99, False), (1000, 50, False), (1000, 51, True), (0, 0, False)],
)
def test_more_than_the_percentage_of_enough_e_mails_stops_a_category(sent: int, bounced: int, is_stopped: bool) -> None:
    alerts = Alerts()
    alerts.guard.update({"news": BounceCount(sent, bounced), "other": BounceCount(1000, 0)})
    assert alerts.guard.stopped == ({"news"} if is_stopped else set())
    assert alerts.stopped == ([("news", BounceCount(sent, bounced))] if is_stopped else [])


def test_a_stop_and_its_end_are_reported_once() -> None:
    alerts = Alerts()
    for count in (BounceCount(100, 50), BounceCount(110, 50), BounceCount(110, 5)):
        alerts.guard.update({"news": count})
    assert (len(alerts.stopped), alerts.resumed) == (1, [("news", BounceCount(110, 5))])
    alerts.guard.update({"news": BounceCount(100, 50)})
    alerts.guard.update({})
    assert alerts.resumed[-1] == ("news", BounceCount(0, 0)), "an hour without e-mails"


@pytest.mark.parametrize(("priority", "is_held"), [("high", False), ("medium", True), ("low", True)])
def test_high_goes_on(priority: Priority, is_held: bool) -> None:
    delivery = build_delivery("email", category="news")
    assert (build_guard("news").find_hold(delivery, priority, NOW) is not None) is is_held
    assert build_guard("other").find_hold(delivery, priority, NOW) is None


def test_what_is_stopped_comes_again_at_different_times_or_expires() -> None:
    delivery = build_delivery("email", category="news")
    times = [build_guard("news", random=random).find_hold(delivery, "low", NOW) for random in (0.0, 1.0)]
    assert times == [RetryAt(NOW + 450, "too_many_bounces"), RetryAt(NOW + 750, "too_many_bounces")]
    late = msgspec.structs.replace(delivery, expires_at=NOW + 600)
    assert build_guard("news").find_hold(late, "low", NOW) == EXPIRED


async def test_a_search_for_an_earlier_call_is_not_stopped_but_what_it_would_send_again_is() -> None:
    guard, delivery = build_guard("news"), build_delivery("email", category="news", attempt=1, unanswered=UnansweredCall(0, NOW))
    harness = DeliveryHarness(bounce_guard=guard)
    await harness.run_batches(harness.build_batch(delivery, priority="low"))
    assert not harness.status_events
    await run_pending_tasks()
    assert not harness.all_calls
    (event,) = harness.status_events
    assert (event.status, event.reason, event.possible_duplicate) == (Status.PENDING, "too_many_bounces", True)
    guard.update({})
    await harness.run_retry()
    assert [call.delivery_id for call in harness.all_calls] == [delivery.id]
    assert msgspec.json.decode(bytes(harness.scheduled[0].payload), type=Delivery).possible_duplicate


async def deliver(guard: BounceGuard, *deliveries: Delivery, priority: Priority = "low") -> DeliveryHarness:
    harness = DeliveryHarness(bounce_guard=guard)
    await harness.run_batches(harness.build_batch(*deliveries, priority=priority))
    harness.commit()
    return harness


async def test_a_stopped_delivery_waits_in_the_scheduler_without_using_up_an_attempt() -> None:
    stopped, other = build_delivery("email", 1, category="news"), build_delivery("email", 2, category="transactional")
    harness = await deliver(build_guard("news"), stopped, other)
    assert [call.delivery_id for call in harness.all_calls] == [other.id]
    (record,) = [one for one in harness.produced if "scheduled" in one.topic]
    scheduled = msgspec.json.decode(record.value or b"", type=Scheduled)
    assert (scheduled.id, scheduled.due_at, scheduled.target_topic) == (stopped.id, NOW + 600, "deliveries.email.low")
    again = msgspec.json.decode(bytes(scheduled.payload), type=Delivery)
    assert (again.attempt, again.counted_attempts, again.content) == (1, 0, stopped.content)
    event = harness.observed_attempts[0][1]
    assert (event.status, event.reason, event.outcome, event.next_attempt_at) == (Status.PENDING, "too_many_bounces", None, NOW + 600)


async def test_it_is_sent_when_it_comes_again_after_the_stop() -> None:
    stopped = build_delivery("email", category="news")
    guard = build_guard("news")
    harness = await deliver(guard, stopped)
    record = next(one for one in harness.produced if "scheduled" in one.topic)
    released = msgspec.json.decode(bytes(msgspec.json.decode(record.value or b"", type=Scheduled).payload), type=Delivery)
    guard.update({})
    await harness.run_batches(harness.build_batch(released, priority="low"))
    assert [call.delivery_id for call in harness.all_calls] == [stopped.id]


async def test_one_that_expires_before_ends() -> None:
    harness = await deliver(build_guard("news"), build_delivery("email", category="news", expires_at=NOW + 60))
    event = harness.observed_attempts[0][1]
    assert (event.status, event.reason) == (Status.FAILED, "expired")
    assert not harness.all_calls
