"""The protocols of the stores that agents and the gateway use; tables/ implements them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from schemas.history import HistoryBatch
from schemas.policy import Policy
from schemas.profile import Profile


class ProfileReader(Protocol):
    """Reads user profiles."""

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user; a user who does not exist is not `known`. Raises UnavailableError if no store answers."""
        ...


class PolicyReader(Protocol):
    """Holds the current rules, templates and rate limits."""

    def get_current(self) -> Policy:
        """The current policy, without I/O. Raises UnavailableError before the first policy is loaded."""
        ...


class HistoryWriter(Protocol):
    """Writes notification history."""

    async def write(self, batch: HistoryBatch) -> None:
        """Write all rows or none.

        Raises UnstorableRowError if a row cannot be stored as it is, UnavailableError if the store does not answer.
        """
        ...
