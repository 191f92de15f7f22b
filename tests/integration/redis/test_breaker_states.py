"""Open breakers are shown in Redis until they close or are not probed any more; without Redis nothing happens."""

import asyncio

import pytest

from app.workers.breaker_states import SharedBreakerStates
from schemas.errors import UnavailableError
from tables.redis.breaker_states import BreakerState, RedisBreakerStates
from tables.redis.keys import BREAKER, BREAKER_SURPLUS_TTL, OPEN_BREAKERS
from tests.integration.redis.conftest import ProxiedRedis

ACCOUNT = "https://shop.example.org:443"


async def finish(states: SharedBreakerStates) -> None:
    while states._tasks:
        await asyncio.wait(states._tasks)


async def test_an_open_breaker_is_shown_until_it_closes(proxied_redis: ProxiedRedis) -> None:
    stored = RedisBreakerStates(proxied_redis.client)
    times = iter([1000.0, 1005.0])
    states = SharedBreakerStates(stored, lambda: next(times), "email-1")
    states.set_open(ACCOUNT, "failures", 5.0)
    states.set_open(ACCOUNT, "failures", 10.0)
    await finish(states)
    assert await stored.read(ACCOUNT) == BreakerState("failures", 1015.0, "email-1", 1000.0)
    key = BREAKER.build_key(proxied_redis.client.prefix, ACCOUNT)
    assert 10 < await proxied_redis.client.execute(lambda redis: redis.ttl(key)) <= 10 + BREAKER_SURPLUS_TTL
    states.set_closed(ACCOUNT)
    await finish(states)
    assert await stored.read(ACCOUNT) is None


async def test_all_open_breakers_are_listed(proxied_redis: ProxiedRedis) -> None:
    stored, now = RedisBreakerStates(proxied_redis.client), 1000.0
    states = SharedBreakerStates(stored, lambda: now, "email-1")
    assert await stored.read_all(10) == {}
    for account in ("a", "b", "c"):
        states.set_open(account, "failures", 5.0)
    states.set_closed("b")
    await finish(states)
    assert await stored.read_all(10) == {name: BreakerState("failures", 1005.0, "email-1", 1000.0) for name in ("c", "a")}
    assert len(await stored.read_all(1)) == 1
    now += 5.0 + BREAKER_SURPLUS_TTL
    states.set_open("d", "failures", 5.0)
    await finish(states)
    key = BREAKER.build_key(proxied_redis.client.prefix, OPEN_BREAKERS)
    assert await proxied_redis.client.execute(lambda redis: redis.zcard(key)) == 1  # those that ended long ago are forgotten


async def test_without_redis_nothing_is_shown_and_nothing_raised(proxied_redis: ProxiedRedis) -> None:
    await proxied_redis.proxy.disable()
    stored = RedisBreakerStates(proxied_redis.client)
    states = SharedBreakerStates(stored, lambda: 1000.0, "email-1")
    states.set_open(ACCOUNT, "failures", 5.0)
    states.set_closed(ACCOUNT)
    await finish(states)
    with pytest.raises(UnavailableError):
        await stored.read(ACCOUNT)
