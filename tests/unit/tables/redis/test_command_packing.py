"""Commands are packed as redis-py packs them, with one copy."""

from typing import Any

import pytest
from redis.asyncio.connection import Connection, SSLConnection

from tables.redis.command_packing import build_connection_class

COMMANDS: list[tuple[Any, ...]] = [
    ("PING",),
    ("CONFIG GET", "maxmemory"),
    (b"SCRIPT LOAD", "return 1"),
    ("SET", "key", b"\0\r\n\xff", "EX", 60),
    ("SET", "kéy", -1.5),
    ("SET", "", b""),
    ("SET", "long", "x" * 511, b"y" * 512, "z" * 100_000),
    ("EVALSHA", "0" * 40, 2, "a", "b", 2**63, -1, memoryview(b"view")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_command_has_the_bytes_of_the_library(command: tuple[Any, ...]) -> None:
    packed = build_connection_class(Connection)().pack_command(*command)
    assert b"".join(packed) == b"".join(Connection().pack_command(*command))
    assert len(packed) == 1


def test_connections_with_tls_pack_so_too() -> None:
    built = build_connection_class(SSLConnection)
    assert issubclass(built, SSLConnection)
    assert built.pack_command is not SSLConnection.pack_command
