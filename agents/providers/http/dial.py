"""Opens a connection: name, TCP, TLS; whatever goes wrong here, nothing was sent."""

import asyncio
import socket
import ssl
from collections.abc import Callable

from agents.providers.http.connection import Connection
from agents.providers.http.names import Names
from agents.providers.http.origin import Origin

Admit = Callable[[str], bool]


class NotConnected(Exception):
    """No connection to the origin; the text says why."""


def everyone(address: str) -> bool:
    """Admits every address."""
    return True


def tls_context() -> ssl.SSLContext:
    """Certificates and names are verified; TLS 1.2 or later; HTTP/1.1 only."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


async def dial(
    origin: Origin, make: Callable[[], Connection], *, names: Names, timeout: float, tls: ssl.SSLContext | None, admit: Admit = everyone
) -> Connection:
    """Try the origin's addresses in turn, `timeout` seconds for all; TLS is spoken if `tls` is given. Raises NotConnected."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            connected = await _tcp(loop, origin, names, admit)
            return await _upgraded(loop, origin, connected, make, tls)
    except TimeoutError:
        raise NotConnected(f"no connection to {origin.host}:{origin.port} within {timeout:g} s") from None
    except (OSError, UnicodeError) as error:
        raise NotConnected(f"no connection to {origin.host}:{origin.port}: {error!r}") from error


async def _tcp(loop: asyncio.AbstractEventLoop, origin: Origin, names: Names, admit: Admit) -> socket.socket:
    refusal = OSError("the name has no address")
    for family, kind, protocol, _, address in await names.look_up(origin.host, origin.port):
        # the very address that is connected to is asked about, so that a name cannot change its meaning in between
        if not admit(str(address[0])):
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


async def _upgraded(
    loop: asyncio.AbstractEventLoop, origin: Origin, plug: socket.socket, make: Callable[[], Connection], tls: ssl.SSLContext | None
) -> Connection:
    try:
        _, connection = await loop.create_connection(make, sock=plug, ssl=tls, server_hostname=origin.host if tls else None)
    except BaseException:
        plug.close()
        raise
    return connection
