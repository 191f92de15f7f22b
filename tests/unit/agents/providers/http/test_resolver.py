"""Tests of the resolver: shared lookups, and name servers that do not respond."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from agents.providers.http.resolver import MAX_LOOKUPS, Addresses, Resolver

ADDRESSES: Addresses = [(2, 1, 6, "", ("192.0.2.1", 80))]


class FakeNameServer:
    """A name server: `slow.example` gets no response until `may_respond` is set, `no.example` does not exist."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.may_respond = threading.Event()

    def resolve(self, host: str, port: int) -> Addresses:
        self.lookups.append(host)
        if "slow" in host:
            self.may_respond.wait(60)
        if host == "no.example":
            raise OSError("Name or service not known")
        return ADDRESSES


@pytest.fixture
def server() -> Iterator[FakeNameServer]:
    server = FakeNameServer()
    yield server
    server.may_respond.set()


async def resolve_until_timeout(resolver: Resolver, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await resolver.resolve(host, 80)


async def test_a_name_without_a_response_has_one_lookup_and_does_not_block_others(server: FakeNameServer) -> None:
    resolver = Resolver(server.resolve)
    await asyncio.gather(*(resolve_until_timeout(resolver, "slow.example") for _ in range(200)))
    assert await resolver.resolve("other.example", 80) == ADDRESSES
    assert server.lookups == ["slow.example", "other.example"]


async def test_concurrent_callers_share_a_lookup(server: FakeNameServer) -> None:
    resolver = Resolver(server.resolve)
    await resolve_until_timeout(resolver, "slow.example")
    waiting = asyncio.ensure_future(resolver.resolve("slow.example", 80))
    await asyncio.sleep(0)
    server.may_respond.set()
    assert await waiting == ADDRESSES
    assert server.lookups == ["slow.example"]


async def test_results_are_not_cached(server: FakeNameServer) -> None:
    resolver = Resolver(server.resolve)
    for _ in range(2):
        await resolver.resolve("other.example", 80)
        with pytest.raises(OSError, match="not known"):
            await resolver.resolve("no.example", 80)
    assert server.lookups == ["other.example", "no.example"] * 2


async def test_a_lookup_whose_thread_cannot_start_fails_and_can_be_repeated(
    server: FakeNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    resolver = Resolver(server.resolve)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", raise_no_thread)
        with pytest.raises(OSError, match="could not be started"):
            await resolver.resolve("other.example", 80)
    assert await resolver.resolve("other.example", 80) == ADDRESSES


async def test_lookups_are_limited_and_an_ip_address_needs_none(server: FakeNameServer) -> None:
    resolver = Resolver(server.resolve)
    await asyncio.gather(*(resolve_until_timeout(resolver, f"slow-{number}.example") for number in range(MAX_LOOKUPS)))
    with pytest.raises(OSError, match="pending already"):
        await resolver.resolve("other.example", 80)
    assert (await resolver.resolve("127.0.0.1", 80))[0][4] == ("127.0.0.1", 80)
    assert (await resolver.resolve("::1", 80))[0][4][:2] == ("::1", 80)
    assert len(server.lookups) == MAX_LOOKUPS
