"""Whose personal data is sealed: as the project says, else as the setting does."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from schemas.blind_index import is_token
from schemas.errors import UnavailableError
from schemas.patience import wait_for_task
from schemas.ports import Clock
from schemas.projects import MARK, find_project
from tables.postgres.database import DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("project_sealing")
LIST_OVERRIDES = _SQL["list_overrides"]
CACHED_SECONDS = 10.0
READ_PATIENCE = 1.0  # seconds; nobody waits longer for PostgreSQL, whose answer counts when it comes, as for the keys of users
READ_COOLDOWN = 1.0  # seconds after a failure, while projects could not be read yet

Fetch = Callable[[str], Awaitable[Sequence[DatabaseRow]]]


class ProjectSealing:
    """`default` is the setting; `clock` is monotonic; `fetch` runs a query. What projects say is read again after CACHED_SECONDS."""

    def __init__(self, default: bool, clock: Clock, fetch: Fetch | None = None) -> None:
        self.default, self._clock, self._fetch = default, clock, fetch
        # None: not read yet
        self._overrides: Mapping[str, bool] | None = None
        self._expires_at = 0.0
        self._reading: asyncio.Task[None] | None = None

    def seals(self, user_id: str) -> bool:
        """Whether the data of a user is sealed; of an address without a user (empty, or a token) if that of anybody is.

        Before projects could be read, it is for all but the users of the default project.
        """
        if self._overrides is None:
            return self.default or not user_id or user_id.startswith(MARK) or is_token(user_id)
        if user_id.startswith(MARK) and self._overrides:
            return self._overrides.get(find_project(user_id), self.default)
        return self.default or ((not user_id or is_token(user_id)) and any(self._overrides.values()))

    async def refresh(self, fetch: Fetch | None = None) -> None:
        """Read what projects say, if that was too long ago; while it cannot be read, what is known counts.

        `fetch` reads on a connection that the caller has, and is waited for: the caller needs its answers anyway.
        """
        if self._clock() < self._expires_at:
            return
        if fetch is not None:
            await self._read(fetch)
        elif self._fetch is not None and (self._reading is None or self._reading.done()):
            # a task: a query that is cancelled waits for a server that hangs to confirm it
            self._reading = asyncio.get_running_loop().create_task(self._read(self._fetch), name="project-sealing")
            if await wait_for_task(self._reading, READ_PATIENCE):
                self._reading.result()

    async def _read(self, fetch: Fetch) -> None:
        self._expires_at = self._clock() + CACHED_SECONDS  # nobody else reads meanwhile
        try:
            with suppress(UnavailableError):
                self._overrides = {row["id"]: row["encrypts_personal_data"] for row in await fetch(LIST_OVERRIDES)}
        finally:
            self._expires_at = self._clock() + (READ_COOLDOWN if self._overrides is None else CACHED_SECONDS)


class NoSealing:
    """The choice of a process that only opens."""

    async def refresh(self) -> None:
        """Nothing changes."""

    def seals(self, user_id: str) -> bool:
        """Nobody's data is sealed."""
        return False
