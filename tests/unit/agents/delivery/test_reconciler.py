"""Calls without an answer in the worker: searched for, asked for, sent once more, or never twice, whatever is killed meanwhile."""

from collections import Counter
from typing import Any

import msgspec
import pytest

from agents.providers.twilio import Twilio
from schemas.content import SmsContent
from schemas.delivery import Delivery, UnansweredCall
from schemas.delivery_policy import ConcurrencyLimits, ReconciliationPolicy, RetryPolicy, RetrySchedule
from schemas.enums import Outcome, Reason, Status
from schemas.events import StatusEvent
from schemas.http import HttpResponse, HttpResult
from schemas.outcome import AttemptResult
from schemas.profile import Profile
from tables.attempts import NextAction, decode_row, encode_key
from tests.delivery_builders import NOW, build_delivery
from tests.event_builders import build_history_batch
from tests.fakes import run_pending_tasks
from tests.unit.agents.delivery.harness import ACCEPTED, BAD_REQUEST, MAYBE_SENT, NOT_SENT, DeliveryHarness, FakeBatchHandle
from tests.unit.agents.delivery.test_account_breakers import REJECTED_KEY

POLICY = ReconciliationPolicy({"high": 20.0, "medium": 120.0, "low": 600.0})
CREATED = HttpResponse(201, {}, b'{"sid":"SM9"}')
UNAVAILABLE = HttpResponse(503, {}, b"")
UNAUTHORIZED = HttpResponse(401, {}, b'{"code":20003}')


class Harness(DeliveryHarness):
    """A worker whose calls are reconciled; `released` is the batch with what the scheduler released last."""

    def __init__(self, provider: Any = None, **options: Any) -> None:
        super().__init__(provider, **{"reconciliation": POLICY, **options})

    async def lose_answer(self, delivery: Delivery, priority: Any = "medium") -> None:
        """Call for a delivery, get no answer, and commit what follows."""
        await self.run_batches(self.build_batch(delivery, priority=priority))
        self.commit()
        self.respond(MAYBE_SENT)
        self.commit()

    async def search(self) -> None:
        """Release the delivery when it is due, and let the search end."""
        self.released = await self.run_retry()
        await run_pending_tasks()

    async def record(self, delivery: Delivery, status: Status, **fields: Any) -> None:
        """Record a receipt."""
        ids = delivery.id, delivery.notification_id, delivery.user_id
        await self.history.write(build_history_batch(StatusEvent(*ids, delivery.channel, status, self.now, NOW, **fields)))

    @property
    def statuses(self) -> list[tuple[Status, int, str, bool]]:
        """Status, attempt, reason and possible duplicate of each event."""
        return [(event.status, event.attempt, event.reason, event.possible_duplicate) for event in self.status_events]


def build_twilio_harness(**options: Any) -> Harness:
    return Harness(Twilio("https://api.twilio.com", "AC17", "SK17", "secret", "+15005550006"), **options)


def build_list(*texts: str) -> HttpResponse:
    """Twilio's list of messages."""
    messages = [{"sid": f"SM{number}", "status": "sent", "body": text} for number, text in enumerate(texts)]
    return HttpResponse(200, {}, msgspec.json.encode({"messages": messages}))


@pytest.mark.parametrize(("priority", "grace"), [("high", 20.0), ("medium", 120.0), ("low", 600.0)])
async def test_a_call_without_an_answer_waits_in_the_scheduler_for_its_receipt(priority: str, grace: float) -> None:
    harness = Harness()
    await harness.lose_answer(build_delivery(), priority)
    (entry,) = harness.scheduled
    released = msgspec.json.decode(entry.payload, type=Delivery)
    assert entry.due_at == NOW + grace
    assert released.unanswered == UnansweredCall(0, NOW)
    assert (released.attempt, released.counted_attempts, released.possible_duplicate, released.account) == (1, 1, False, "sendgrid")
    (event,) = harness.status_events
    assert (event.status, event.outcome, event.next_attempt_at) == (Status.PENDING, Outcome.UNKNOWN, NOW + grace)
    assert not harness.pending_calls


