"""Tests of the four channels against the simulators: the request log matches the recorded attempts, for every script."""

import time
from collections import Counter
from pathlib import Path

import pytest

from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Outcome, Reason, Status
from tests.delivery_builders import build_delivery
from tests.integration.delivery.harness import LONG_TIMEOUTS, SHORT_TIMEOUTS, open_harness, run_simulators
from tests.unit.agents.delivery.harness import FakeBatchHandle

NUMBERS = {
    "bounce": "0001",
    "unsubscribed": "0004",
    "throttle-1": "1101",
    "throttle": "1100",
    "fail": "1200",
    "drop-1": "1301",
    "hang-1": "1601",
}
NUMBERS |= {"reset-2": "1502", "reject": "1800", "truncate-1": "1401"}


def build_address(channel: ChannelName, url: str, word: str, number: int = 1) -> str:
    """An address that selects a script of the simulators; without a word, one that is accepted."""
    match channel:
        case "email":
            return f"{word or 'ada'}@s{number}.example.org"
        case "sms":
            return f"+1500555{NUMBERS[word]}" if word else f"+49170{number:07}"
        case "push":
            return f"{word or 'token'}:{number}"
        case "webhook":
            return f"{url}/hooks/{word or 'shop'}/{number}"


def build_live_delivery(channel: ChannelName, url: str, word: str = "", number: int = 1) -> Delivery:
    now = time.time()
    return build_delivery(channel, number, address=build_address(channel, url, word, number), created_at=now, expires_at=now + 600)


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
async def test_each_delivery_is_requested_once_and_recorded_once(channel: ChannelName, tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as simulators, open_harness(channel, simulators.url) as harness:
        batches = [
            harness.build_batch(*[build_live_delivery(channel, simulators.url, number=start + n) for n in range(100)])
            for start in (0, 100, 200)
        ]
        await harness.run_batches(*batches)
        await harness.wait_for_batches(3)
        requested = Counter((entry.provider, entry.delivery_id) for entry in simulators.read_entries())
        finished = [event.delivery_id for event in harness.status_events]
    assert requested == Counter((harness.provider.name, an_id) for an_id in finished)
    assert len(requested) == len(harness.rows) == 300
    assert {event.status for event in harness.status_events} == {Status.DELIVERED if channel == "webhook" else Status.SENT}
    assert all(event.provider_message_id for event in harness.status_events) or channel == "webhook"
    assert all(isinstance(handle, FakeBatchHandle) and handle.ack_count == 1 for handle in batches)


SENT, FAILED = Status.SENT, Status.FAILED


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
@pytest.mark.parametrize(
    ("word", "calls", "status", "reason"),
    [
        ("throttle-1", 2, SENT, ""),
        ("drop-1", 2, SENT, ""),
        ("truncate-1", 2, SENT, ""),
        ("reset-2", 3, SENT, ""),
        ("hang-1", 2, SENT, ""),
        ("fail", 3, FAILED, Reason.RETRIES_EXHAUSTED),
    ],
)
async def test_a_retryable_result_is_retried(
    channel: ChannelName, word: str, calls: int, status: Status, reason: str, tmp_path: Path
) -> None:
    timeouts = SHORT_TIMEOUTS if word.startswith("hang") else LONG_TIMEOUTS
    async with run_simulators(tmp_path) as simulators, open_harness(channel, simulators.url, timeouts) as harness:
        handle = harness.build_batch(build_live_delivery(channel, simulators.url, word))
        await harness.run_batches(handle)
        await harness.run_retries()
        requested_ids = [entry.delivery_id for entry in simulators.read_entries()]
    last = harness.status_events[-1]
    assert requested_ids == [last.delivery_id] * calls
    assert [event.attempt for event in harness.status_events] == list(range(calls))
    expected = Status.DELIVERED if (channel, status) == ("webhook", SENT) else status
    assert (last.status, last.reason) == (expected, reason)
    assert len(harness.dead_letters) == (status is FAILED)
    assert last.possible_duplicate is not word.startswith("throttle")
    assert handle.ack_count


REJECTED: list[tuple[ChannelName, str, Status, str, int]] = [
    ("email", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("email", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("email", "unsubscribed", SENT, "", 0),  # SendGrid accepts it, and reports later by an event that it was dropped
    ("sms", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("sms", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("sms", "unsubscribed", Status.UNSUBSCRIBED, Reason.OPTED_OUT, 0),
    ("push", "bounce", FAILED, Reason.INVALID_TOKEN, 0),
    ("push", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("push", "unsubscribed", Status.BOUNCED, Reason.UNREGISTERED_TOKEN, 0),
    ("webhook", "bounce", FAILED, Reason.ENDPOINT_GONE, 0),
]


@pytest.mark.parametrize(("channel", "word", "status", "reason", "dead_letters"), REJECTED)
async def test_a_final_result_makes_one_request(
    channel: ChannelName, word: str, status: Status, reason: str, dead_letters: int, tmp_path: Path
) -> None:
    async with run_simulators(tmp_path) as simulators, open_harness(channel, simulators.url) as harness:
        await harness.run_batches(harness.build_batch(build_live_delivery(channel, simulators.url, word)))
        await harness.wait_for_batches(1)
        request_count = len(simulators.read_entries())
    (event,) = harness.status_events
    assert (request_count, event.status, event.reason, len(harness.dead_letters)) == (1, status, reason, dead_letters)


async def test_a_webhook_to_a_local_address_fails_at_once_without_a_request(tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as simulators, open_harness("webhook", simulators.url, allow="") as harness:
        handle = harness.build_batch(build_live_delivery("webhook", simulators.url))
        await harness.run_batches(handle)
        await harness.wait_for_batches(1)
        request_count = len(simulators.read_entries())
    (event,) = harness.status_events
    assert (request_count, event.status, event.reason, event.provider_code) == (0, FAILED, Reason.ADDRESS_NOT_ALLOWED, 0)
    assert not event.possible_duplicate
    assert not harness.dead_letters
    assert handle.ack_count


@pytest.mark.parametrize("channel", CHANNEL_NAMES)
async def test_an_unreachable_provider_is_not_sent_and_the_delivery_becomes_a_dead_letter(channel: ChannelName, tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as simulators:
        unreachable_url = simulators.url
    async with open_harness(channel, unreachable_url) as harness:
        await harness.run_batches(harness.build_batch(build_live_delivery(channel, unreachable_url)))
        await harness.run_retries()
    assert [event.outcome for event in harness.status_events] == [Outcome.NOT_SENT] * 3
    assert [dead_letter.attempts for dead_letter in harness.dead_letters] == [3]
    assert not harness.status_events[-1].possible_duplicate


async def test_a_hanging_webhook_host_does_not_block_others(tmp_path: Path) -> None:
    limits = ConcurrencyLimits(max_in_flight=30, reserved_for_high=0, max_per_account=20)
    async with (
        run_simulators(tmp_path) as hanging_simulators,
        run_simulators(tmp_path / "other") as other_simulators,
        open_harness("webhook", other_simulators.url, calls=limits) as harness,
    ):
        hanging = harness.build_batch(
            *[build_live_delivery("webhook", hanging_simulators.url, "hang", number) for number in range(100)], priority="low"
        )
        others = harness.build_batch(
            *[build_live_delivery("webhook", other_simulators.url, "", number) for number in range(100, 200)], priority="low"
        )
        await harness.run_batches(hanging, others)
        await harness.wait_for_batches(1)
        assert (hanging.ack_count, others.ack_count) == (0, 1)
        assert len(other_simulators.read_entries()) == 100
        assert len(hanging_simulators.read_entries()) <= 20
