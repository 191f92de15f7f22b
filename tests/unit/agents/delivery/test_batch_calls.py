"""Tests of calls for several deliveries: what goes together, what each result comes to, and that nobody is sent to twice."""

import asyncio
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.delivery.call_rates import CallRates
from agents.providers.sendgrid import SendGrid
from schemas.content import EmailContent
from schemas.delivery import Delivery
from schemas.delivery_policy import FULL_CALLS, CallRate, ReconciliationPolicy
from schemas.email_options import EmailOptions
from schemas.enums import Outcome, Priority, Reason, Status
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.outcome import AttemptResult, NumberedDelivery
from schemas.profile import Profile
from tables.process_rate_limiter import ProcessRateLimiter
from tests.delivery_builders import NOW, build_delivery
from tests.fakes import run_pending_tasks
from tests.settings_builders import build_concurrency_limits
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, THROTTLED, DeliveryHarness
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY

RECONCILE = ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0})
TOO_LARGE = HttpResponse(413, {}, b"")


def build_many(count: int, **changes: object) -> list[Delivery]:
    return [build_delivery(number=number, address=f"n{number}@example.org", **changes) for number in range(count)]


def build_harness(**options: object) -> DeliveryHarness:
    limits = build_concurrency_limits(max_per_call=options.pop("max_per_call", 500), **options.pop("limits", {}))
    return DeliveryHarness(limits=limits, reconciliation=RECONCILE, **options)


def reject(*fields: str) -> HttpResponse:
    return HttpResponse(400, {}, json.dumps({"errors": [{"field": field, "message": "no"} for field in fields]}).encode())


def get_sizes(harness: DeliveryHarness) -> list[int]:
    return [len(call.delivery_ids) for call in harness.all_calls]


def get_ends(harness: DeliveryHarness) -> Counter[tuple[Status, Outcome | None, int]]:
    return Counter((event.status, event.outcome, event.attempt) for event in harness.status_events)


async def test_what_says_the_same_goes_in_one_call_and_each_has_its_result() -> None:
    harness, many = build_harness(), build_many(5)
    first, second = harness.build_batch(*many[:3]), harness.build_batch(*many[3:], priority="low", partition=4)
    await harness.run_batches(first, second)
    assert get_sizes(harness) == [3, 2]  # each as soon as it was read
    assert harness.deliverer.calls_in_flight == 2
    harness.now += 0.25
    harness.respond(ACCEPTED)
    harness.respond(ACCEPTED)
    harness.commit()
    assert get_ends(harness) == {(Status.SENT, Outcome.ACCEPTED, 0): 5}
    assert {event.delivery_id for event in harness.status_events} == {one.id for one in many}
    assert {(event.provider_message_id, event.duration_ms) for event in harness.status_events} == {("m-17", 250.0)}
    assert (first.ack_count, second.ack_count, harness.deliverer.calls_in_flight) == (1, 1, 0)
    assert harness.observed_batch_calls == [(3, False), (2, False)]


@pytest.mark.parametrize("priority", ["high", "medium", "low"])
async def test_only_medium_and_low_share_a_call(priority: Priority) -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(*build_many(3), priority=priority))
    assert get_sizes(harness) == ([1, 1, 1] if priority == "high" else [3])


@pytest.mark.parametrize(
    "changes",
    [
        {"content": EmailContent("Your order", "It is on its way!", "<p>It is on its way.</p>")},
        {"content": EmailContent("Your order", "It is on its w_y.", "<p>It is on its way.</p>")},  # of the same length
        {"content": EmailContent("Your order", "It is on its way.", "<p>It is on its way.</p>", options=EmailOptions("a@example.org"))},
        {
            "content": EmailContent(
                "Your order", "It is on its way.", "<p>It is on its way.</p>", options=EmailOptions(bcc=["a@example.org"])
            )
        },
        {"address": "N0@example.org"},
        {"at_most_once": True},
        {"address": "ada"},
    ],
)
async def test_what_differs_goes_alone(changes: dict[str, object]) -> None:
    harness = build_harness(max_per_call=500)
    await harness.run_batches(harness.build_batch(*build_many(1), build_delivery(number=9, **{"address": "b@example.org", **changes})))
    harness.commit()
    assert get_sizes(harness) == [1] * (1 if changes == {"address": "ada"} else 2)
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    accepted = 1 if changes == {"address": "ada"} else 2
    assert sum(event.outcome is Outcome.ACCEPTED for event in harness.status_events) == accepted