async def test_a_receipt_ends_it_without_another_call() -> None:
    harness, delivery = Harness(), build_delivery()
    await harness.lose_answer(delivery)
    await harness.record(delivery, Status.DELIVERED)
    await harness.search()
    harness.commit()
    assert (len(harness.all_calls), harness.released.ack_count, harness.observed_resolutions) == (1, 1, ["receipt"])
    assert harness.statuses[-1] == (Status.DELIVERED, 0, "found_by_receipt", False)
    row = decode_row(harness.rows[3, encode_key(delivery.id)] or b"")
    assert (row.attempt, row.next_action, row.status) == (1, NextAction.DONE, Status.DELIVERED)


async def test_without_a_receipt_it_is_sent_once_more_and_flagged() -> None:
    harness, delivery = Harness(), build_delivery()
    await harness.lose_answer(delivery)
    await harness.search()
    harness.respond(ACCEPTED)
    assert harness.statuses == [(Status.PENDING, 0, "", False), (Status.SENT, 1, "", True)]
    assert harness.observed_resolutions == ["sent_again"]


async def test_it_is_sent_once_more_and_not_twice_however_many_attempts_are_left() -> None:
    harness, delivery = Harness(policy=RetryPolicy(RetrySchedule((0.5,) * 9), 10.0)), build_delivery()
    await harness.lose_answer(delivery)
    await harness.search()
    harness.respond(NOT_SENT)  # so the next call is the one that may be the second
    await harness.run_retry()
    harness.respond(MAYBE_SENT)
    await harness.search()
    assert (len(harness.all_calls), harness.pending_calls) == (3, [])
    assert harness.observed_resolutions == ["sent_again", "given_up"]
    assert harness.statuses[-1] == (Status.FAILED, 3, Reason.RETRIES_EXHAUSTED, True)
    (dead_letter,) = harness.dead_letters
    assert msgspec.json.decode(dead_letter.value or b"", type=Delivery).possible_duplicate, "so a redrive is flagged, too"


async def test_a_provider_that_says_that_it_has_failed_is_asked_again_as_often_as_the_schedule_says() -> None:
    harness, delivery = Harness(policy=RetryPolicy(RetrySchedule((0.5,) * 3), 10.0)), build_delivery()
    await harness.run_batches(harness.build_batch(delivery))
    for _ in range(4):
        harness.respond(UNAVAILABLE)
        await harness.search()
    assert (len(harness.all_calls), [one.reason for one in harness.dead_letters]) == (4, ["retries_exhausted"])


@pytest.mark.parametrize("status", [200, 204, 408])
async def test_an_answer_that_says_neither_is_as_good_as_none(status: int) -> None:
    harness, delivery = Harness(policy=RetryPolicy(RetrySchedule((0.5,) * 9), 10.0)), build_delivery()
    await harness.run_batches(harness.build_batch(delivery))
    for _ in range(2):
        harness.respond(HttpResponse(status, {}, b""))
        await harness.search()
    assert (len(harness.all_calls), harness.pending_calls) == (2, [])
    assert [one.reason for one in harness.dead_letters] == ["retries_exhausted"]


async def test_an_answer_between_does_not_make_a_third_call_without_one_possible() -> None:
    harness, delivery = Harness(policy=RetryPolicy(RetrySchedule((0.5,) * 9), 10.0)), build_delivery()
    await harness.run_batches(harness.build_batch(delivery))
    for result in (UNAVAILABLE, MAYBE_SENT, MAYBE_SENT):
        harness.respond(result)
        await harness.search()
    assert (len(harness.all_calls), [one.reason for one in harness.dead_letters]) == (3, ["retries_exhausted"])


async def test_the_end_of_a_webhook_names_its_endpoint() -> None:
    harness, delivery = Harness(), build_delivery(endpoint_id=f"whe_{1:032x}")
    await harness.lose_answer(delivery)
    await harness.record(delivery, Status.DELIVERED)
    await harness.search()
    assert [event.endpoint_id for event in harness.status_events] == [delivery.endpoint_id] * 2


