"""Tests of the resolver: shared lookups, the cache, and name servers that do not respond."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from agents.providers.http.resolver import (
    FAILURE_SECONDS,
    FRESH_SECONDS,
    MAX_LOOKUPS,
    MAX_SUSPECT_LOOKUPS,
    STALE_SECONDS,
    Addresses,
    Resolver,
)
from tests.fakes import run_pending_tasks

ADDRESSES: Addresses = [(2, 1, 6, "", ("192.0.2.1", 80))]


class FakeNameServer:
    """A name server: names with `slow` get no response until `may_respond` is set, those with `no` do not exist; `now` is the clock."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.may_respond = threading.Event()
        self.now = 1000.0

    def resolve(self, host: str, port: int) -> Addresses:
        self.lookups.append(host)
        if "slow" in host:
            self.may_respond.wait(60)
        if "no" in host:
            raise OSError("Name or service not known")
        return ADDRESSES

    async def wait_for_lookups(self, count: int) -> None:
        """Wait until so many lookups have begun, each in its thread."""
        while len(self.lookups) < count:
            await asyncio.sleep(0.001)


@pytest.fixture
def server() -> Iterator[FakeNameServer]:
    server = FakeNameServer()
    yield server
    server.may_respond.set()


@pytest.fixture
def resolver(server: FakeNameServer) -> Resolver:
    return Resolver(lambda: server.now, server.resolve)


async def resolve(resolver: Resolver, host: str) -> Addresses:
    return await resolver.resolve(host, 80, 60.0)


async def resolve_until_timeout(resolver: Resolver, host: str) -> None:
    with pytest.raises(TimeoutError):
        await resolver.resolve(host, 80, 0.01)


async def fail_to_resolve(resolver: Resolver, host: str) -> None:
    with pytest.raises(OSError, match="not known"):
        await resolve(resolver, host)


async def test_a_name_without_a_response_has_one_lookup_and_does_not_block_others(server: FakeNameServer, resolver: Resolver) -> None:
    await asyncio.gather(*(resolve_until_timeout(resolver, "slow.example") for _ in range(200)))
    assert await resolve(resolver, "other.example") == ADDRESSES
    assert server.lookups == ["slow.example", "other.example"]


async def test_concurrent_callers_share_a_lookup(server: FakeNameServer, resolver: Resolver) -> None:
    await resolve_until_timeout(resolver, "slow.example")
    waiting = asyncio.ensure_future(resolve(resolver, "slow.example"))
    await run_pending_tasks()
    server.may_respond.set()
    assert await waiting == ADDRESSES
    assert server.lookups == ["slow.example"]


async def test_a_name_that_was_found_is_looked_up_again_while_its_old_address_is_used(server: FakeNameServer, resolver: Resolver) -> None:
    server.may_respond.set()
    await resolve(resolver, "slow.example")
    server.may_respond.clear()
    for server.now in (999.0 + FRESH_SECONDS, 1000.0 + FRESH_SECONDS):
        assert len(server.lookups) == 1
        assert await resolve(resolver, "slow.example") == ADDRESSES
    await server.wait_for_lookups(2)
    assert await resolve(resolver, "slow.example") == ADDRESSES
    assert len(server.lookups) == 2


async def test_an_old_address_is_used_only_for_a_time_if_the_name_server_fails(server: FakeNameServer, resolver: Resolver) -> None:
    server.may_respond.set()
    await resolve(resolver, "slow.example")
    server.may_respond.clear()
    server.now += STALE_SECONDS - 1
    assert await resolve(resolver, "slow.example") == ADDRESSES
    server.now += 1
    await resolve_until_timeout(resolver, "slow.example")
    assert server.lookups == ["slow.example"] * 2


async def test_a_name_that_was_not_found_is_not_looked_up_again_at_once(server: FakeNameServer, resolver: Resolver) -> None:
    for server.now in (1000.0, 1000.0 + FAILURE_SECONDS / 2, 1000.0 + FAILURE_SECONDS):
        await fail_to_resolve(resolver, "no.example")
    assert server.lookups == ["no.example"] * 2


async def test_a_lookup_whose_thread_cannot_start_fails_and_can_be_repeated(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", raise_no_thread)
        with pytest.raises(OSError, match="could not be started"):
            await resolve(resolver, "other.example")
    assert await resolve(resolver, "other.example") == ADDRESSES


async def test_dead_names_leave_threads_for_others_and_never_hold_up_cached_ones(server: FakeNameServer, resolver: Resolver) -> None:
    dead = [f"slow-no-{number}.example" for number in range(MAX_SUSPECT_LOOKUPS + 9)]
    await resolve(resolver, "cached.example")
    server.may_respond.set()
    await asyncio.gather(*(fail_to_resolve(resolver, name) for name in dead))
    server.may_respond.clear()
    server.now += FRESH_SECONDS
    calls = [asyncio.ensure_future(fail_to_resolve(resolver, name)) for name in dead]
    await server.wait_for_lookups(1 + len(dead) + MAX_SUSPECT_LOOKUPS)
    assert set(server.lookups[1 + len(dead) :]) == set(dead[:MAX_SUSPECT_LOOKUPS])
    assert await resolve(resolver, "new.example") == ADDRESSES
    assert await resolve(resolver, "cached.example") == ADDRESSES
    server.may_respond.set()
    await asyncio.gather(*calls)


async def test_a_lookup_waits_for_a_thread_for_as_long_as_its_caller_does(server: FakeNameServer, resolver: Resolver) -> None:
    await asyncio.gather(*(resolve_until_timeout(resolver, f"slow-{number}.example") for number in range(MAX_LOOKUPS)))
    abandoned = asyncio.ensure_future(resolve(resolver, "abandoned.example"))
    waiting = asyncio.ensure_future(resolver.resolve("new.example", 80, 60.0))
    await run_pending_tasks()
    abandoned.cancel()
    assert (await resolver.resolve("127.0.0.1", 80, 60.0))[0][4] == ("127.0.0.1", 80)
    assert (await resolver.resolve("::1", 80, 60.0))[0][4][:2] == ("::1", 80)
    server.may_respond.set()
    assert await waiting == ADDRESSES
    assert server.lookups[MAX_LOOKUPS:] == ["new.example"]
