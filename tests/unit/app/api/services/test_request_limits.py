"""Requests per second: what one process admits, what several do together, and what is remembered."""

import asyncio
from typing import Any

import pytest

from app.api.principal import Principal
from app.api.services.request_limits import CHARGE_INTERVAL, MIN_SWEPT_BUCKETS, Bucket, Refusal, RequestLimits, get_network
from app.settings import LimitsSection
from schemas.permissions import Role
from tables.process_rate_limiter import ProcessRateLimiter

OFF = LimitsSection(
    ip_per_second=0,
    ip_burst=1,
    key_per_second=0,
    key_burst=1,
    account_per_second=0,
    account_burst=1,
    project_per_second=0,
    project_burst=1,
    rejected_per_second=0,
    rejected_burst=1,
)


def build_section(**changes: Any) -> LimitsSection:
    return LimitsSection(**{name: changes.get(name, getattr(OFF, name)) for name in OFF.__struct_fields__})


def build_principal(id: str = "k-1", kind: Any = "key", project: str = "") -> Principal:  # noqa: A002
    return Principal(kind, id, id, Role.SERVICE, frozenset(), project)


class LimitHarness:
    """Processes of a gateway with one limiter and one clock."""

    def __init__(self, processes: int = 1, **section: Any) -> None:
        self.now = 1000.0
        self.limiter = ProcessRateLimiter(lambda: self.now)
        self.requests = 0
        self.processes = [RequestLimits(build_section(**section), self, lambda: self.now) for _ in range(processes)]

    async def acquire(self, *arguments: Any) -> Any:
        self.requests += 1
        return await self.limiter.acquire(*arguments)

    async def admit(self, principal: Principal, process: int = 0) -> Refusal | None:
        bucket = self.processes[process].find_principal_bucket(principal)
        assert bucket is not None
        return await self.processes[process].admit(bucket)

    async def charge(self) -> None:
        """Let what was admitted be charged."""
        for process in self.processes:
            await process.stop()

    async def count_admitted(self, principal: Principal, requests: int, process: int = 0) -> int:
        return [await self.admit(principal, process) for _ in range(requests)].count(None)


def test_without_limits_nobody_has_a_bucket() -> None:
    limits = LimitHarness().processes[0]
    assert (limits.find_ip_bucket("192.0.2.1"), limits.find_principal_bucket(build_principal())) == (None, None)


async def test_a_burst_is_admitted_and_then_the_rate() -> None:
    harness = LimitHarness(key_per_second=2, key_burst=5)
    assert await harness.count_admitted(build_principal(), 5) == 5
    refusal = await harness.admit(build_principal())
    assert refusal == Refusal("key", pytest.approx(0.5))
    harness.now += 0.5
    assert await harness.count_admitted(build_principal(), 3) == 1


async def test_the_rate_holds_over_time() -> None:
    harness = LimitHarness(key_per_second=20, key_burst=10)
    admitted = 0
    for _ in range(500):
        harness.now += 0.01
        admitted += await harness.count_admitted(build_principal(), 3)
        await harness.charge()
    assert 5 * 20 <= admitted <= 10 + 5 * 20 + 1


async def test_processes_exceed_a_quota_only_by_what_comes_between_two_charges_and_pay_for_it() -> None:
    harness = LimitHarness(3, key_per_second=20, key_burst=12)
    admitted = 0
    for _ in range(250):
        harness.now += CHARGE_INTERVAL
        for process in range(3):
            admitted += await harness.count_admitted(build_principal(), 2, process)
        await harness.charge()
    assert 5 * 20 <= admitted <= 12 + 5 * 20 + 3 * 2


async def test_requests_below_the_quota_wait_for_nobody() -> None:
    harness = LimitHarness(key_per_second=100, key_burst=1000)
    assert await harness.admit(build_principal()) is None
    asked = harness.requests
    for _ in range(500):
        assert await harness.admit(build_principal()) is None
    assert harness.requests == asked
    await harness.charge()
    assert harness.requests == asked + 1


async def test_requests_that_wait_for_the_first_answer_get_it_together() -> None:
    harness = LimitHarness(key_per_second=1, key_burst=4)
    results = await asyncio.gather(*(harness.admit(build_principal()) for _ in range(10)))
    assert results.count(None) == 4
    assert harness.requests <= 3