async def test_what_may_be_sent_only_once_ends_as_unknown() -> None:
    harness, delivery = Harness(), build_delivery(at_most_once=True)
    await harness.lose_answer(delivery)
    await harness.search()
    harness.commit()
    assert harness.statuses[-1] == (Status.FAILED, 0, "unknown", False)
    assert (len(harness.all_calls), harness.dead_letters, harness.observed_resolutions) == (1, [], ["given_up"])
    assert harness.released.ack_count == 1


async def test_a_channel_that_repeats_without_harm_waits_for_nothing() -> None:
    harness = Harness(reconciliation=msgspec.structs.replace(POLICY, is_repeatable=True))
    await harness.lose_answer(build_delivery())
    await harness.search()
    harness.respond(ACCEPTED)
    assert harness.scheduled[0].due_at == NOW + 0.5
    assert harness.statuses[-1] == (Status.SENT, 1, "", True)


@pytest.mark.parametrize(
    ("texts", "status", "calls", "resolution"),
    [(["other", "Hello"], Status.SENT, 2, "look_up"), (["other"], None, 3, "sent_again"), ([], None, 3, "sent_again")],
)
async def test_twilio_is_asked_before_a_message_is_sent_again(texts: list[str], status: Status | None, calls: int, resolution: str) -> None:
    harness, delivery = build_twilio_harness(), build_delivery("sms", content=SmsContent("Hello"))
    await harness.lose_answer(delivery)
    await harness.search()
    assert harness.pending_calls[0].request.head.startswith(b"GET ")
    assert harness.deliverer.calls_in_flight == 0, "a look-up takes no room of a call"
    harness.respond(build_list(*texts))
    assert (len(harness.all_calls), harness.observed_resolutions) == (calls, [resolution])
    if status:
        assert harness.statuses[-1] == (status, 0, "found_at_provider", False)
        assert (harness.status_events[-1].provider_message_id, harness.status_events[-1].provider) == ("SM1", "twilio")
    else:
        harness.respond(CREATED)
        assert harness.statuses[-1] == (Status.SENT, 1, "", True)


async def test_a_receipt_saves_the_look_up() -> None:
    harness, delivery = build_twilio_harness(), build_delivery("sms")
    await harness.lose_answer(delivery)
    await harness.record(delivery, Status.SENT)
    await harness.search()
    assert not harness.pending_calls
    assert harness.statuses[-1] == (Status.SENT, 0, "found_by_receipt", False)


@pytest.mark.parametrize("result", [NOT_SENT, MAYBE_SENT, HttpResponse(503, {}, b""), UNAUTHORIZED])
async def test_a_provider_that_does_not_say_is_asked_again_later(result: HttpResult) -> None:
    harness, delivery = build_twilio_harness(), build_delivery("sms", content=SmsContent("Hello"))
    await harness.lose_answer(delivery)
    for number in range(3):
        await harness.search()
        harness.respond(result)
        assert harness.scheduled[-1].due_at == harness.now + 5 * 2**number
    harness.commit()
    assert (harness.released.ack_count, harness.observed_resolutions) == (1, [])
    await harness.search()
    harness.respond(build_list("Hello"))
    assert harness.statuses[-1] == (Status.SENT, 0, "found_at_provider", False)
    assert [attempt for _, attempt, _, _ in harness.statuses] == [0, 1, 2, 3, 0]


async def test_while_the_history_cannot_be_read_it_waits_at_most_until_its_expiry() -> None:
    harness, delivery = Harness(), build_delivery(expires_at=NOW + 1000)
    await harness.lose_answer(delivery)
    harness.history.unavailable = True
    for _ in range(20):
        if harness.statuses[-1][0] is not Status.PENDING:
            break
        await harness.search()
    assert harness.statuses[-1] == (Status.FAILED, 0, "unknown", False)
    assert harness.now == NOW + 1000
    assert "unavailable" in harness.status_events[-2].detail
    assert len(harness.all_calls) == 1