async def test_the_subject_and_the_link_to_unsubscribe_may_differ() -> None:
    harness = build_harness()
    contents = [EmailContent(f"Hello {number}", "t", list_unsubscribe=f"<https://h.example/u/{number}>") for number in range(3)]
    await harness.run_batches(harness.build_batch(*[replace(one, content=contents[number]) for number, one in enumerate(build_many(3))]))
    (call,) = harness.pending_calls
    persons = json.loads(call.request.body)["personalizations"]
    assert [person["headers"]["List-Unsubscribe"] for person in persons] == [content.list_unsubscribe for content in contents]
    assert [person.get("subject", "Hello 0") for person in persons] == ["Hello 0", "Hello 1", "Hello 2"]


async def test_a_call_has_at_most_so_many_and_four_full_ones_are_in_flight() -> None:
    harness = build_harness(max_per_call=3)
    await harness.run_batches(harness.build_batch(*build_many(40)))
    assert get_sizes(harness) == [3] * 6  # two of each have joined: 4 times 3 in all
    harness.respond(ACCEPTED)
    assert len(harness.all_calls) == 7
    await harness.run_batches(harness.build_batch(build_delivery(number=99), priority="high"))
    assert get_sizes(harness)[-1] == 1, "high does not wait for them"
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    assert sum(get_sizes(harness)) == len(harness.status_events) == 41
    assert build_concurrency_limits(max_per_call=3).max_joined == FULL_CALLS * 3


async def test_more_calls_wait_for_the_limit_of_the_account() -> None:
    harness = build_harness(max_per_call=3, limits={"max_per_account": 1})
    await harness.run_batches(harness.build_batch(*build_many(8)))
    for _ in range(3):
        assert len(harness.pending_calls) == 1
        harness.respond(ACCEPTED)
    assert get_sizes(harness) == [3, 3, 2]


async def test_what_waits_for_an_account_is_asked_to_join_and_what_does_not_fit_waits_on() -> None:
    harness = build_harness(max_per_call=8, limits={"max_per_account": 1})
    same, other = build_many(40), [EmailContent(f"Your order {number}", f"Text {number}") for number in range(40, 60)]
    different = [build_delivery(number=number, address="a@example.org", content=content) for number, content in enumerate(other, 40)]
    mixed = [one for number in range(20) for one in (same[2 * number], different[number], same[2 * number + 1])]
    await harness.run_batches(harness.build_batch(*mixed))
    while harness.pending_calls:
        assert len(harness.pending_calls) == harness.deliverer.calls_in_flight == 1
        harness.respond(ACCEPTED)
    assert Counter(event.delivery_id for event in harness.status_events) == dict.fromkeys((one.id for one in mixed), 1)
    assert sum(size > 1 for size in get_sizes(harness)) >= 5
    assert len(get_sizes(harness)) <= 20 + 20, "each is at least one of two"
    assert not harness.deliverer._limiter._accounts


async def test_a_named_recipient_is_rejected_and_the_others_go_in_one_call() -> None:
    harness, many = build_harness(), build_many(5)
    await harness.run_batches(harness.build_batch(*many))
    harness.respond(reject("personalizations.3.to.0.email", "personalizations.1.custom_args"))
    assert get_sizes(harness) == [5, 3]
    rejected = {event.delivery_id: (event.outcome, event.reason) for event in harness.status_events}
    assert rejected == {
        many[3].id: (Outcome.REJECTED_RECIPIENT, Reason.REJECTED_RECIPIENT),
        many[1].id: (Outcome.REJECTED_PERMANENT, Reason.REJECTED_PERMANENT),
    }
    harness.respond(ACCEPTED)
    assert [(event.attempt, event.outcome) for event in harness.status_events[2:]] == [(0, Outcome.ACCEPTED)] * 3
    assert harness.observed_batch_calls == [(5, True), (3, False)]


async def test_what_all_share_is_rejected_with_one_call() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(*build_many(5)))
    harness.respond(reject("content.0.value"))
    assert get_sizes(harness) == [5]
    assert get_ends(harness) == {(Status.FAILED, Outcome.REJECTED_PERMANENT, 0): 5}
    assert {dead_letter.error for dead_letter in harness.dead_letters} == {"REJECTED_PERMANENT 400: SendGrid rejected content.0.value"}


