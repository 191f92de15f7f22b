"""The protocols of the stores that agents and the gateway use; tables/ implements them."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from schemas.history import HistoryBatch, NotificationKey, RecordedDeliveries
from schemas.policy import Policy
from schemas.profile import Profile


class ProfileReader(Protocol):
    """Reads user profiles; keys of addresses (schemas.profile.build_address_key) may be among the user ids."""

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """The profiles by user, without those that no store could give; a user who does not exist is not `known`.

        Raises UnavailableError if there is none at all.
        """
        ...


UNKNOWN_VERSION = -1
"""The version of a profile that is not known at all."""


class ChangedProfileReader(Protocol):
    """Reads the profiles that have changed, for a cache."""

    async def get_changed(self, versions: Mapping[str, int]) -> Mapping[str, Profile]:
        """The profiles that have another version than this, and those of addresses with a suppression. Raises UnavailableError."""
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


class DeliveryStatusReader(Protocol):
    """Reads what became of the deliveries of notifications."""

    async def get_many(self, notifications: Iterable[NotificationKey]) -> Mapping[NotificationKey, RecordedDeliveries]:
        """What is recorded of each notification, without those of which no decision is. Raises UnavailableError."""
        ...
