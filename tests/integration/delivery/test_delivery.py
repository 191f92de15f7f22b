"""The four channels against the simulators: what the ledger was asked agrees with what the worker says, for every script."""

import time
from collections import Counter
from pathlib import Path

import pytest

from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import CHANNELS, Channel, Outcome, Reason, Status
from tests.delivery_builders import build_delivery
from tests.integration.delivery.harness import LONG_TIMEOUTS, open_harness, run_simulators
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


def address(channel: Channel, url: str, word: str, number: int = 1) -> str:
    """An address for which the simulators play the script of that word; a plain one for an empty word."""
    match channel:
        case "email":
            return f"{word or 'ada'}@s{number}.example.org"
        case "sms":
            return f"+1500555{NUMBERS[word]}" if word else f"+49170{number:07}"
        case "push":
            return f"{word or 'token'}:{number}"
        case "webhook":
            return f"{url}/hooks/{word or 'shop'}/{number}"


def fresh(channel: Channel, url: str, word: str = "", number: int = 1) -> Delivery:
    now = time.time()
    return build_delivery(channel, number, address=address(channel, url, word, number), created_at=now, expires_at=now + 600)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_each_delivery_is_asked_for_once_and_recorded_once(channel: Channel, tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as provided, open_harness(channel, provided.url) as world:
        batches = [world.build_batch(*[fresh(channel, provided.url, number=start + n) for n in range(100)]) for start in (0, 100, 200)]
        await world.run_batches(*batches)
        await world.wait_for_batches(3)
        asked = Counter((entry.provider, entry.delivery_id) for entry in provided.read_entries())
        ended = [event.delivery_id for event in world.status_events]
    assert asked == Counter((world.provider.name, an_id) for an_id in ended)
    assert len(asked) == len(world.rows) == 300
    assert {event.status for event in world.status_events} == {Status.DELIVERED if channel == "webhook" else Status.SENT}
    assert all(event.provider_message_id for event in world.status_events) or channel == "webhook"
    assert all(isinstance(held, FakeBatchHandle) and held.ack_count == 1 for held in batches)


SENT, FAILED = Status.SENT, Status.FAILED


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("word", "calls", "status", "reason"),
    [
        ("throttle-1", 2, SENT, ""),
        ("drop-1", 2, SENT, ""),
        ("truncate-1", 2, SENT, ""),
        ("reset-2", 3, SENT, ""),
        ("hang-1", 2, SENT, ""),
        ("throttle", 3, FAILED, Reason.RETRIES_EXHAUSTED),
        ("fail", 3, FAILED, Reason.RETRIES_EXHAUSTED),
    ],
)
async def test_what_settles_nothing_is_tried_again(
    channel: Channel, word: str, calls: int, status: Status, reason: str, tmp_path: Path
) -> None:
    async with run_simulators(tmp_path) as provided, open_harness(channel, provided.url) as world:
        held = world.build_batch(fresh(channel, provided.url, word))
        await world.run_batches(held)
        await world.wait_for_batches(1)
        asked = [entry.delivery_id for entry in provided.read_entries()]
    last = world.status_events[-1]
    assert asked == [last.delivery_id] * calls
    assert [event.attempt for event in world.status_events] == list(range(calls))
    expected = Status.DELIVERED if (channel, status) == ("webhook", SENT) else status
    assert (last.status, last.reason) == (expected, reason)
    assert len(world.dead_letters) == (status is FAILED)
    assert last.possible_duplicate is not word.startswith("throttle")
    assert held.ack_count


REJECTED: list[tuple[Channel, str, Status, str, int]] = [
    ("email", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("email", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("email", "unsubscribed", SENT, "", 0),  # SendGrid accepts it and says later, by an event, that it dropped it
    ("sms", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("sms", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("sms", "unsubscribed", Status.UNSUBSCRIBED, Reason.OPTED_OUT, 0),
    ("push", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("push", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("push", "unsubscribed", Status.BOUNCED, Reason.UNREGISTERED_TOKEN, 0),
    ("webhook", "bounce", FAILED, Reason.ENDPOINT_GONE, 0),
]


@pytest.mark.parametrize(("channel", "word", "status", "reason", "letters"), REJECTED)
async def test_what_settles_it_is_asked_for_once(
    channel: Channel, word: str, status: Status, reason: str, letters: int, tmp_path: Path
) -> None:
    async with run_simulators(tmp_path) as provided, open_harness(channel, provided.url) as world:
        await world.run_batches(world.build_batch(fresh(channel, provided.url, word)))
        await world.wait_for_batches(1)
        asked = len(provided.read_entries())
    (event,) = world.status_events
    assert (asked, event.status, event.reason, len(world.dead_letters)) == (1, status, reason, letters)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_without_a_provider_nothing_is_sent_and_it_ends_in_the_dead_letters(channel: Channel, tmp_path: Path) -> None:
    async with run_simulators(tmp_path) as provided:
        nowhere = provided.url
    async with open_harness(channel, nowhere) as world:
        await world.run_batches(world.build_batch(fresh(channel, nowhere)))
        await world.wait_for_batches(1)
    assert [event.outcome for event in world.status_events] == [Outcome.NOT_SENT] * 3
    assert [letter.headers["attempts"] for letter in world.dead_letters] == ["3"]
    assert not world.status_events[-1].possible_duplicate


async def test_a_hanging_webhook_host_holds_up_no_other(tmp_path: Path) -> None:
    calls = ConcurrencyLimits(max_in_flight=30, reserved_for_high=0, max_per_account=20)
    async with (
        run_simulators(tmp_path) as sick,
        run_simulators(tmp_path / "well") as well,
        open_harness("webhook", well.url, LONG_TIMEOUTS, calls) as world,
    ):
        hanging = world.build_batch(*[fresh("webhook", sick.url, "hang", number) for number in range(100)], priority="low")
        others = world.build_batch(*[fresh("webhook", well.url, "", number) for number in range(100, 200)], priority="low")
        await world.run_batches(hanging, others)
        await world.wait_for_batches(1)
        assert (hanging.ack_count, others.ack_count) == (0, 1)
        assert len(well.read_entries()) == 100
        assert len(sick.read_entries()) <= 20