@pytest.mark.parametrize("rejection", [BAD_REQUEST, TOO_LARGE, reject("personalizations.700.to"), reject("subject")])
async def test_a_call_that_names_nobody_is_halved_until_the_bad_one_is_alone(rejection: HttpResponse) -> None:
    harness, many = build_harness(), build_many(64)
    await harness.run_batches(harness.build_batch(*many))
    while harness.pending_calls:
        harness.respond(rejection if many[37].id in harness.pending_calls[0].delivery_ids else ACCEPTED)
    assert len(harness.all_calls) == 13, "two for each halving"
    accepted = Counter(event.delivery_id for event in harness.status_events if event.outcome is Outcome.ACCEPTED)
    assert accepted == {one.id: 1 for one in many if one is not many[37]}
    assert [(dead_letter.delivery_id, dead_letter.attempts) for dead_letter in harness.dead_letters] == [(many[37].id, 1)]


@settings(max_examples=100)
@given(st.sets(st.integers(0, 39)), st.integers(2, 40))
async def test_however_many_are_bad_the_calls_are_at_most_twice_the_deliveries(bad: set[int], max_per_call: int) -> None:
    harness, many = build_harness(max_per_call=max_per_call), build_many(40)
    bad_ids = {many[number].id for number in bad}
    await harness.run_batches(harness.build_batch(*many))
    while harness.pending_calls:
        harness.respond(BAD_REQUEST if bad_ids.intersection(harness.pending_calls[0].delivery_ids) else ACCEPTED)
    assert len(harness.all_calls) <= 2 * len(many)
    assert {dead_letter.delivery_id for dead_letter in harness.dead_letters} == bad_ids
    accepted = Counter(event.delivery_id for event in harness.status_events if event.outcome is Outcome.ACCEPTED)
    assert accepted == {one.id: 1 for one in many if one.id not in bad_ids}


async def test_a_call_without_an_answer_is_searched_for_by_each_of_its_deliveries() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(*build_many(3)))
    harness.respond(MAYBE_SENT)
    assert get_ends(harness) == {(Status.PENDING, Outcome.UNKNOWN, 0): 3}
    assert [(entry.due_at, entry.resume_count) for entry in harness.scheduled] == [(NOW + 120, 0b1_1000)] * 3
    await harness.run_retry(harness.scheduled[0])
    await run_pending_tasks()
    assert get_sizes(harness) == [3, 1]
    harness.respond(ACCEPTED)
    assert harness.status_events[-1].possible_duplicate


async def test_a_failed_call_is_one_failure_of_the_account_and_then_each_has_its_own_call() -> None:
    harness = build_harness()
    for start in range(9):
        harness.now += 11.0  # so that the failures before are forgotten
        await harness.run_batches(
            harness.build_batch(*[build_delivery(number=number, address=f"n{number}@e.org") for number in range(start * 5, start * 5 + 5)])
        )
        harness.respond(NOT_SENT)
    assert get_sizes(harness) == [5] * 9
    assert not harness.observed_pauses, "9 calls, though of 45 deliveries"
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number, address=f"n{number}@e.org") for number in (90, 91)]))
    assert get_sizes(harness)[9:] == [1, 1], "a call has failed within 10 s"


async def test_after_429_they_wait_without_an_attempt_and_the_probe_is_one_of_them() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(*build_many(6)))
    harness.respond(THROTTLED)
    assert get_ends(harness) == {(Status.PENDING, Outcome.THROTTLED, 0): 6}
    assert len(harness.observed_pauses) == 1
    harness.advance_clock(5.0)
    assert get_sizes(harness) == [6, 1]
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    harness.commit()
    assert get_ends(harness)[Status.SENT, Outcome.ACCEPTED, 1] == 6
    assert not harness.scheduled


async def test_a_rejected_key_burns_no_attempt_of_any() -> None:
    harness = build_harness()
    await harness.run_batches(harness.build_batch(*build_many(6)))
    for _ in range(8):  # more often than there are retries
        harness.respond(REJECTED_KEY)
        harness.advance_clock(8.0 * 1.25)
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    assert Counter(event.delivery_id for event in harness.status_events if event.status is Status.SENT).total() == 6
    assert not harness.dead_letters