async def test_a_batch_shares_one_query() -> None:
    harness = Harness()
    deliveries = [build_delivery(number=number) for number in range(1, 5)]
    queries: list[int] = []
    original = harness.history.get_statuses

    async def count(ids: Any) -> Any:
        queries.append(len(ids))
        return await original(ids)

    harness.history.get_statuses = count  # type: ignore[method-assign]
    waiting = [msgspec.structs.replace(one, attempt=1, unanswered=UnansweredCall(0, NOW)) for one in deliveries]
    await harness.run_batches(harness.build_batch(*waiting))
    await run_pending_tasks()
    assert queries == [4]
    assert len(harness.pending_calls) == 4


async def test_attempts_that_are_used_up_end_in_a_dead_letter_only_after_the_search() -> None:
    harness, delivery = Harness(policy=RetryPolicy(RetrySchedule(()), 10.0)), build_delivery()
    await harness.lose_answer(delivery)
    assert not harness.dead_letters
    await harness.search()
    assert [dead_letter.reason for dead_letter in harness.dead_letters] == ["retries_exhausted"]
    assert len(harness.all_calls) == 1


async def test_consent_is_checked_before_it_is_sent_again() -> None:
    harness, delivery = Harness(), build_delivery(consent="opt_out", category="marketing")
    harness.profiles.profiles[delivery.user_id] = Profile(delivery.user_id, True, {"email": [delivery.address]})
    await harness.run_batches(harness.build_batch(delivery))
    await run_pending_tasks()
    harness.respond(MAYBE_SENT)
    harness.profiles.profiles[delivery.user_id] = Profile(
        delivery.user_id, True, {"email": [delivery.address]}, choices={"marketing/email": "out"}
    )
    await harness.search()
    assert harness.statuses[-1] == (Status.FAILED, 1, "opted_out", True)
    assert len(harness.all_calls) == 1


