"""The breaker of an account: when it opens, for how long, and how many probes it permits; compared with a model."""

import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.delivery.breaker import Breaker, CallResult, Cause, SlidingWindow, classify, is_overloaded
from agents.providers.response import build_unknown, parse_no_response
from schemas.delivery_policy import BreakerPolicy, OpenDelays
from schemas.enums import Outcome, Reason
from schemas.http import MaybeSent, NotSent
from schemas.outcome import AttemptResult

SUCCESS, FAILURE, THROTTLED, FAULT = CallResult.SUCCESS, CallResult.FAILURE, CallResult.THROTTLED, CallResult.ACCOUNT_FAULT
POLICY = BreakerPolicy(OpenDelays(5.0, 300.0), OpenDelays(1.0, 60.0), OpenDelays(1.0, 60.0), max_retry_after=900.0)
NOW = 1000.0


def build_breaker(policy: BreakerPolicy = POLICY, max_calls: int = 128, random: float = 0.5) -> Breaker:
    return Breaker(policy, max_calls, lambda: random)


def open_breaker(cause: CallResult = FAILURE, random: float = 0.5) -> Breaker:
    breaker = build_breaker(random=random)
    while breaker.permits is None:
        breaker.record(cause, NOW)
    return breaker


def probe(breaker: Breaker, result: CallResult, retry_after: float = 0.0) -> bool:
    return breaker.record(result, NOW, retry_after, breaker.probe_number)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (AttemptResult(Outcome.ACCEPTED), SUCCESS),
        (AttemptResult(Outcome.REJECTED_RECIPIENT), SUCCESS),
        (AttemptResult(Outcome.REJECTED_PERMANENT, Reason.INVALID, 400), SUCCESS),
        (AttemptResult(Outcome.REJECTED_PERMANENT, Reason.MISCONFIGURED, 401, is_account_fault=True), FAULT),
        (AttemptResult(Outcome.THROTTLED, "", 429), THROTTLED),
        (AttemptResult(Outcome.UNKNOWN, "", 503), FAILURE),
        (AttemptResult(Outcome.UNKNOWN), FAILURE),
        (AttemptResult(Outcome.NOT_SENT), FAILURE),
        (AttemptResult(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR), SUCCESS),
    ],
)
def test_only_5xx_and_no_answer_are_failures(result: AttemptResult, expected: CallResult) -> None:
    assert classify(result) is expected


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (AttemptResult(Outcome.ACCEPTED), False),
        (AttemptResult(Outcome.THROTTLED, "", 429), True),
        (build_unknown(503, 0.0), False),
        (build_unknown(0, 0.0), False),  # whatever the code is
        (parse_no_response(MaybeSent("no response within 10 s")), True),
        (parse_no_response(NotSent("connection refused")), False),
        (AttemptResult(Outcome.UNKNOWN, Reason.UNEXPECTED_ERROR), False),
    ],
)
def test_fewer_calls_would_help_a_provider_that_throttles_or_does_not_answer(result: AttemptResult, expected: bool) -> None:
    assert is_overloaded(classify(result), result) is expected


def test_it_opens_after_ten_failures_in_a_row() -> None:
    breaker = build_breaker()
    for _ in range(9):
        assert not breaker.record(FAILURE, NOW)
    breaker.record(SUCCESS, NOW)
    for _ in range(9):
        assert not breaker.record(FAILURE, NOW + 60)
    assert breaker.record(FAILURE, NOW + 180)
    assert (breaker.permits, breaker.cause, breaker.open_until) == (0, Cause.FAILURES, NOW + 185)


def test_it_opens_if_half_of_twenty_calls_fail_within_the_window() -> None:
    breaker = build_breaker()
    for _ in range(9):
        breaker.record(SUCCESS, NOW)
        breaker.record(FAILURE, NOW + 4)
    breaker.record(SUCCESS, NOW + 8)
    assert breaker.permits is None
    assert breaker.record(FAILURE, NOW + 8)


def test_a_few_deliveries_that_always_fail_do_not_open_it() -> None:
    breaker = build_breaker()
    for second in range(200):
        assert not breaker.record(FAILURE, NOW + second / 4, delivery_id=f"dlv_{second % 9}")
    assert breaker.record(FAILURE, NOW + 50, delivery_id="dlv_9"), "the tenth"


def test_a_delivery_that_fails_again_within_the_window_is_no_further_failure_of_it() -> None:
    breaker = build_breaker()
    for number in range(60):
        breaker.record(FAILURE, NOW + number / 10, delivery_id=f"dlv_{number % 5}")
        if number % 5 == 0:
            breaker.record(SUCCESS, NOW + number / 10)
    assert breaker.permits is None, "5 of 17 calls"
    breaker.record(FAILURE, NOW + 17, delivery_id="dlv_0")
    assert breaker.permits is None
    for number in range(5, 9):
        breaker.record(SUCCESS, NOW + 17)
        breaker.record(FAILURE, NOW + 17, delivery_id=f"dlv_{number}")
    assert breaker.permits is None, "few of few calls"


