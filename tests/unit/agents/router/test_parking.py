"""Records that wait for a look-up are parked: the partition goes on, except for their users and beyond the limits."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from agents.router.parking import ParkedBatch, Parking, ParkingLimits
from agents.router.routing_state import RoutingState, build_topic_set
from schemas.notification import Notification
from schemas.policy import Rule
from schemas.ports import Batch
from schemas.profile import build_address_key
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    USER_PARTITION,
    FakeBatchHandle,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    iterate,
    make_notification_id,
)

SALE = Rule("shop.sale", "marketing", "low", ("email",), template="shipped")
ALARM = Rule("shop.alarm", "marketing", "low", ("email",), template="shipped", mandatory=True)
OTP = Rule("account.otp", "security", "high", ("sms", "email"), "first", "shipped", mandatory=True)
EXPLICIT = {"email": "a@x.org", "push": "p", "sms": "+12025550102"}


class Outage:
    """A router whose profiles are unavailable until `end` is called; retries wait for `retry`."""

    def __init__(self, **limits: int) -> None:
        rules = [*POLICY.rules.values(), OTP, SALE, ALARM]
        parking_limits = ParkingLimits(**{"max_records": 100, "max_bytes": 100_000, **limits})
        self.harness = RouterHarness(build_policy(rules=rules), parking_limits=parking_limits)
        self.harness.profiles.failures_left = 1_000_000
        self.harness.sleep = self._sleep  # type: ignore[method-assign]
        self._retries = asyncio.Semaphore(0)

    async def _sleep(self, seconds: float) -> None:
        await self._retries.acquire()

    async def run(self, *handles: FakeBatchHandle) -> None:
        await asyncio.wait_for(self.harness.router.run(iterate(*handles)), 10)

    async def retry(self) -> None:
        """Let a retry run to its end."""
        self._retries.release()
        for _ in range(20):
            await asyncio.sleep(0)

    async def end(self) -> None:
        self.harness.profiles.failures_left = 0
        await self.retry()

    @property
    def decided(self) -> Sequence[str]:
        return [event.id for event in self.harness.decided_events]


def build_batch(*notifications: dict[str, Any], topic: str = "notifications.low") -> FakeBatchHandle:
    records = [build_record(encode_value(value), offset) for offset, value in enumerate(notifications)]
    return FakeBatchHandle(Batch(topic, USER_PARTITION, records))


def build(number: int, user: str = "u-42", **fields: Any) -> dict[str, Any]:
    return build_notification(id=make_notification_id(number), user_id=user, **fields)


def get_ids(*numbers: int) -> list[str]:
    return [make_notification_id(number) for number in numbers]


# users on the partition of u-42
OTHER_USER = "u-49"


@pytest.fixture
def outage() -> Outage:
    return Outage()


async def test_the_next_batch_of_the_partition_goes_on(outage: Outage) -> None:
    waits, goes_on = build_batch(build(1)), build_batch(build(2, OTHER_USER, to=EXPLICIT))
    await outage.run(waits, goes_on)
    assert outage.decided == get_ids(2)
    assert (waits.calls, goes_on.calls) == (["0 unfinished", "released"], ["acknowledged"])
    await outage.end()
    assert outage.decided == get_ids(2, 1)
    assert waits.calls[-1] == "acknowledged"


async def test_later_notifications_of_a_user_wait_behind_a_parked_one_in_their_order(outage: Outage) -> None:
    await outage.run(build_batch(build(1), build(2, to=EXPLICIT)), build_batch(build(3, to=EXPLICIT)))
    assert outage.decided == []
    await outage.end()
    assert outage.decided == get_ids(1, 2, 3)


@pytest.mark.parametrize("to", [EXPLICIT, {"sms": "+12025550102"}])
async def test_what_is_mandatory_overtakes_with_its_own_address(outage: Outage, to: dict[str, str]) -> None:
    await outage.run(build_batch(build(1), build(2, type="account.otp", to=to)), build_batch(build(3, type="account.otp", to=to)))
    assert outage.decided == get_ids(2, 3)
    assert outage.harness.last_state == ("routed", "")


async def test_what_is_mandatory_waits_without_an_address(outage: Outage) -> None:
    await outage.run(build_batch(build(1, type="account.otp")))
    assert outage.decided == []


async def test_a_batch_is_acknowledged_only_with_its_parked_records(outage: Outage) -> None:
    mixed = build_batch(build(1), build(2, OTHER_USER, to=EXPLICIT))
    await outage.run(mixed)
    assert outage.decided == get_ids(2)
    assert "acknowledged" not in mixed.calls
    await outage.retry()
    assert "acknowledged" not in mixed.calls
    await outage.end()
    assert mixed.calls.count("acknowledged") == 1


async def test_a_stop_waits_for_the_commits_of_a_batch_but_not_for_its_parked_records(outage: Outage) -> None:
    committer, mixed = outage.harness.committer, build_batch(build(1), build(2, OTHER_USER, to=EXPLICIT))
    committer.is_delayed = True
    await outage.run(mixed)
    assert mixed.calls == ["0 unfinished"]
    committer.pending_commits.pop().set_result(None)
    await asyncio.sleep(0)
    assert mixed.calls == ["0 unfinished", "released"]
    await outage.end()
    assert mixed.calls == ["0 unfinished", "released", "held"]
    committer.pending_commits.pop().set_result(None)
    await asyncio.sleep(0)
    assert mixed.calls == ["0 unfinished", "released", "held", "acknowledged"]


async def test_batches_do_not_look_profiles_up_while_records_are_parked(outage: Outage) -> None:
    await outage.run(build_batch(build(1)), build_batch(build(2, OTHER_USER, to=EXPLICIT)), build_batch(build(3, OTHER_USER)))
    assert len(outage.harness.profiles.requested_user_ids) == 1
    await outage.end()
    assert outage.decided == get_ids(2, 1, 3)
    await outage.run(build_batch(build(4)))
    assert outage.decided == get_ids(2, 1, 3, 4)


@pytest.mark.parametrize("limits", [{"max_records": 2}, {"max_bytes": 300}])
async def test_a_full_parking_stops_its_partition_and_no_other_priority(limits: dict[str, int]) -> None:
    outage = Outage(**limits)
    otp = build_batch(build(4, type="account.otp", to=EXPLICIT), topic="notifications.high")
    running = asyncio.create_task(outage.run(*[build_batch(build(number)) for number in (1, 2, 3)]))
    await asyncio.sleep(0.01)
    assert not running.done()
    await outage.run(otp)
    assert outage.decided == get_ids(4)
    await outage.end()
    await running
    await outage.retry()
    assert outage.decided == get_ids(4, 1, 2, 3)


async def test_parked_records_of_a_revoked_partition_are_dropped(outage: Outage) -> None:
    handle = build_batch(build(1))
    await outage.run(handle)
    outage.harness.router.on_partitions_revoked({USER_PARTITION})
    await outage.end()
    assert outage.decided == []
    assert handle.calls == ["0 unfinished", "released"]
    reread = build_batch(build(1))
    await outage.run(reread)
    assert (reread.calls[-1], outage.decided) == ("acknowledged", get_ids(1))


async def test_a_revocation_while_profiles_are_looked_up_again_decides_nothing(outage: Outage) -> None:
    get_many, router = outage.harness.profiles.get_many, outage.harness.router

    async def revoke_meanwhile(user_ids: Any) -> Any:
        router.on_partitions_revoked({USER_PARTITION})
        return await get_many(user_ids)

    await outage.run(build_batch(build(1)))
    outage.harness.profiles.get_many = revoke_meanwhile  # type: ignore[method-assign]
    await outage.end()
    assert outage.decided == []


async def test_an_error_at_a_retry_ends_the_router(outage: Outage) -> None:
    await outage.run(build_batch(build(1)))

    async def iterate_forever() -> Any:
        await asyncio.Event().wait()
        yield

    running = asyncio.create_task(outage.harness.router.run(iterate_forever()))
    await asyncio.sleep(0)
    outage.harness.rate_windows.get_many = lambda partition, keys: 1 / 0  # type: ignore[method-assign, return-value]
    await outage.end()
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(running, 10)


async def test_a_parked_notification_can_expire(outage: Outage) -> None:
    await outage.run(build_batch(build(1, expires_at=outage.harness.now + 2)))
    outage.harness.now += 3
    await outage.end()
    assert outage.harness.last_state == ("rejected", "expired")


async def test_stop_ends_the_retries(outage: Outage) -> None:
    await outage.run(build_batch(build(1)))
    (task,) = outage.harness.router._retry_tasks.values()
    await outage.harness.router.stop()
    await asyncio.wait([task])
    assert task.cancelled()


async def test_no_batch_waits_long_for_profiles(outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.router.router.PROFILE_PATIENCE_SECONDS", 0.01)
    get_many, is_available = outage.harness.profiles.get_many, asyncio.Event()

    async def hang(user_ids: Any) -> Any:
        await is_available.wait()
        return await get_many(user_ids)

    outage.harness.profiles.get_many = hang  # type: ignore[method-assign]
    await outage.run(build_batch(build(1), build(2, OTHER_USER, type="account.otp", to=EXPLICIT)))
    assert outage.decided == get_ids(2)
    assert outage.harness.routed_batches[0].cause == "profiles could not be read in time"
    is_available.set()
    await outage.end()
    assert outage.decided == get_ids(2, 1)


async def test_a_retry_whose_reader_gives_up_is_followed_by_another(outage: Outage) -> None:
    get_many = outage.harness.profiles.get_many

    async def give_up(user_ids: Any) -> Any:
        raise TimeoutError

    await outage.run(build_batch(build(1)))
    outage.harness.profiles.get_many = give_up  # type: ignore[method-assign]
    await outage.retry()
    assert not outage.decided
    outage.harness.profiles.get_many = get_many  # type: ignore[method-assign]
    await outage.end()
    assert outage.decided == get_ids(1)


def build_half_outage() -> Outage:
    """The profile of u-42 comes from a memory, and nothing confirms it."""
    outage = Outage()
    outage.harness.profiles.failures_left, outage.harness.profiles.unconfirmed = 0, {"u-42"}
    return outage


async def test_what_needs_consent_waits_while_it_is_not_known_and_nothing_else_does() -> None:
    outage = build_half_outage()
    await outage.run(
        build_batch(build(1, OTHER_USER, type=SALE.type, to=EXPLICIT), build(2), build(3, type=ALARM.type), build(4, type=SALE.type))
    )
    assert outage.decided == get_ids(1, 2, 3)
    await outage.retry()
    assert outage.decided == get_ids(1, 2, 3)
    outage.harness.profiles.unconfirmed.clear()
    await outage.retry()
    assert outage.decided == get_ids(1, 2, 3, 4)


async def test_what_needs_the_consent_of_an_address_waits_for_that_too() -> None:
    outage = build_half_outage()
    outage.harness.profiles.unconfirmed = {build_address_key("email", "a@x.org")}
    await outage.run(build_batch(build(1, type=SALE.type, to=EXPLICIT), build(2, OTHER_USER, type=SALE.type, to={"email": "b@x.org"})))
    assert outage.decided == get_ids(2)


async def test_a_mandatory_one_with_an_address_goes_on_without_a_check_and_its_log_says_so(outage: Outage) -> None:
    await outage.run(build_batch(build(1, type=ALARM.type, to=EXPLICIT)))
    assert (outage.harness.last_state, outage.harness.get_entry("consent").reason) == (("routed", ""), "not_checked")


async def test_what_needs_consent_waits_for_profiles_although_it_brings_addresses(outage: Outage) -> None:
    await outage.run(build_batch(build(1, type=SALE.type, to=EXPLICIT, locale="de")))
    assert outage.decided == []
    await outage.end()
    assert outage.decided == get_ids(1)


async def test_what_is_mandatory_waits_if_its_condition_asks_for_the_profile(outage: Outage) -> None:
    rules = [msgspec.structs.replace(OTP, condition=condition) for condition in ("data.order == 17", "user.known || true")]
    outage.harness.policies.policy = build_policy(rules=rules[:1])
    await outage.run(build_batch(build(1, type="account.otp", to=EXPLICIT)))
    assert outage.decided == get_ids(1)
    outage.harness.policies.policy = build_policy(rules=rules[1:])
    await outage.run(build_batch(build(2, type="account.otp", to=EXPLICIT)))
    assert outage.decided == get_ids(1)
    await outage.end()
    assert outage.decided == get_ids(1, 2)


def test_what_waits_on_keeps_its_order_when_some_of_the_oldest_are_decided() -> None:
    topics = build_topic_set("notifications.low", "")
    states = [RoutingState(build_record(b"", offset), topics, USER_PARTITION, 0.0) for offset in range(7)]
    for state in states:
        state.notification = Notification(f"u-{state.record.offset}", "shop.sale")
    parking = Parking(USER_PARTITION, ParkingLimits(max_records=100, max_bytes=100_000))
    parking.add(ParkedBatch(FakeBatchHandle(Batch("notifications.low", USER_PARTITION, [])), len(states)), states)
    removed = parking.remove([states[3], states[1]])
    assert [record.state for record in removed] == [states[1], states[3]]
    assert [record.state for record in parking.get_oldest(10)] == [states[0], states[2], *states[4:]]
    assert [record.state for record in parking.remove(states)] == [states[0], states[2], *states[4:]]
    assert not parking
