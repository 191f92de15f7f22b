"""Connects the synchronisation of suppressions to SendGrid and PostgreSQL, for the scheduler and the CLI."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from agents.callbacks.sendgrid_suppressions import SuppressionLists
from agents.callbacks.suppression_sync import SuppressionSync, SyncEvent
from agents.providers.http import HttpLimits, PooledHttpClient
from schemas.errors import SettingError
from schemas.http import HttpRequest, HttpResult
from tables.postgres.database import Database
from tables.postgres.suppression_sync import PostgresSuppressionSync

PROVIDER = "sendgrid"
LIMITS = HttpLimits(max_connections=1, connect_timeout=5.0, request_timeout=30.0, max_body_bytes=2 * 1024 * 1024)


def list_accounts(providers: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The sections of SendGrid with a key, such as `sendgrid-backup`; of those with the same key, which have the same lists, the first."""
    found: dict[tuple[Any, Any], str] = {}
    for name in sorted(providers):
        if name.partition("-")[0] == PROVIDER and providers[name].get("api_key"):
            found.setdefault((providers[name]["url"], providers[name]["api_key"]), name)
    return {name: providers[name] for name in found.values()}


class SuppressionSyncJob:
    """The synchronisation of an account, `section` of `providers`, with its connection. Raises SettingError."""

    def __init__(
        self,
        name: str,
        section: Mapping[str, Any],
        database: Database,
        on_changed: Callable[[Collection[str]], Awaitable[None]],
        observe: Callable[[SyncEvent], None],
    ) -> None:
        try:
            lists = SuppressionLists(section["url"], section["api_key"])
        except ValueError as error:
            raise SettingError(f"providers.{name}", str(error)) from None
        self._client = PooledHttpClient(LIMITS)
        store = PostgresSuppressionSync(database, name)
        self.sync = SuppressionSync(lists, store, self._send, on_changed, asyncio.sleep, observe, name)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _send(self, request: HttpRequest) -> HttpResult:
        result: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
        self._client.send(request, result.set_result)
        return await result