async def test_expired_and_forbidden_ones_are_not_in_the_call() -> None:
    harness = build_harness()
    many = build_many(4)
    many[1] = replace(many[1], expires_at=NOW - 1)
    for number in (2, 3):
        many[number] = replace(many[number], consent="opt_out", category="marketing")
        choices = {"marketing/email": "out"} if number == 3 else {}
        harness.profiles.profiles[many[number].user_id] = Profile(
            many[number].user_id, True, {"email": [many[number].address]}, choices=choices
        )
    await harness.run_batches(harness.build_batch(*many))
    await run_pending_tasks()
    called = {delivery_id for call in harness.all_calls for delivery_id in call.delivery_ids}
    assert many[0].id in called
    assert many[2].id in called
    assert {many[1].id, many[3].id}.isdisjoint(called)


async def test_a_revoked_partition_takes_its_result_and_goes_in_no_further_call() -> None:
    harness, many = build_harness(), build_many(4)
    handle = harness.build_batch(*many)
    await harness.run_batches(handle)
    harness.deliverer.on_partitions_revoked({3})
    harness.respond(BAD_REQUEST)
    assert not harness.pending_calls
    assert harness.deliverer.calls_in_flight == 0
    reread = handle.reread()
    await harness.run_batches(reread)
    assert get_sizes(harness) == [4, 4]
    harness.respond(ACCEPTED)
    harness.commit()
    assert (reread.ack_count, len(harness.status_events)) == (1, 4)


async def test_a_batch_read_again_during_its_call_is_not_called_for_again() -> None:
    harness, many = build_harness(), build_many(4)
    handle = harness.build_batch(*many)
    await harness.run_batches(handle)
    harness.deliverer.on_partitions_revoked({3})
    reread = handle.reread()
    await harness.run_batches(reread)
    harness.respond(ACCEPTED)
    harness.commit()
    assert (get_sizes(harness), reread.ack_count) == ([4], 1)


class FailingBatches(SendGrid):
    """A provider that cannot build or read calls for several."""

    def __init__(self, where: str) -> None:
        super().__init__("https://api.sendgrid.com", "key", "shop@example.org")
        self.where = where

    def build_batch_request(self, deliveries: list[NumberedDelivery], now: float) -> HttpRequest | AttemptResult:  # type: ignore[override]
        if self.where == "build":
            raise RuntimeError("a fault of ours")
        return super().build_batch_request(deliveries, now)

    def parse_batch_result(self, result: HttpResult, count: int, now: float) -> object:  # type: ignore[override]
        raise RuntimeError("a fault of ours")


async def test_what_cannot_be_built_together_goes_alone() -> None:
    harness = build_harness(provider=FailingBatches("build"))
    await harness.run_batches(harness.build_batch(*build_many(3)))
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    assert get_sizes(harness) == [1, 1, 1]
    assert get_ends(harness) == {(Status.SENT, Outcome.ACCEPTED, 0): 3}


async def test_an_answer_that_cannot_be_read_is_not_sent_again() -> None:
    harness = build_harness(provider=FailingBatches("parse"))
    await harness.run_batches(harness.build_batch(*build_many(3)))
    harness.respond(ACCEPTED)
    assert get_sizes(harness) == [3]
    assert {dead_letter.reason for dead_letter in harness.dead_letters} == {Reason.UNEXPECTED_ERROR}


async def test_calls_per_second_are_those_of_calls_and_what_waits_for_them_goes_together() -> None:
    harness = build_harness()
    quotas, rate = ProcessRateLimiter(harness.get_time), CallRate(10, 2)
    harness.deliverer.limit_rates(CallRates(quotas, lambda account: rate, harness.get_time, harness.call_later))
    mails = [build_delivery(number=number, address=f"n{number}@example.org") for number in range(400)]
    different = [
        replace(build_delivery(number=number, address="a@example.org"), content=EmailContent("s", f"Text {number}"))
        for number in range(400, 410)
    ]
    calls = []
    await harness.run_batches(*[harness.build_batch(*mails[start : start + 40], different[start // 40]) for start in range(0, 400, 40)])
    for _ in range(600):
        for _ in range(10):
            await asyncio.sleep(0)
        while harness.pending_calls:
            calls.append(harness.now - NOW)
            harness.respond(ACCEPTED)
        harness.advance_clock(0.01)
    assert Counter(event.delivery_id for event in harness.status_events) == dict.fromkeys((one.id for one in (*mails, *different)), 1)
    assert len(calls) <= 60, "most go together"
    for start in calls:
        assert sum(start <= at <= start + 1 for at in calls) <= rate.per_second + rate.burst