def test_failures_before_the_window_do_not_count() -> None:
    breaker = build_breaker()
    for second in range(40):
        breaker.record(FAILURE if second % 2 else SUCCESS, NOW + second)
    assert breaker.permits is None  # ten calls in ten seconds


def test_rejections_of_the_delivery_never_open_it() -> None:
    breaker = build_breaker()
    assert not any(breaker.record(SUCCESS, NOW) for _ in range(1000))


@pytest.mark.parametrize(("result", "cause"), [(THROTTLED, Cause.THROTTLED), (FAULT, Cause.CREDENTIALS)])
def test_the_first_throttling_or_rejection_of_the_account_opens_it(result: CallResult, cause: Cause) -> None:
    breaker = build_breaker()
    assert breaker.record(result, NOW)
    assert (breaker.permits, breaker.cause, breaker.open_until) == (0, cause, NOW + 1)


@pytest.mark.parametrize(("retry_after", "seconds"), [(0.0, 1.0), (0.5, 1.0), (60.0, 60.0), (1e12, 900.0), (math.inf, 900.0)])
def test_a_retry_after_counts_up_to_its_bound_and_does_not_shorten_the_delay(retry_after: float, seconds: float) -> None:
    breaker = build_breaker()
    breaker.record(THROTTLED, NOW, retry_after)
    assert breaker.open_until == NOW + seconds


def test_a_probe_that_is_throttled_waits_as_long_as_it_is_asked_to_and_otherwise_ever_longer() -> None:
    breaker, seconds = open_breaker(THROTTLED), []
    for retry_after in (0.0, 0.0, 1.0, 1.0, 30.0, 0.0):
        breaker.begin_probes()
        probe(breaker, THROTTLED, retry_after)
        seconds.append(breaker.open_until - NOW)
    assert seconds == [2, 4, 1, 1, 30, 8]


def test_a_throttled_account_that_takes_calls_again_waits_for_the_first_delay_when_it_is_throttled_once_more() -> None:
    breaker = open_breaker(THROTTLED)
    for _ in range(4):
        breaker.begin_probes()
        probe(breaker, THROTTLED)
    breaker.begin_probes()
    probe(breaker, SUCCESS)
    probe(breaker, THROTTLED)
    assert breaker.open_until == NOW + 1


def test_another_cause_begins_with_its_first_delay_and_a_probe_that_succeeded_keeps_the_delay() -> None:
    breaker, seconds = open_breaker(), []
    for results in ([FAILURE], [FAILURE], [SUCCESS, FAILURE], [THROTTLED], [THROTTLED], [FAILURE]):
        breaker.begin_probes()
        for result in results:
            probe(breaker, result)
        seconds.append(breaker.open_until - NOW)
    assert seconds == [10, 20, 20, 1, 2, 5]


def test_a_later_answer_from_before_the_opening_can_extend_it_and_show_a_fault() -> None:
    breaker = open_breaker(THROTTLED)
    assert not breaker.record(THROTTLED, NOW, 30.0)
    assert not breaker.record(THROTTLED, NOW, 20.0)
    assert not breaker.record(SUCCESS, NOW)
    assert not breaker.record(FAULT, NOW)
    assert (breaker.permits, breaker.open_until, breaker.cause) == (0, NOW + 30, Cause.CREDENTIALS)


def test_each_probe_that_fails_doubles_the_delay_up_to_the_longest() -> None:
    breaker, delays = open_breaker(), []
    for _ in range(8):
        breaker.begin_probes()
        assert breaker.permits == 1
        assert probe(breaker, FAILURE)
        delays.append(breaker.open_until - NOW)
    assert delays == [10, 20, 40, 80, 160, 300, 300, 300]


def test_delays_are_spread_by_a_quarter() -> None:
    assert [open_breaker(random=number).open_until for number in (0.0, 1.0)] == [NOW + 3.75, NOW + 6.25]


def test_probes_double_with_each_step_that_succeeds_until_it_is_closed() -> None:
    breaker, permits = open_breaker(), []
    breaker.begin_probes()
    while breaker.permits is not None:
        permits.append(breaker.permits)
        for _ in range(breaker.permits):
            probe(breaker, SUCCESS)
    assert permits == [1, 2, 4, 8, 16, 32, 64]


def test_a_step_of_which_half_fails_opens_it_again_and_one_with_fewer_does_not() -> None:
    breaker = open_breaker()
    breaker.begin_probes()
    for result in (SUCCESS, SUCCESS, SUCCESS, FAILURE, SUCCESS, SUCCESS, SUCCESS):
        probe(breaker, result)
    assert breaker.permits == 8
    for _ in range(3):
        probe(breaker, FAILURE)
    assert breaker.permits == 8
    assert probe(breaker, FAILURE)
    assert breaker.permits == 0


@pytest.mark.parametrize("result", [THROTTLED, FAULT])
def test_a_throttled_or_rejected_probe_opens_it_at_any_step(result: CallResult) -> None:
    breaker = open_breaker()
    breaker.begin_probes()
    for _ in range(1 + 2 + 4 + 5):
        probe(breaker, SUCCESS)
    assert probe(breaker, result, 30.0)
    assert (breaker.permits, breaker.open_until) == (0, NOW + 30)


