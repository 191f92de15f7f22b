"""Calls of one script that run together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.errors import UnavailableError
from tables.redis.script_batcher import GATHER_INTERVAL, MAX_CALLS_PER_SCRIPT, ScriptBatcher
from tests.integration.redis.conftest import ProxiedRedis


class CountingClient:
    """A client that counts the keys of each run of a script."""

    def __init__(self, proxied_redis: ProxiedRedis) -> None:
        self._client, self.prefix = proxied_redis.client, proxied_redis.client.prefix
        self.key_counts: list[int] = []

    async def run_script(self, script: str, keys: Sequence[str], values: Sequence[Any]) -> Any:
        self.key_counts.append(len(keys))
        return await self._client.run_script(script, keys, values)


@pytest.fixture
def client(proxied_redis: ProxiedRedis) -> CountingClient:
    return CountingClient(proxied_redis)


@pytest.fixture
def batcher(client: CountingClient) -> ScriptBatcher:
    return ScriptBatcher(client, "compare_and_set_many", [60, 60])  # type: ignore[arg-type]


async def test_concurrent_calls_are_one_run_and_each_has_its_own_result(client: CountingClient, batcher: ScriptBatcher) -> None:
    keys = [f"{client.prefix}{n}" for n in range(40)]
    assert await asyncio.gather(*(batcher.run(key, "", f"first {key}") for key in keys[::2])) == [None] * 20
    results = await asyncio.gather(*(batcher.run(key, "", "second") for key in keys))
    assert results == [f"first {key}".encode() if n % 2 == 0 else None for n, key in enumerate(keys)]
    assert client.key_counts == [20, 40]


async def test_calls_during_a_run_are_the_next_run(client: CountingClient, batcher: ScriptBatcher) -> None:
    count = MAX_CALLS_PER_SCRIPT + 1
    calls = [asyncio.create_task(batcher.run(f"{client.prefix}{n}", "", "v")) for n in range(count)]
    while not client.key_counts:
        await asyncio.sleep(0)
    calls += [asyncio.create_task(batcher.run(f"{client.prefix}{count + n}", "", "v")) for n in range(2)]
    await asyncio.gather(*calls)
    assert client.key_counts == [MAX_CALLS_PER_SCRIPT, 3]


async def test_a_cancelled_call_does_not_disturb_the_others(client: CountingClient, batcher: ScriptBatcher) -> None:
    cancelled = asyncio.create_task(batcher.run(f"{client.prefix}a", "", "v"))
    other = asyncio.create_task(batcher.run(f"{client.prefix}b", "", "v"))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await other is None


async def test_an_unexpected_error_reaches_each_caller_and_the_next_run_is_not_disturbed(client: CountingClient) -> None:
    batcher = ScriptBatcher(client, "no_such_script", [60, 60])  # type: ignore[arg-type]
    for _ in range(2):
        results = await asyncio.gather(*(batcher.run(f"{client.prefix}{n}", "", "v") for n in range(3)), return_exceptions=True)
        assert [type(result) for result in results] == [FileNotFoundError] * 3


async def test_all_calls_of_a_run_fail_while_redis_is_unavailable(
    proxied_redis: ProxiedRedis, client: CountingClient, batcher: ScriptBatcher
) -> None:
    await proxied_redis.proxy.disable()
    results = await asyncio.gather(*(batcher.run(f"{client.prefix}{n}", "", "v") for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [UnavailableError] * 3
    await proxied_redis.proxy.enable()
    proxied_redis.now += 2
    assert await batcher.run(f"{client.prefix}a", "", "v") is None


async def test_when_all_callers_have_gone_nothing_begins(client: CountingClient, batcher: ScriptBatcher) -> None:
    await batcher.run(f"{client.prefix}a", "", "v")  # so that the next run is not at once
    gone = asyncio.create_task(batcher.run(f"{client.prefix}b", "", "v"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    await asyncio.sleep(10 * GATHER_INTERVAL)
    assert client.key_counts == [1]
    assert await batcher.run(f"{client.prefix}c", "", "v") is None
