"""Connects what logs people in to the servers of a gateway."""

import asyncio
import sys

from app.auth.first_admin import announce_first_admin
from app.auth.password_links import Submitter
from app.auth.services import AuthServices, build_auth_services
from app.rate_limiter import build_rate_limiter
from app.settings import Settings
from app.telemetry import Metrics
from tables.postgres.database import Database
from tables.postgres.policy_writer import MakeId
from tables.redis.client import RedisClient


class AuthConnection:
    """The services of a gateway, None if people cannot log in, and what runs for them. Raises SettingError."""

    def __init__(
        self, settings: Settings, database: Database, redis: RedisClient, submitter: Submitter, metrics: Metrics, make_id: MakeId
    ) -> None:
        stores = database, redis, build_rate_limiter(redis), submitter
        self.services: AuthServices | None = build_auth_services(settings.auth, settings.links.base_url, *stores, metrics, make_id)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Print the link for the first account, if there is none, to the terminal: it is a secret, which no log may have."""
        if self.services is not None:
            self._task = asyncio.create_task(announce_first_admin(self.services.links, sys.stderr.write, asyncio.sleep))

    async def close(self) -> None:
        """End what runs."""
        if self._task is not None:
            self._task.cancel()
        if self.services is not None:
            await self.services.close()