def test_a_call_from_before_the_probes_says_nothing() -> None:
    breaker = open_breaker()
    breaker.begin_probes()
    before = breaker.probe_number
    probe(breaker, FAILURE)
    breaker.begin_probes()
    for result in CallResult:
        assert not breaker.record(result, NOW, 0.0, before)
        assert not breaker.record(result, NOW)
    assert breaker.permits == 1


def test_rejected_credentials_stay_the_cause_while_probes_have_no_answer() -> None:
    breaker = open_breaker(FAULT)
    breaker.begin_probes()
    probe(breaker, FAILURE)
    assert (breaker.cause, breaker.open_until) == (Cause.CREDENTIALS, NOW + 2)


def test_an_account_that_fails_soon_after_it_was_closed_stays_open_for_longer_than_at_first() -> None:
    breaker = open_breaker()
    breaker.close(NOW + 6)
    for _ in range(10):
        breaker.record(FAILURE, NOW + 100)
    assert breaker.open_until == NOW + 110
    breaker.close(NOW + 110)
    for _ in range(10):
        breaker.record(FAILURE, NOW + 411)
    assert breaker.open_until == NOW + 416


def test_a_throttled_account_begins_with_the_first_delay_each_time() -> None:
    breaker = open_breaker(THROTTLED)
    breaker.close(NOW + 1)
    breaker.record(THROTTLED, NOW + 2)
    assert breaker.open_until == NOW + 3


def test_a_breaker_is_idle_when_it_would_decide_as_a_new_one() -> None:
    breaker = build_breaker()
    breaker.record(FAILURE, NOW)
    assert [breaker.is_idle(NOW + seconds) for seconds in (0, 8.9, 11)] == [False, False, True]
    breaker = open_breaker()
    assert not breaker.is_idle(NOW + 1000)
    breaker.close(NOW + 10)
    assert [breaker.is_idle(NOW + seconds) for seconds in (300, 310)] == [False, True]


def test_the_ratio_and_the_counts_are_those_of_the_policy() -> None:
    policy = msgspec.structs.replace(POLICY, min_calls=4, failure_ratio=0.75, consecutive_failures=100, window=2.0)
    breaker = build_breaker(policy)
    for result in (SUCCESS, FAILURE, FAILURE):
        breaker.record(result, NOW)
    assert breaker.permits is None
    assert breaker.record(FAILURE, NOW + 1)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 3)), max_size=200), st.floats(0.5, 30))
def test_the_window_counts_what_a_list_of_all_calls_has(calls: list[tuple[bool, float]], seconds: float) -> None:
    window, now, counted = SlidingWindow(seconds), NOW, []
    for failed, pause in calls:
        now += pause
        window.add(failed, now)
        counted.append((int(now / (seconds / 10)), failed))
        recent = [was_failed for bucket, was_failed in counted if bucket > counted[-1][0] - 10]
        assert (window.calls, window.failures) == (len(recent), sum(recent))


class Model:
    """The breaker without buckets and without a memory of delays: lists of all calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, bool]] = []
        self.step: list[bool] = []
        self.permits: int | None = None

    def record(self, result: CallResult, now: float) -> None:
        failed, must_open = result is FAILURE, result in (THROTTLED, FAULT)
        if self.permits is None:
            self.calls.append((int(now), failed))
            recent = [was_failed for second, was_failed in self.calls if second > int(now) - 10]
            in_a_row = len(self.calls) >= 10 and all(was_failed for _, was_failed in self.calls[-10:])
            if must_open or (failed and (in_a_row or (len(recent) >= 20 and 2 * sum(recent) >= len(recent)))):
                self.permits, self.calls = 0, []
        elif self.permits:
            self.step.append(failed)
            if must_open or 2 * sum(self.step) >= self.permits:
                self.permits = 0
            elif len(self.step) >= self.permits:
                self.permits, self.step = (2 * self.permits if self.permits < 64 else None), []

    def begin_probes(self) -> None:
        self.permits, self.step = 1, []


RESULTS = st.sampled_from([SUCCESS] * 8 + [FAILURE] * 8 + [THROTTLED, FAULT])


@settings(max_examples=300)
@given(st.lists(st.tuples(RESULTS, st.floats(0, 2)), max_size=300))
def test_it_permits_what_the_model_permits(calls: list[tuple[CallResult, float]]) -> None:
    breaker, model, now = build_breaker(), Model(), NOW
    for result, pause in calls:
        now += pause
        before = breaker.permits
        changed = breaker.record(result, now, 0.0, breaker.probe_number)
        model.record(result, now)
        assert breaker.permits == model.permits
        assert changed == (breaker.permits != before)
        if breaker.permits == 0:
            assert now < breaker.open_until <= now + 375
            now = breaker.open_until
            breaker.begin_probes()
            model.begin_probes()
