"""Names are looked up once for all who want them, and one that nobody answers for holds up no other."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from agents.providers.http.names import MOST, Addresses, Names

FOUND: Addresses = [(2, 1, 6, "", ("192.0.2.1", 80))]


class Server:
    """A name server: `dead.example` gets no answer before the test says so, `no.example` is no name."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.back = threading.Event()

    def resolve(self, host: str, port: int) -> Addresses:
        self.asked.append(host)
        if "dead" in host:
            self.back.wait(60)
        if host == "no.example":
            raise OSError("Name or service not known")
        return FOUND


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.back.set()


async def given_up(names: Names, host: str) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await names.look_up(host, 80)


async def test_a_name_without_an_answer_takes_one_look_up_and_nobody_elses_place(server: Server) -> None:
    names = Names(asyncio.get_running_loop(), server.resolve)
    await asyncio.gather(*(given_up(names, "dead.example") for _ in range(200)))
    assert await names.look_up("well.example", 80) == FOUND
    assert server.asked == ["dead.example", "well.example"]


async def test_who_waits_gets_the_answer_that_others_asked_for(server: Server) -> None:
    names = Names(asyncio.get_running_loop(), server.resolve)
    await given_up(names, "dead.example")
    waiting = asyncio.ensure_future(names.look_up("dead.example", 80))
    await asyncio.sleep(0)
    server.back.set()
    assert await waiting == FOUND
    assert server.asked == ["dead.example"]


async def test_a_name_is_asked_for_again_the_next_time(server: Server) -> None:
    names = Names(asyncio.get_running_loop(), server.resolve)
    for _ in range(2):
        await names.look_up("well.example", 80)
        with pytest.raises(OSError, match="not known"):
            await names.look_up("no.example", 80)
    assert server.asked == ["well.example", "no.example"] * 2


async def test_without_a_thread_a_name_is_not_known_now_and_is_asked_for_the_next_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    names = Names(asyncio.get_running_loop(), server.resolve)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(OSError, match="cannot be looked up now"):
            await names.look_up("well.example", 80)
    assert await names.look_up("well.example", 80) == FOUND


async def test_look_ups_are_bounded_and_an_address_needs_none(server: Server) -> None:
    names = Names(asyncio.get_running_loop(), server.resolve)
    await asyncio.gather(*(given_up(names, f"dead-{number}.example") for number in range(MOST)))
    with pytest.raises(OSError, match="being looked up already"):
        await names.look_up("well.example", 80)
    assert (await names.look_up("127.0.0.1", 80))[0][4] == ("127.0.0.1", 80)
    assert (await names.look_up("::1", 80))[0][4][:2] == ("::1", 80)
    assert len(server.asked) == MOST