async def test_keys_have_quotas_of_their_own_and_those_of_a_project_one_more() -> None:
    harness = LimitHarness(key_per_second=1, key_burst=3, project_per_second=1, project_burst=4)
    assert await harness.count_admitted(build_principal("k-1", project="shop"), 5) == 3
    await harness.charge()
    other = build_principal("k-2", project="shop")
    assert await harness.count_admitted(other, 5) == 1
    refusal = await harness.admit(other)
    assert refusal is not None
    assert refusal.scope == "project"
    assert await harness.count_admitted(build_principal("k-3", project="blog"), 5) == 3


async def test_an_account_has_a_quota_of_its_own() -> None:
    harness = LimitHarness(account_per_second=1, account_burst=2)
    assert await harness.count_admitted(build_principal("a-1", "account"), 5) == 2
    assert harness.processes[0].find_principal_bucket(build_principal()) is None


async def test_a_bulk_is_paid_before_further_requests() -> None:
    harness = LimitHarness(key_per_second=10, key_burst=20)
    assert await harness.admit(build_principal()) is None
    bucket = harness.processes[0].find_principal_bucket(build_principal())
    assert bucket is not None
    bucket.add_debt(99)
    await harness.charge()
    assert await harness.admit(build_principal()) is not None
    waited = 0.0
    while await harness.admit(build_principal()) is not None:
        harness.now += 0.1
        waited += 0.1
    assert waited == pytest.approx(8.1, abs=0.3)


async def test_headers_say_what_is_left() -> None:
    harness = LimitHarness(key_per_second=2, key_burst=10, project_per_second=100, project_burst=50)
    bucket = harness.processes[0].find_principal_bucket(build_principal())
    assert bucket is not None
    assert [await harness.processes[0].admit(bucket) for _ in range(4)] == [None] * 4
    assert bucket.build_headers(harness.now) == [
        (b"ratelimit-policy", b'"key";q=10;w=5, "project";q=50;w=1'),
        (b"ratelimit", b'"key";r=6;t=1'),
    ]
    assert [await harness.processes[0].admit(bucket) for _ in range(7)].count(None) == 6
    assert bucket.build_headers(harness.now)[1] == (b"ratelimit", b'"key";r=0;t=1')


async def test_an_address_that_is_rejected_too_often_gets_no_answer_for_a_while() -> None:
    harness = LimitHarness(rejected_per_second=1, rejected_burst=5)
    limits = harness.processes[0]
    for _ in range(5):
        limits.count_rejection("192.0.2.1")
    await harness.charge()
    assert limits.find_rejection("192.0.2.1") is None
    limits.count_rejection("192.0.2.1")
    await harness.charge()
    assert limits.find_rejection("192.0.2.1") == Refusal("ip", pytest.approx(1))
    assert limits.find_rejection("192.0.2.2") is None
    harness.now += 1.1
    assert limits.find_rejection("192.0.2.1") is None


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:0db8:0001:0002::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("testclient", "unknown"),
        ("", "unknown"),
    ],
)
def test_an_address_counts_as_its_network(ip: str, network: str) -> None:
    assert get_network(ip) == network


async def test_addresses_that_make_no_requests_any_more_take_no_memory() -> None:
    harness = LimitHarness(ip_per_second=1000, ip_burst=10, rejected_per_second=1000, rejected_burst=10)
    limits = harness.processes[0]
    kept: list[Bucket] = []
    for number in range(5 * MIN_SWEPT_BUCKETS):
        harness.now += 0.01
        ip = f"10.0.{number // 256}.{number % 256}"
        bucket = limits.find_ip_bucket(ip)
        assert bucket is not None
        assert await limits.admit(bucket) is None
        limits.count_rejection(ip)
        await harness.charge()
        kept.append(bucket)
    assert len(limits) <= 2 * MIN_SWEPT_BUCKETS


async def test_a_stop_waits_for_the_charges_under_way() -> None:
    harness = LimitHarness(key_per_second=2, key_burst=5, rejected_per_second=1, rejected_burst=5)
    limits, may_answer = harness.processes[0], asyncio.Event()
    await harness.admit(build_principal())
    await harness.charge()
    acquire = harness.acquire

    async def answer_late(*arguments: Any) -> Any:
        await may_answer.wait()
        return await acquire(*arguments)

    limits._limiter.acquire = answer_late  # type: ignore[method-assign]
    await harness.admit(build_principal())
    limits.count_rejection("192.0.2.1")
    await asyncio.sleep(2 * CHARGE_INTERVAL)  # both charges are under way
    stopping = asyncio.ensure_future(limits.stop())
    await asyncio.sleep(0)
    limits.count_rejection("192.0.2.1")  # meanwhile more is to be charged
    await asyncio.sleep(0)
    assert not stopping.done()
    may_answer.set()
    await stopping
    assert harness.requests == 4
    assert not limits._charges | limits._in_debt
