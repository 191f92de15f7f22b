"""The suppression lists of a provider: what is on them, and what a run of the synchronisation did."""

from typing import NamedTuple

from schemas.users import SuppressionReason


class ListedSuppression(NamedTuple):
    """An entry of a provider's list: an address in normal form, why it is there, and since when (epoch seconds)."""

    address: str
    reason: SuppressionReason
    created_at: float


class SyncedList(NamedTuple):
    """What a run did with one list of an account: how many entries it read, and how many were new to us."""

    name: str
    read: int
    added: int
    account: str


class SyncDelay(NamedTuple):
    """The provider or PostgreSQL did not answer as it should; the next run begins where the last complete one did."""

    cause: str
