"""Packs commands for Redis; redis-py copies all it has packed so far with each argument, and our scripts take thousands of them.

https://valkey.io/topics/protocol/: a command is an array of bulk strings.
"""

from collections.abc import Callable
from typing import Any

from redis.asyncio.connection import AbstractConnection

_KNOWN_LENGTHS = 512  # bytes; of most arguments
_LENGTHS = [b"$%d" % length for length in range(_KNOWN_LENGTHS)]


def build_connection_class(base: type[AbstractConnection]) -> type[AbstractConnection]:
    """The class of connections, such as that for TLS, with this packing."""
    return type(base.__name__, (base,), {"pack_command": _pack_command})


def pack(arguments: list[bytes]) -> bytes:
    """A command as an array of bulk strings."""
    pieces = [b""] * (2 * len(arguments))
    pieces[::2] = [_LENGTHS[length] if length < _KNOWN_LENGTHS else b"$%d" % length for length in map(len, arguments)]
    pieces[1::2] = arguments
    return b"*%d\r\n%b\r\n" % (len(arguments), b"\r\n".join(pieces))


def _pack_command(connection: AbstractConnection, *arguments: Any) -> list[bytes]:
    """One piece. redis-py gives the two words of commands such as CONFIG GET as one argument."""
    name = arguments[0]
    encode: Callable[[Any], bytes] = connection.encoder.encode
    words = (name.encode() if isinstance(name, str) else name).split()
    kinds = map(type, arguments[1:])
    values = [
        value.encode() if kind is str else value if kind is bytes else b"%d" % value if kind is int else encode(value)
        for kind, value in zip(kinds, arguments[1:], strict=True)
    ]
    return [pack([*words, *values])]
