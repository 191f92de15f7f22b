"""The four channels against the twins: what the ledger was asked agrees with what the worker says, for every script."""

import time
from collections import Counter
from pathlib import Path

import pytest

from schemas.delivery import Delivery
from schemas.policies import CallLimits
from schemas.words import CHANNELS, Channel, Outcome, Reason, StatusName
from tests.deliveries import a_delivery
from tests.integration.delivery.live import PATIENT, live, twins
from tests.unit.agents.delivery.world import Held

NUMBERS = {
    "bounce": "0001",
    "unsubscribed": "0004",
    "throttle-1": "1101",
    "throttle": "1100",
    "fail": "1200",
    "drop-1": "1301",
    "hang-1": "1601",
}
NUMBERS |= {"reset-2": "1502", "reject": "1800", "cut-1": "1401"}


def address(channel: Channel, url: str, word: str, number: int = 1) -> str:
    """An address for which the twins play the script of that word; a plain one for an empty word."""
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
    return a_delivery(channel, number, address=address(channel, url, word, number), created_at=now, expires_at=now + 600)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_each_delivery_is_asked_for_once_and_recorded_once(channel: Channel, tmp_path: Path) -> None:
    async with twins(tmp_path) as provided, live(channel, provided.url) as world:
        batches = [world.batch(*[fresh(channel, provided.url, number=start + n) for n in range(100)]) for start in (0, 100, 200)]
        await world.take(*batches)
        await world.until_ended(3)
        asked = Counter((entry.provider, entry.delivery) for entry in provided.entries())
        ended = [event.delivery_id for event in world.events]
    assert asked == Counter((world.provider.name, an_id) for an_id in ended)
    assert len(asked) == len(world.rows) == 300
    assert {event.status for event in world.events} == {StatusName.DELIVERED if channel == "webhook" else StatusName.SENT}
    assert all(event.provider_id for event in world.events) or channel == "webhook"
    assert all(isinstance(held, Held) and held.acked == 1 for held in batches)


SENT, FAILED = StatusName.SENT, StatusName.FAILED


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("word", "calls", "status", "reason"),
    [
        ("throttle-1", 2, SENT, ""),
        ("drop-1", 2, SENT, ""),
        ("cut-1", 2, SENT, ""),
        ("reset-2", 3, SENT, ""),
        ("hang-1", 2, SENT, ""),
        ("throttle", 3, FAILED, Reason.EXHAUSTED),
        ("fail", 3, FAILED, Reason.EXHAUSTED),
    ],
)
async def test_what_settles_nothing_is_tried_again(
    channel: Channel, word: str, calls: int, status: StatusName, reason: str, tmp_path: Path
) -> None:
    async with twins(tmp_path) as provided, live(channel, provided.url) as world:
        held = world.batch(fresh(channel, provided.url, word))
        await world.take(held)
        await world.until_ended(1)
        asked = [entry.delivery for entry in provided.entries()]
    last = world.events[-1]
    assert asked == [last.delivery_id] * calls
    assert [event.attempt for event in world.events] == list(range(calls))
    expected = StatusName.DELIVERED if (channel, status) == ("webhook", SENT) else status
    assert (last.status, last.reason) == (expected, reason)
    assert len(world.letters) == (status is FAILED)
    assert last.possible_duplicate is not word.startswith("throttle")
    assert held.acked


REJECTED: list[tuple[Channel, str, StatusName, str, int]] = [
    ("email", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("email", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("email", "unsubscribed", SENT, "", 0),  # SendGrid accepts it and says later, by an event, that it dropped it
    ("sms", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("sms", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("sms", "unsubscribed", StatusName.UNSUBSCRIBED, Reason.OPTED_OUT, 0),
    ("push", "bounce", FAILED, Reason.REJECTED_RECIPIENT, 0),
    ("push", "reject", FAILED, Reason.REJECTED_PERMANENT, 1),
    ("push", "unsubscribed", StatusName.BOUNCED, Reason.TOKEN_DEAD, 0),
    ("webhook", "bounce", FAILED, Reason.ENDPOINT_GONE, 0),
]


@pytest.mark.parametrize(("channel", "word", "status", "reason", "letters"), REJECTED)
async def test_what_settles_it_is_asked_for_once(
    channel: Channel, word: str, status: StatusName, reason: str, letters: int, tmp_path: Path
) -> None:
    async with twins(tmp_path) as provided, live(channel, provided.url) as world:
        await world.take(world.batch(fresh(channel, provided.url, word)))
        await world.until_ended(1)
        asked = len(provided.entries())
    (event,) = world.events
    assert (asked, event.status, event.reason, len(world.letters)) == (1, status, reason, letters)


@pytest.mark.parametrize("channel", CHANNELS)
async def test_without_a_provider_nothing_is_sent_and_it_ends_in_the_dead_letters(channel: Channel, tmp_path: Path) -> None:
    async with twins(tmp_path) as provided:
        nowhere = provided.url
    async with live(channel, nowhere) as world:
        await world.take(world.batch(fresh(channel, nowhere)))
        await world.until_ended(1)
    assert [event.outcome for event in world.events] == [Outcome.NOT_SENT] * 3
    assert [letter.headers["attempts"] for letter in world.letters] == ["3"]
    assert not world.events[-1].possible_duplicate


async def test_a_hanging_webhook_host_holds_up_no_other(tmp_path: Path) -> None:
    calls = CallLimits(calls=30, for_high=0, per_account=20)
    async with twins(tmp_path) as sick, twins(tmp_path / "well") as well, live("webhook", well.url, PATIENT, calls) as world:
        hanging = world.batch(*[fresh("webhook", sick.url, "hang", number) for number in range(100)], lane="low")
        others = world.batch(*[fresh("webhook", well.url, "", number) for number in range(100, 200)], lane="low")
        await world.take(hanging, others)
        await world.until_ended(1)
        assert (hanging.acked, others.acked) == (0, 1)
        assert len(well.entries()) == 100
        assert len(sick.entries()) <= 20
