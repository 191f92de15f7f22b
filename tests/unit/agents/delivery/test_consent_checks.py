"""Consent is checked again before a call: one look-up for all that wait, none for those that need none; what is not known waits."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from agents.delivery import consent_checks
from schemas.consent import MAX_CONSENT_AGE
from schemas.delivery import Delivery
from schemas.delivery_policy import ConcurrencyLimits
from schemas.enums import Status
from schemas.profile import ActiveSuppression, Profile, build_address_key
from tests.delivery_builders import NOW, build_delivery
from tests.memory_stores import MemoryProfileReader
from tests.unit.agents.delivery.harness import ACCEPTED, NOT_SENT, DeliveryHarness, FakeBatchHandle

ONE_CALL = ConcurrencyLimits(1, 0, 100)


class CountingReader(MemoryProfileReader):
    """Profiles that record what was asked for."""

    def __init__(self) -> None:
        super().__init__({f"u-{number}": Profile(f"u-{number}", addresses={"email": ["ada@example.org"]}) for number in range(9)})
        self.calls: list[list[str]] = []

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.calls.append(list(user_ids))
        return await super().get_many(user_ids)


def build(number: int = 1, **changes: Any) -> Delivery:
    return build_delivery(number=number, **{"consent": "opt_out", "category": "marketing", **changes})


def build_profile(**fields: Any) -> Profile:
    return Profile("u-1", addresses={"email": ["ada@example.org"]}, **fields)


class ConsentHarness(DeliveryHarness):
    """A harness whose profiles count their reads."""

    def __init__(self, **options: Any) -> None:
        self.reader = CountingReader()
        super().__init__(profiles=self.reader, **options)

    async def deliver(self, *deliveries: Delivery) -> FakeBatchHandle:
        handle = self.build_batch(*deliveries)
        await self.run_batches(handle)
        await self.settle()
        return handle

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        self.advance_clock(seconds)
        await self.settle()

    @property
    def endings(self) -> list[tuple[Status, str]]:
        return [(event.status, event.reason) for event in self.status_events]


async def test_all_of_a_batch_cost_one_look_up_and_those_that_need_none_cost_nothing() -> None:
    harness = ConsentHarness()
    await harness.run_batches(harness.build_batch(build(1), build(2), build(3, consent="")))
    assert len(harness.pending_calls) == 1
    await harness.settle()
    assert len(harness.pending_calls) == 3
    assert harness.reader.calls == [["u-1", "u-2"]]


@pytest.mark.parametrize(
    ("profile", "changes", "reason"),
    [
        (build_profile(choices={"marketing/": "out"}), {}, "opted_out"),
        (build_profile(choices={"/email": "out"}), {}, "opted_out"),
        (build_profile(choices={"news/": "out"}), {}, ""),
        (build_profile(), {"consent": "opt_in"}, "not_opted_in"),
        (build_profile(suppressions=[ActiveSuppression("email", "ADA@example.org", "", "complaint")]), {}, "suppressed"),
        (build_profile(suppressions=[ActiveSuppression("email", "", "news", "stop")]), {}, ""),
        (Profile("u-1", known=False), {}, ""),
    ],
)
async def test_what_consent_forbids_now_fails_without_a_call(profile: Profile, changes: dict[str, Any], reason: str) -> None:
    harness = ConsentHarness()
    harness.reader.profiles["u-1"] = profile
    handle = await harness.deliver(build(**changes))
    assert len(harness.all_calls) == (not reason)
    if reason:
        assert harness.endings == [(Status.FAILED, reason)]
        assert (harness.status_events[0].outcome, harness.status_events[0].attempt, harness.dead_letters) == (None, 0, [])
        assert harness.observed_batches[0].outcome_counts == {reason: 1}
        harness.commit()
        assert handle.ack_count == 1
        await harness.deliver(build(**changes))
        assert harness.observed_batches[1].outcome_counts == {"skipped": 1}


async def test_an_address_that_the_user_does_not_have_is_looked_up_too() -> None:
    harness = ConsentHarness()
    key = build_address_key("email", "bob@example.org")
    harness.reader.profiles[key] = Profile(key, False, suppressions=[ActiveSuppression("email", "bob@example.org")])
    await harness.deliver(build(1, address="bob@example.org"), build(2))
    assert harness.reader.calls == [["u-1", "u-2"], [key]]
    assert (harness.endings, len(harness.pending_calls)) == ([(Status.FAILED, "suppressed")], 1)


async def test_what_waits_long_for_a_call_is_checked_again_with_all_others_that_do() -> None:
    harness = ConsentHarness(limits=ONE_CALL)
    await harness.deliver(*[build(number) for number in range(1, 6)])
    harness.respond(ACCEPTED)
    assert len(harness.reader.calls) == 1
    harness.reader.profiles["u-4"] = Profile("u-4", choices={"/": "out"})
    await harness.wait(MAX_CONSENT_AGE + 0.01)
    harness.respond(ACCEPTED)
    await harness.settle()
    assert harness.reader.calls[1:] == [["u-3", "u-4", "u-5"], [build_address_key("email", "ada@example.org")]]
    assert harness.endings == [(Status.SENT, ""), (Status.SENT, ""), (Status.FAILED, "opted_out")]
    while harness.pending_calls:
        harness.respond(ACCEPTED)
    assert [status for status, _ in harness.endings].count(Status.SENT) == 4


async def test_a_retry_is_checked_again() -> None:
    harness = ConsentHarness()
    await harness.deliver(build())
    harness.respond(NOT_SENT)
    harness.reader.profiles["u-1"] = build_profile(choices={"/": "out"})
    await harness.run_retry()
    await harness.wait(0.0)
    assert (harness.endings[-1], len(harness.all_calls)) == ((Status.FAILED, "opted_out"), 1)


@pytest.mark.parametrize("is_old", [False, True])
async def test_what_is_not_known_waits_and_holds_nobody_else(is_old: bool) -> None:
    harness = ConsentHarness()
    harness.reader.unavailable, harness.reader.profiles["u-1"] = not is_old, build_profile(consent_known=False)
    await harness.deliver(build(1), build(2, consent=""))
    await harness.wait(consent_checks.RETRY_SECONDS)
    await harness.deliver(build(3, consent=""))
    assert (len(harness.pending_calls), len(harness.observed_outages)) == (2, 1)
    harness.reader.unavailable, harness.reader.profiles["u-1"] = False, build_profile()
    await harness.wait(consent_checks.RETRY_SECONDS)
    assert len(harness.pending_calls) == 3


async def test_what_expires_while_its_consent_is_not_known_ends() -> None:
    harness = ConsentHarness()
    harness.reader.unavailable = True
    await harness.deliver(build(expires_at=NOW + 0.5))
    await harness.wait(consent_checks.RETRY_SECONDS)
    assert (harness.endings, harness.all_calls) == ([(Status.FAILED, "expired")], [])


async def test_a_rebalance_does_not_wait_for_it_and_a_revoked_one_is_dropped() -> None:
    harness = ConsentHarness()
    harness.reader.unavailable = True
    handle = await harness.deliver(build())
    harness.deliverer.on_drain()
    assert handle.release_count == 1
    harness.deliverer.on_partitions_revoked([3])
    harness.reader.unavailable = False
    await harness.wait(consent_checks.RETRY_SECONDS)
    assert (harness.all_calls, harness.endings) == ([], [])
    await harness.run_batches(handle.reread())
    await harness.settle()
    assert len(harness.all_calls) == 1


async def test_a_stopped_worker_checks_nothing_more() -> None:
    harness = ConsentHarness()
    harness.reader.unavailable = True
    await harness.deliver(build())
    await harness.deliverer.stop()
    harness.reader.unavailable = False
    await harness.wait(consent_checks.RETRY_SECONDS)
    assert harness.all_calls == []


async def test_a_rebalance_does_not_wait_for_a_look_up_that_hangs_during_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    harness = ConsentHarness()
    harness.reader.unavailable = True
    handle = await harness.deliver(build())

    async def hang(user_ids: Iterable[str]) -> Mapping[str, Profile]:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr(harness.reader, "get_many", hang)
    await harness.wait(consent_checks.RETRY_SECONDS)
    harness.deliverer.on_drain()
    assert handle.release_count == 1
    await harness.deliverer.stop()
