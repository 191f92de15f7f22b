"""The calls in flight of an account: halved by overloads, one more for each hundred successes, always within the bounds."""

from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.adaptive_concurrency import IDLE_TIME, AdaptiveConcurrency
from schemas.delivery_policy import ConcurrencyLimits
from schemas.http import HttpResponse
from tests.delivery_builders import build_delivery
from tests.unit.agents.delivery.harness import ACCEPTED, MAYBE_SENT, DeliveryHarness

NOW = 1000.0


def test_an_overload_halves_the_limit_once_a_second_down_to_the_least() -> None:
    adaptive, limits = AdaptiveConcurrency(4, 64), []
    for number in range(14):
        adaptive.record_overload(NOW + number / 2)
        limits.append(adaptive.limit)
    assert limits == [32, 32, 16, 16, 8, 8, 4, 4, 4, 4, 4, 4, 4, 4]


def test_a_hundred_successes_allow_one_call_more_up_to_the_usual_limit() -> None:
    adaptive = AdaptiveConcurrency(1, 4)
    adaptive.record_overload(NOW)
    changes = [adaptive.record_success() for _ in range(500)]
    assert [number for number, changed in enumerate(changes, 1) if changed] == [100, 200]
    assert adaptive.is_full


def test_it_is_idle_when_the_last_overload_is_long_ago() -> None:
    adaptive = AdaptiveConcurrency(1, 4)
    assert adaptive.is_idle(NOW)
    adaptive.record_overload(NOW)
    assert [adaptive.is_idle(NOW + seconds) for seconds in (0, IDLE_TIME - 1, IDLE_TIME)] == [False, False, True]


@given(st.integers(1, 50), st.integers(1, 200), st.lists(st.tuples(st.booleans(), st.floats(0, 2)), max_size=500))
def test_the_limit_stays_within_its_bounds(min_calls: int, max_calls: int, steps: list[tuple[bool, float]]) -> None:
    adaptive, now = AdaptiveConcurrency(min_calls, max_calls), NOW
    for is_overload, pause in steps:
        now += pause
        before = adaptive.limit
        changed = adaptive.record_overload(now) if is_overload else adaptive.record_success()
        assert changed == (adaptive.limit != before)
        assert min(min_calls, max_calls) <= adaptive.limit <= max_calls


# -- in the worker


async def test_after_calls_without_an_answer_fewer_are_in_flight_and_more_again_as_they_succeed() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(64, 0, 16, 2))
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(2000)]))
    in_flight = [len(harness.pending_calls)]
    for number in range(3):
        harness.respond(MAYBE_SENT)
        for _ in range(20):
            harness.respond(ACCEPTED)
        harness.advance_clock(1.0)
        in_flight.append(len(harness.pending_calls))
        assert number < 3
    assert in_flight == [16, 8, 4, 2]
    for _ in range(300):
        harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 5


async def test_an_account_that_was_overloaded_long_ago_begins_anew() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(64, 0, 16, 2))
    await harness.run_batches(harness.build_batch(build_delivery(number=0), build_delivery(number=1)))
    harness.respond(MAYBE_SENT)
    harness.respond(ACCEPTED)
    harness.advance_clock(IDLE_TIME)
    await harness.run_batches(harness.build_batch(build_delivery(number=2)))
    harness.respond(ACCEPTED)
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(100, 130)]))
    assert len(harness.pending_calls) == 16
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    assert not harness.deliverer._limiter._accounts


async def test_a_5xx_says_nothing_about_how_many_calls_there_may_be() -> None:
    harness = DeliveryHarness(limits=ConcurrencyLimits(64, 0, 16, 2))
    await harness.run_batches(harness.build_batch(*[build_delivery(number=number) for number in range(100)]))
    harness.respond(HttpResponse(503, {}, b""))
    harness.respond(ACCEPTED)
    assert len(harness.pending_calls) == 16
