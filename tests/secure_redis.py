"""A user with the rights of `herold redis acl` on a real server, and TLS in front of it, which the server of the wheel does not have."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from redis.asyncio import Redis

from tables.redis.acl import build_user_rules
from tests.integration.kafka.secure_broker import write_certificates
from tests.tcp_proxy import run_proxy

PASSWORD = "redis-2k7f-secret%+"


@dataclass(frozen=True)
class SecureRedis:
    """`url` is the URL of Herold's user without a password; `directory` has the certificates."""

    directory: Path
    url: str

    def get_path(self, name: str) -> str:
        """The path of a file with certificates."""
        return str(self.directory / name)


@asynccontextmanager
async def run_secure_redis(redis_url: str, prefix: str, directory: Path) -> AsyncIterator[SecureRedis]:
    """Create the user, whose name is the prefix, and remove it at the end; the server accepts TLS on another port meanwhile."""
    write_certificates(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "broker.pem")
    user = prefix.strip("-")
    async with Redis.from_url(redis_url) as admin, run_proxy(redis_url, context) as proxy:
        await admin.execute_command("ACL", "SETUSER", user, *build_user_rules(prefix, PASSWORD))
        try:
            yield SecureRedis(directory, f"rediss://{user}@127.0.0.1:{proxy.port}{urlsplit(redis_url).path}")
        finally:
            await admin.execute_command("ACL", "DELUSER", user)
