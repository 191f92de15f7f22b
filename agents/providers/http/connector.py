"""Opens connections: DNS lookup, TCP, TLS. Nothing of a request has been sent if one of these fails."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Sequence
from typing import cast

from aiohappyeyeballs import AddrInfoType, start_connection

from agents.providers.http.connection import HttpConnection
from agents.providers.http.connection_errors import describe_connection_error
from agents.providers.http.origin import Origin
from agents.providers.http.resolver import Addresses, Resolver

HAPPY_EYEBALLS_DELAY = 0.25  # seconds, as RFC 8305, 8 recommends

AddressFilter = Callable[[str, str], bool]  # of host name and address


class ConnectError(Exception):
    """No connection to the origin could be opened; the message contains the cause."""


class AddressDeniedError(ConnectError):
    """The origin has no address that the filter allows; the message does not contain its addresses, which may be internal."""


def allow_any_address(host: str, address: str) -> bool:
    """An address filter that allows all addresses."""
    return True


def build_tls_context() -> ssl.SSLContext:
    """A context that verifies certificates and host names, and allows TLS 1.2 or later with HTTP/1.1 only."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


async def open_connection(
    origin: Origin,
    protocol_factory: Callable[[], HttpConnection],
    *,
    resolver: Resolver,
    timeout: float,
    tls: ssl.SSLContext | None,
    allow_address: AddressFilter = allow_any_address,
) -> HttpConnection:
    """Connect to the address of the origin that accepts first; with TLS if `tls` is given.

    `timeout` seconds are for the lookup of the name, and again for the connection to any of its addresses. Raises ConnectError, and
    AddressDeniedError if it has addresses, but no allowed one.
    """
    loop = asyncio.get_running_loop()
    try:
        addresses = await resolver.resolve(origin.host, origin.port, timeout)
        # the filter gets the address that is connected to, because a second lookup of the name could return another one
        allowed = [entry for entry in addresses if allow_address(origin.host, str(entry[4][0]))]
        if addresses and not allowed:
            raise AddressDeniedError(f"{origin.host} is not allowed: it has no public address")
        async with asyncio.timeout(timeout):
            sock = await _connect_tcp(allowed)
            return await _create_connection(loop, origin, sock, protocol_factory, tls)
    except TimeoutError:
        raise ConnectError(f"no connection to {origin.host}:{origin.port} within {timeout:g} s") from None
    except (OSError, UnicodeError) as error:
        raise ConnectError(f"no connection to {origin.host}:{origin.port}: {describe_connection_error(error)}") from error


async def _connect_tcp(addresses: Addresses) -> socket.socket:
    """Connect to the address that accepts first; the next one is tried after HAPPY_EYEBALLS_DELAY, IPv6 and IPv4 in turns (RFC 8305, 5)."""
    if not addresses:
        raise OSError("the host name has no address")
    try:
        sock = await start_connection(cast(Sequence[AddrInfoType], addresses), happy_eyeballs_delay=HAPPY_EYEBALLS_DELAY)
    except (OSError, RuntimeError) as error:  # RuntimeError: of uvloop
        if isinstance(error, OSError) and (error.errno or not str(error)):
            raise
        raise OSError("none of its addresses accepts a connection") from None  # the text names the addresses
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def _create_connection(
    loop: asyncio.AbstractEventLoop,
    origin: Origin,
    sock: socket.socket,
    protocol_factory: Callable[[], HttpConnection],
    tls: ssl.SSLContext | None,
) -> HttpConnection:
    try:
        _, connection = await loop.create_connection(protocol_factory, sock=sock, ssl=tls, server_hostname=origin.host if tls else None)
    except BaseException:
        sock.close()
        raise
    return connection
