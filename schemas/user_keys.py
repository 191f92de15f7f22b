"""The data keys of users as they are stored: wrapped."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from schemas.sealing import DataKey, OuterKeys, Sealer


class WrappedKey(NamedTuple):
    """A data key of a user; without `wrapped` it is destroyed."""

    version: int
    outer_key_id: str
    wrapped: bytes | None


class SealingChoice(Protocol):
    """Whose data is sealed."""

    async def refresh(self) -> None:
        """Learn of which projects it is, if that was too long ago."""
        ...

    def seals(self, user_id: str) -> bool:
        """Whether new data of a user is sealed; if not, only what is sealed already is opened."""
        ...


class SealerReader(SealingChoice, Protocol):
    """Reads the data keys of users; of those whose data it seals it makes the missing ones."""

    async def get_many(self, user_ids: Iterable[str], *, fresh: bool = False) -> Mapping[str, Sealer]:
        """The sealers by user, without those that no store could give. A user whose data is not sealed may have no key.

        `fresh`: not those of the cache of this process. Raises UnavailableError if a store was needed and none gave anything.
        """
        ...


def unwrap_keys(user_id: str, keys: Iterable[WrappedKey], outer_keys: OuterKeys) -> list[DataKey]:
    """The data keys of a user. Raises KeyError for an outer key that is not there, SealError for another one of the same id."""
    return [
        DataKey(
            key.version,
            key.outer_key_id,
            None if key.wrapped is None else outer_keys.unwrap(key.outer_key_id, user_id, key.version, key.wrapped),
        )
        for key in keys
    ]
