"""Whose personal data is sealed: as the project says, else as the setting does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from schemas.blind_index import is_token
from schemas.errors import UnavailableError
from schemas.ports import Clock
from schemas.projects import MARK, find_project
from tables.postgres.database import DatabaseRow
from tables.postgres.query_loader import load_queries

_SQL = load_queries("project_sealing")
CACHED_SECONDS = 10.0

Fetch = Callable[[str], Awaitable[Sequence[DatabaseRow]]]


class ProjectSealing:
    """`default` is the setting; `clock` is monotonic; `fetch` runs a query. What projects say is read again after CACHED_SECONDS."""

    def __init__(self, default: bool, clock: Clock, fetch: Fetch | None = None) -> None:
        self.default, self._clock, self._fetch = default, clock, fetch
        # None: not read yet
        self._overrides: Mapping[str, bool] | None = None
        self._expires_at = 0.0

    def seals(self, user_id: str) -> bool:
        """Whether the data of a user is sealed; of an address without a user (empty, or a token) if that of anybody is.

        Before projects could be read, it is for all but those of the default project.
        """
        if not user_id.startswith(MARK) or self._overrides == {}:
            return self.default or ((not user_id or is_token(user_id)) and any((self._overrides or {}).values()))
        if self._overrides is None:
            return True
        return self._overrides.get(find_project(user_id), self.default)

    async def refresh(self, fetch: Fetch | None = None) -> None:
        """Read what projects say, if that was too long ago; while it cannot be read, what is known counts.

        `fetch` reads on a connection that the caller has.
        """
        now, read = self._clock(), fetch or self._fetch
        if now < self._expires_at or read is None:
            return
        self._expires_at = now + CACHED_SECONDS
        with suppress(UnavailableError):
            self._overrides = {row["id"]: row["encrypts_personal_data"] for row in await read(_SQL["list_overrides"])}


class NoSealing:
    """The choice of a process that only opens."""

    async def refresh(self) -> None:
        """Nothing changes."""

    def seals(self, user_id: str) -> bool:
        """Nobody's data is sealed."""
        return False