class TestIntent:
    """What may be sent only once is called for when its row says so."""

    async def test_the_row_is_durable_before_the_call(self) -> None:
        harness, delivery = Harness(), build_delivery(at_most_once=True)
        handle = harness.build_batch(delivery)
        await harness.run_batches(handle)
        assert not harness.all_calls
        harness.commit()
        row = decode_row(harness.rows[3, encode_key(delivery.id)] or b"")
        assert (row.next_action, row.attempt, row.status, row.outcome) == (NextAction.CALLING, 0, Status.PENDING, None)
        harness.respond(ACCEPTED)
        harness.commit()
        assert handle.ack_count == 1
        assert decode_row(harness.rows[3, encode_key(delivery.id)] or b"").next_action is NextAction.DONE

    async def test_a_worker_that_ends_in_the_call_never_repeats_it(self) -> None:
        first, delivery = Harness(), build_delivery(at_most_once=True)
        handle = first.build_batch(delivery)
        await first.run_batches(handle)
        first.commit()
        assert len(first.all_calls) == 1

        second = restart(first)
        reread = handle.reread()
        await second.run_batches(reread)
        second.commit()
        assert (second.all_calls, reread.ack_count) == ([], 1)
        (event,) = second.status_events
        assert (event.outcome, event.attempt, event.next_attempt_at) == (Outcome.UNKNOWN, 0, NOW + 120)
        await second.search()
        assert second.statuses[-1] == (Status.FAILED, 0, "unknown", False)
        assert not second.all_calls

    async def test_a_receipt_tells_that_the_call_of_the_ended_worker_arrived(self) -> None:
        first, delivery = Harness(), build_delivery(at_most_once=True)
        handle = first.build_batch(delivery)
        await first.run_batches(handle)
        first.commit()
        second = restart(first)
        await second.run_batches(handle.reread())
        await second.record(delivery, Status.DELIVERED)
        await second.search()
        assert second.statuses[-1] == (Status.DELIVERED, 0, "found_by_receipt", False)

    async def test_a_worker_that_ends_before_the_row_is_durable_has_made_no_call(self) -> None:
        first, delivery = Harness(), build_delivery(at_most_once=True)
        handle = first.build_batch(delivery)
        await first.run_batches(handle)
        second = restart(first)
        await second.run_batches(handle.reread())
        second.commit()
        assert (len(first.all_calls), len(second.all_calls)) == (0, 1)

    async def test_a_rejected_credential_is_no_call_that_may_have_arrived(self) -> None:
        harness, delivery = build_twilio_harness(), build_delivery("sms", at_most_once=True)
        handle = harness.build_batch(delivery)
        await harness.run_batches(handle)
        harness.commit()
        harness.respond(UNAUTHORIZED)
        harness.commit()
        assert (3, encode_key(delivery.id)) in harness.rows
        second = restart(harness)
        await second.run_batches(handle.reread())
        second.commit()
        assert len(second.all_calls) == 1, "nothing was sent, so a replay sends it"
        harness.advance_clock(1.0)
        harness.commit()
        harness.respond(CREATED)
        assert harness.statuses[-1] == (Status.SENT, 1, "", False)

    async def test_a_retry_after_a_failure_that_sent_nothing_is_a_call_of_its_own(self) -> None:
        harness, delivery = Harness(), build_delivery(at_most_once=True)
        await harness.run_batches(harness.build_batch(delivery))
        harness.commit()
        harness.respond(NOT_SENT)
        harness.commit()
        await harness.search()
        harness.commit()
        assert len(harness.all_calls) == 2
        harness.respond(ACCEPTED)
        assert harness.statuses[-1] == (Status.SENT, 1, "", False)

    async def test_a_record_from_before_the_redrive_that_is_called_for_is_skipped(self) -> None:
        first, delivery = Harness(), build_delivery(at_most_once=True)
        before = first.build_batch(delivery, build_delivery(number=2))  # the other one keeps the batch unacknowledged
        redriven = first.build_batch(msgspec.structs.replace(delivery, redrive_count=1))
        await first.run_batches(before)
        first.commit()
        first.respond(BAD_REQUEST, first.called_ids.index(delivery.id))
        await first.run_batches(redriven)
        first.commit()
        assert [call.delivery_id for call in first.all_calls].count(delivery.id) == 2
        second = restart(first)
        for handle in (before, redriven):
            await second.run_batches(handle.reread())
            second.commit()
        assert delivery.id not in second.called_ids
        assert [(event.redrive_count, event.outcome) for event in second.status_events] == [(1, Outcome.UNKNOWN)]

    @pytest.mark.parametrize("priority", ["high", "medium"])
    async def test_no_more_rows_are_written_than_calls_may_be_made(self, priority: Any) -> None:
        harness = Harness(limits=ConcurrencyLimits(4, 0, 4))
        await harness.run_batches(harness.build_batch(*build_once(40), priority=priority))
        harness.commit()
        assert len(harness.rows) == len(harness.pending_calls) == 4
        while harness.pending_calls:
            harness.respond(ACCEPTED)
            harness.commit()
        assert Counter(status for status, *_ in harness.statuses) == {Status.SENT: 40}

    async def test_a_stop_withdraws_the_rows_of_calls_that_are_not_made(self) -> None:
        harness = Harness()
        handle = harness.build_batch(*build_once(4))
        await harness.run_batches(handle)
        harness.deliverer.begin_stop()
        await harness.deliverer.stop()
        harness.commit()
        harness.commit()
        assert not harness.all_calls
        second = restart(harness)
        await second.run_batches(handle.reread())
        second.commit()
        assert len(second.pending_calls) == 4

    @pytest.mark.parametrize("ends", ["key", "stop"])
    async def test_a_redrive_whose_call_was_not_made_is_called_for_by_the_next_worker(self, ends: str) -> None:
        harness, delivery = Harness(), build_delivery(at_most_once=True, redrive_count=2)
        handle = harness.build_batch(delivery)
        await harness.run_batches(handle)
        if ends == "stop":
            harness.deliverer.begin_stop()
            await harness.deliverer.stop()
        harness.commit()
        if ends == "key":
            harness.respond(REJECTED_KEY)
        harness.commit()
        second = restart(harness)
        before = second.build_batch(msgspec.structs.replace(delivery, redrive_count=1))
        await second.run_batches(handle.reread(), before)
        second.commit()
        assert second.called_ids == [delivery.id]
        assert before.ack_count == 1, "what was redriven is done"

    async def test_a_revoked_partition_keeps_no_place_among_the_calls(self) -> None:
        harness = Harness(limits=ConcurrencyLimits(4, 0, 4))
        handle = harness.build_batch(*build_once(4))
        await harness.run_batches(handle)
        harness.deliverer.on_partitions_revoked([3])
        harness.drop_uncommitted()
        assert harness.deliverer.calls_in_flight == 0
        await harness.run_batches(handle.reread())
        harness.commit()
        assert len(harness.pending_calls) == 4

    async def test_what_waits_behind_a_revoked_partition_is_called_for(self) -> None:
        harness = Harness(limits=ConcurrencyLimits(8, 0, 2))
        await harness.run_batches(harness.build_batch(*build_once(4)))
        await harness.run_batches(harness.build_batch(build_delivery(number=9), partition=5))
        assert not harness.pending_calls
        harness.deliverer.on_partitions_revoked([3])
        assert harness.called_ids == [build_delivery(number=9).id]

    async def test_a_delivery_that_is_revoked_while_its_row_is_written_is_not_called_for(self) -> None:
        harness, delivery = Harness(), build_delivery(at_most_once=True)
        await harness.run_batches(harness.build_batch(delivery))
        harness.deliverer.on_partitions_revoked([3])
        harness.commit()
        assert not harness.all_calls


