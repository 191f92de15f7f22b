"""Tests of the check at connect time: it is on the address that is connected to, after the only lookup."""

import asyncio
import socket
import ssl
import time

import pytest

from agents.providers.http.address_policy import AddressPolicy
from agents.providers.http.connection import HttpConnection
from agents.providers.http.connector import AddressDeniedError, ConnectError, open_connection
from agents.providers.http.origin import Origin
from agents.providers.http.resolver import Addresses, Resolver
from tests.contracts.http.fault_server import FaultServer
from tests.settings_builders import build_http_limits


class IdleListener:
    """The owner of a connection that is not used."""

    def on_ready(self, connection: HttpConnection) -> None:
        """Not called: no request is sent."""

    def on_closed(self, connection: HttpConnection) -> None:
        """Nothing to do."""


class RebindingNameServer:
    """A name server whose first response is a public address, and all later ones are loopback."""

    def __init__(self, *responses: str) -> None:
        self.responses = list(responses)

    def resolve(self, host: str, port: int) -> Addresses:
        address = self.responses.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


async def open_to(name_server: RebindingNameServer, port: int, allow: str = "") -> HttpConnection:
    origin = Origin(tls=False, host="rebind.example.org", port=port)

    def build_connection() -> HttpConnection:
        raise AssertionError("a connection was opened")

    return await open_connection(
        origin,
        build_connection,
        resolver=Resolver(time.monotonic, name_server.resolve),
        timeout=10.0,
        tls=None,
        allow_address=AddressPolicy(allow).allows,
    )


async def test_a_name_that_resolves_to_loopback_is_denied_without_a_connection_or_its_address() -> None:
    server = await FaultServer().listen()
    with pytest.raises(AddressDeniedError) as caught:
        await open_to(RebindingNameServer("127.0.0.1"), server.port)
    assert "127.0.0.1" not in str(caught.value)
    assert not server.connections
    await server.close()


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "0", "::ffff:127.0.0.1", "::1"])
async def test_every_spelling_of_a_local_address_is_denied(host: str) -> None:
    with pytest.raises(AddressDeniedError):
        await open_connection(
            Origin(tls=False, host=host, port=9),
            lambda: pytest.fail("a connection was opened"),
            resolver=Resolver(time.monotonic),
            timeout=10.0,
            tls=None,
            allow_address=AddressPolicy().allows,
        )


async def test_a_name_is_resolved_once_for_the_check_and_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[object] = []

    async def record_connect(sock: socket.socket, address: object) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", record_connect)
    name_server = RebindingNameServer("93.184.215.14", "127.0.0.1")
    with pytest.raises(Exception, match="no connection to"):
        await open_to(name_server, 80)
    assert connected == [("93.184.215.14", 80)]
    assert name_server.responses == ["127.0.0.1"], "looked up a second time"


async def test_an_address_that_does_not_answer_delays_the_next_one_only_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    server, loop = await FaultServer().listen(), asyncio.get_running_loop()
    connect, tried = loop.sock_connect, asyncio.Event()

    async def hang_at_first(sock: socket.socket, address: tuple[str, int]) -> None:
        if tried.is_set():
            await connect(sock, address)
        else:
            tried.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(loop, "sock_connect", hang_at_first)
    opened: list[HttpConnection] = []

    def build_connection() -> HttpConnection:
        opened.append(HttpConnection(IdleListener(), build_http_limits(), loop))
        return opened[-1]

    addresses = RebindingNameServer("127.0.0.1").resolve("", server.port) * 2
    await open_connection(
        Origin(tls=False, host="two.example.org", port=server.port),
        build_connection,
        resolver=Resolver(time.monotonic, lambda host, port: addresses),
        timeout=60.0,
        tls=None,
    )
    assert tried.is_set()
    assert len(opened) == 1
    opened[0].abort("the test ends")
    await server.close()


async def test_the_cause_of_several_failures_names_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    errors = [OSError(113, "Connect call failed ('93.184.215.14', 80)"), OSError(101, "Connect call failed ('93.184.215.15', 80)")]

    async def fail(sock: socket.socket, address: object) -> None:
        raise errors.pop()

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    addresses = [RebindingNameServer(address).resolve("", 80)[0] for address in ("93.184.215.14", "93.184.215.15")]
    with pytest.raises(ConnectError, match=r"80: none of its addresses accepts a connection$"):
        await open_connection(
            Origin(tls=False, host="two.example.org", port=80),
            lambda: pytest.fail("a connection was opened"),
            resolver=Resolver(time.monotonic, lambda host, port: addresses),
            timeout=60.0,
            tls=None,
        )


def build_certificate_error(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] (_ssl.c:1006)")
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('93.184.215.14', 80)"), ": connection refused"),
        (build_certificate_error("self-signed certificate"), ": TLS failed: self-signed certificate"),
        (socket.gaierror(-2, "Name or service not known"), ": the host name is not found: Name or service not known"),
        (ConnectionResetError(), ": the connection was closed"),
    ],
)
async def test_the_cause_is_in_words_and_without_the_address(error: OSError, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(sock: socket.socket, address: object) -> None:
        raise error

    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", fail)
    with pytest.raises(ConnectError) as caught:
        await open_to(RebindingNameServer("93.184.215.14", "93.184.215.14"), 80)
    assert cause in str(caught.value)
    assert not any(word in str(caught.value) for word in ("Error(", "93.184.215.14", "_ssl.c"))
