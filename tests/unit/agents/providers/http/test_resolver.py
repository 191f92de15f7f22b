"""Names are looked up once for all who want them, and one that nobody answers for holds up no other."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from agents.providers.http.resolver import MAX_LOOKUPS, Addresses, Resolver

FOUND: Addresses = [(2, 1, 6, "", ("192.0.2.1", 80))]


class FakeNameServer:
    """A name server: `dead.example` gets no answer before the test says so, `no.example` is no name."""

    def __init__(self) -> None:
        self.lookups: list[str] = []
        self.may_answer = threading.Event()

    def resolve(self, host: str, port: int) -> Addresses:
        self.lookups.append(host)
        if "dead" in host:
            self.may_answer.wait(60)
        if host == "no.example":
            raise OSError("Name or service not known")
        return FOUND


@pytest.fixture
def server() -> Iterator[FakeNameServer]:
    server = FakeNameServer()
    yield server
    server.may_answer.set()


async def resolve_until_timeout(names: Resolver, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await names.resolve(host, 80)


async def test_a_name_without_an_answer_takes_one_look_up_and_nobody_elses_place(server: FakeNameServer) -> None:
    names = Resolver(asyncio.get_running_loop(), server.resolve)
    await asyncio.gather(*(resolve_until_timeout(names, "dead.example") for _ in range(200)))
    assert await names.resolve("well.example", 80) == FOUND
    assert server.lookups == ["dead.example", "well.example"]


async def test_who_waits_gets_the_answer_that_others_asked_for(server: FakeNameServer) -> None:
    names = Resolver(asyncio.get_running_loop(), server.resolve)
    await resolve_until_timeout(names, "dead.example")
    waiting = asyncio.ensure_future(names.resolve("dead.example", 80))
    await asyncio.sleep(0)
    server.may_answer.set()
    assert await waiting == FOUND
    assert server.lookups == ["dead.example"]


async def test_a_name_is_asked_for_again_the_next_time(server: FakeNameServer) -> None:
    names = Resolver(asyncio.get_running_loop(), server.resolve)
    for _ in range(2):
        await names.resolve("well.example", 80)
        with pytest.raises(OSError, match="not known"):
            await names.resolve("no.example", 80)
    assert server.lookups == ["well.example", "no.example"] * 2


async def test_without_a_thread_a_name_is_not_known_now_and_is_asked_for_the_next_time(
    server: FakeNameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Resolver(asyncio.get_running_loop(), server.resolve)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", raise_no_thread)
        with pytest.raises(OSError, match="cannot be looked up now"):
            await names.resolve("well.example", 80)
    assert await names.resolve("well.example", 80) == FOUND


async def test_look_ups_are_bounded_and_an_address_needs_none(server: FakeNameServer) -> None:
    names = Resolver(asyncio.get_running_loop(), server.resolve)
    await asyncio.gather(*(resolve_until_timeout(names, f"dead-{number}.example") for number in range(MAX_LOOKUPS)))
    with pytest.raises(OSError, match="being looked up already"):
        await names.resolve("well.example", 80)
    assert (await names.resolve("127.0.0.1", 80))[0][4] == ("127.0.0.1", 80)
    assert (await names.resolve("::1", 80))[0][4][:2] == ("::1", 80)
    assert len(server.lookups) == MAX_LOOKUPS