def build_once(count: int) -> list[Delivery]:
    return [build_delivery(number=number, at_most_once=True) for number in range(1, count + 1)]


def restart(harness: Harness) -> Harness:
    """A new worker with the committed rows of one that was killed."""
    other = Harness(harness.provider)
    other.rows = dict(harness.rows)
    other.now, other._last_offset = harness.now, harness._last_offset
    return other


async def test_a_stop_leaves_what_is_searched_for_to_the_next_worker() -> None:
    harness, delivery = build_twilio_harness(), build_delivery("sms")
    await harness.lose_answer(delivery)
    await harness.search()
    harness.deliverer.begin_stop()
    await harness.deliverer.stop()
    harness.respond(build_list())
    assert harness.released.release_count == 1
    assert (len(harness.all_calls), harness.released.ack_count) == (2, 0)


async def test_a_revoked_delivery_is_not_concluded() -> None:
    harness, delivery = build_twilio_harness(), build_delivery("sms", content=SmsContent("Hello"))
    await harness.lose_answer(delivery)
    await harness.search()
    harness.deliverer.on_partitions_revoked([3])
    harness.respond(build_list("Hello"))
    assert len(harness.status_events) == 1


async def test_an_unexpected_error_of_a_look_up_ends_the_worker() -> None:
    class Broken(Twilio):
        """A provider whose look-up has a bug."""

    provider = Broken("https://api.twilio.com", "AC17", "SK17", "secret", "+15005550006")
    provider.look_up.parse_result = None  # type: ignore[assignment]
    harness = Harness(provider)
    await harness.lose_answer(build_delivery("sms"))
    handle = FakeBatchHandle(harness.build_batch().batch)
    await harness.search()
    harness.respond(build_list())
    with pytest.raises(TypeError):
        await harness.run_batches(handle)


def test_the_detail_of_an_interrupted_call_names_no_content() -> None:
    from agents.delivery.reconciler import INTERRUPTED

    assert isinstance(INTERRUPTED, AttemptResult)
    assert INTERRUPTED.outcome is Outcome.UNKNOWN
