"""Opens a connection: name, TCP, TLS; whatever goes wrong here, nothing was sent."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from agents.providers.http.connection import HttpConnection
from agents.providers.http.origin import Origin
from agents.providers.http.resolver import Resolver

AddressFilter = Callable[[str], bool]


class ConnectError(Exception):
    """No connection to the origin; the text says why."""


def allow_any_address(address: str) -> bool:
    """Admits every address."""
    return True


def build_tls_context() -> ssl.SSLContext:
    """Certificates and names are verified; TLS 1.2 or later; HTTP/1.1 only."""
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
    """Try the origin's addresses in turn, `timeout` seconds for all; TLS is spoken if `tls` is given. Raises NotConnected."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            connected = await _connect_tcp(loop, origin, resolver, allow_address)
            return await _create_connection(loop, origin, connected, protocol_factory, tls)
    except TimeoutError:
        raise ConnectError(f"no connection to {origin.host}:{origin.port} within {timeout:g} s") from None
    except (OSError, UnicodeError) as error:
        raise ConnectError(f"no connection to {origin.host}:{origin.port}: {error!r}") from error


async def _connect_tcp(loop: asyncio.AbstractEventLoop, origin: Origin, resolver: Resolver, allow_address: AddressFilter) -> socket.socket:
    refusal = OSError("the name has no address")
    for family, kind, protocol, _, address in await resolver.resolve(origin.host, origin.port):
        # the very address that is connected to is asked about, so that a name cannot change its meaning in between
        if not allow_address(str(address[0])):
            refusal = OSError(f"{address[0]} is not admitted")
            continue
        plug = socket.socket(family, kind, protocol)
        try:
            plug.setblocking(False)
            plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(plug, address)
        except OSError as error:
            plug.close()
            refusal = error
        except BaseException:
            plug.close()
            raise
        else:
            return plug
    raise refusal


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
