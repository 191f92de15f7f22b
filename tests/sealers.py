"""Sealers in memory, with real keys."""

import os
from collections.abc import Iterable, Mapping

from schemas.errors import UnavailableError
from schemas.sealing import KEY_BYTES, DataKey, OuterKeys, Sealer
from schemas.user_keys import WrappedKey

OUTER_KEY_ID = "2026-a"


def build_outer_keys(*key_ids: str) -> OuterKeys:
    """Random outer keys with these ids, by default one."""
    return OuterKeys({key_id: os.urandom(KEY_BYTES) for key_id in key_ids or (OUTER_KEY_ID,)}, os.urandom)


def build_sealer(user_id: str = "u-42", *keys: bytes | None) -> Sealer:
    """A sealer with these data keys, by default a random one."""
    data_keys = keys or (os.urandom(KEY_BYTES),)
    return Sealer(user_id, [DataKey(number, OUTER_KEY_ID, key) for number, key in enumerate(data_keys, 1)], os.urandom)


class MemorySealerReader:
    """Implements schemas.user_keys.SealerReader; `unavailable`: no store answers; `missing`: users of whom none knows."""

    def __init__(self, *, seals: bool = True) -> None:
        self.is_sealing, self.unavailable = seals, False
        self.unsealed: set[str] = set()
        self.missing: set[str] = set()
        self.keys: dict[str, list[bytes | None]] = {}
        self.requested: list[list[str]] = []
        self.fresh_only: set[str] = set()
        self.unseals_meanwhile = False
        """Whether the projects are read while the keys are, and say that nothing is sealed."""

    async def refresh(self) -> None:
        """Nothing changes."""

    def seals(self, user_id: str) -> bool:
        """Whether new data of a user is sealed."""
        return self.is_sealing and user_id not in self.unsealed

    async def get_many(self, user_ids: Iterable[str], *, fresh: bool = False) -> Mapping[str, Sealer]:
        """The sealers of the users; users without a key get one."""
        self.is_sealing = self.is_sealing and not self.unseals_meanwhile
        wanted = [user_id for user_id in dict.fromkeys(user_ids) if user_id not in self.missing]
        self.requested.append(wanted)
        if self.unavailable:
            raise UnavailableError("no keys now")
        return {user_id: self.get(user_id, fresh=fresh) for user_id in wanted}

    def get(self, user_id: str, *, fresh: bool = True) -> Sealer:
        """The sealer of a user. Of those in `fresh_only` the cache does not have the last key."""
        keys = self.keys.setdefault(user_id, [os.urandom(KEY_BYTES)] if self.seals(user_id) else [])
        known = keys if fresh or user_id not in self.fresh_only else keys[:-1]
        return Sealer(user_id, [DataKey(number, OUTER_KEY_ID, key) for number, key in enumerate(known, 1)], os.urandom)

    def erase(self, user_id: str) -> None:
        """Destroy the keys of a user."""
        self.keys[user_id] = [None for _ in self.keys[user_id]]


class MemoryUserKeys:
    """A store and cache of wrapped keys."""

    def __init__(self, outer_keys: OuterKeys) -> None:
        self.outer_keys, self.unavailable = outer_keys, False
        self.keys: dict[str, list[WrappedKey]] = {}
        self.read: list[list[str]] = []

    async def get_many(self, user_ids: Iterable[str]) -> dict[str, list[WrappedKey]]:
        """The keys that are there."""
        self.read.append(list(user_ids))
        if self.unavailable:
            raise UnavailableError("no keys now")
        return {user_id: self.keys[user_id] for user_id in user_ids if user_id in self.keys}

    async def get_or_make(self, user_ids: Iterable[str]) -> dict[str, list[WrappedKey]]:
        """The keys, with a new one for those who have none."""
        found = await self.get_many(user_ids)
        for user_id in user_ids:
            keys = self.keys.setdefault(user_id, [])
            if not keys or keys[-1].wrapped is None:
                self.add(user_id)
            found[user_id] = keys
        return found

    async def add_many(self, keys: Mapping[str, list[WrappedKey]]) -> None:
        """Keep the keys."""
        self.keys |= keys

    def add(self, user_id: str) -> None:
        """Make a new key of a user."""
        keys, outer = self.keys.setdefault(user_id, []), self.outer_keys
        version = len(keys) + 1
        keys.append(WrappedKey(version, outer.current_id, outer.wrap(user_id, version, outer.make_data_key())))
