"""Reads the sealers of users: from this process, from Redis, and from PostgreSQL; implements schemas.user_keys.SealerReader.

What several callers need meanwhile is read together. A key stays in this process for CACHED_SECONDS, so that after an erasure nothing is
opened for longer.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from schemas.errors import SealError, UnavailableError
from schemas.ports import Clock
from schemas.sealing import OuterKeys, ReadRandom, Sealer
from schemas.user_keys import SealingChoice, WrappedKey, unwrap_keys
from tables.redis.user_keys import RedisUserKeys

CACHED_SECONDS = 60.0
WITHOUT_KEY_SECONDS = 1.0  # of a user who has no key: one may be made any time
MAX_CACHED = 50_000  # users
STORE_PATIENCE = 1.0  # seconds; nobody waits longer for PostgreSQL, whose answer is in the cache later
STORE_COOLDOWN = 1.0  # seconds without reads of PostgreSQL after a failure


class UserKeyStore(Protocol):
    """Where the keys of users are. Each method raises UnavailableError."""

    async def get_many(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[WrappedKey]]: ...
    async def get_or_make(self, user_ids: Sequence[str]) -> Mapping[str, Sequence[WrappedKey]]: ...


class CachedSealer(NamedTuple):
    """A sealer, and until when it counts (seconds of the clock)."""

    sealer: Sealer
    expires_at: float


class CachedSealerReader:
    """`clock` is monotonic. A user whose data is sealed and who has no key gets one at first sight."""

    def __init__(
        self,
        cache: RedisUserKeys,
        store: UserKeyStore,
        outer_keys: OuterKeys,
        read_random: ReadRandom,
        clock: Clock,
        projects: SealingChoice,
    ) -> None:
        self._cache, self._store, self._outer_keys, self._read_random, self._clock = cache, store, outer_keys, read_random, clock
        self._projects = projects
        self.seals, self.refresh = projects.seals, projects.refresh
        self._known: dict[str, CachedSealer] = {}  # in the order of their expiry
        self._wanted: dict[str, None] = {}
        self._outdated: set[str] = set()  # of those, the ones that Redis may not have as they are now
        self._next: asyncio.Task[str] | None = None
        self._running: asyncio.Task[str] | None = None
        self._retry_at = 0.0

    async def get_many(self, user_ids: Iterable[str], *, fresh: bool = False) -> Mapping[str, Sealer]:
        """The sealers by user; without those that no store could give. Raises UnavailableError if none of those needed was given."""
        unique_ids = list(dict.fromkeys(user_ids))
        if fresh:
            self._outdated.update(unique_ids)
            for user_id in unique_ids:
                self._known.pop(user_id, None)
        found, missing = self._select_known(unique_ids)
        if not missing:
            return found
        for user_id in missing:
            self._wanted[user_id] = None
        if self._next is None:
            self._next = asyncio.get_running_loop().create_task(self._read_next(self._running), name="user-keys")
        problem = await asyncio.shield(self._next)
        found |= {user_id: cached.sealer for user_id in missing if (cached := self._known.get(user_id))}
        if problem and not found:
            raise UnavailableError(problem)
        return found

    def forget(self, user_ids: Iterable[str]) -> None:
        """Read the keys of these users again when they are needed: they were destroyed."""
        for user_id in user_ids:
            self._known.pop(user_id, None)

    def _select_known(self, user_ids: list[str]) -> tuple[dict[str, Sealer], list[str]]:
        now, known = self._clock(), self._known
        found: dict[str, Sealer] = {}
        missing: list[str] = []
        for user_id in user_ids:
            cached = known.get(user_id)
            if cached is not None and cached.expires_at > now:
                found[user_id] = cached.sealer
            else:
                known.pop(user_id, None)
                missing.append(user_id)
        return found, missing

    async def _read_next(self, before: asyncio.Task[str] | None) -> str:
        """Read all that is wanted once the reading before has ended. Returns why something could not be read."""
        if before is not None:
            await asyncio.wait({before})
        user_ids, self._wanted, self._running, self._next = list(self._wanted), {}, self._next, None
        outdated, self._outdated = self._outdated, set()
        # what an outer key of before has wrapped is read from the store, too
        self._keep(await self._cache.get_many([user_id for user_id in user_ids if user_id not in outdated]))
        missing = [
            user_id
            for user_id in user_ids
            if (one := self._known.get(user_id)) is None or (self.seals(user_id) and not one.sealer.can_seal)
        ]
        if not missing:
            return ""
        try:
            stored = await self._read_store(missing)
        except UnavailableError as error:
            return str(error)
        problem = self._keep(stored)
        for user_id in missing:
            if user_id not in stored:
                self._known[user_id] = CachedSealer(Sealer(user_id, (), self._read_random), self._clock() + WITHOUT_KEY_SECONDS)
        await self._cache.add_many(stored)
        return problem

    async def _read_store(self, user_ids: list[str]) -> Mapping[str, Sequence[WrappedKey]]:
        if self._clock() < self._retry_at:
            raise UnavailableError("PostgreSQL failed a moment ago")
        sealed = [user_id for user_id in user_ids if self.seals(user_id)]
        others = [user_id for user_id in user_ids if not self.seals(user_id)] if len(sealed) < len(user_ids) else []
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                found = await self._store.get_or_make(sealed) if sealed else {}
                return {**found, **await self._store.get_many(others)} if others else found
        except (UnavailableError, TimeoutError) as error:
            self._retry_at = self._clock() + STORE_COOLDOWN
            raise UnavailableError(str(error) or f"PostgreSQL has not given the keys of users within {STORE_PATIENCE} s") from error

    def _keep(self, found: Mapping[str, Sequence[WrappedKey]]) -> str:
        """Keep the sealers of users. Returns why some cannot be had: their outer key is not the one that is configured."""
        known, expires_at, problem = self._known, self._clock() + CACHED_SECONDS, ""
        for user_id, keys in found.items():
            try:
                sealer = Sealer(user_id, unwrap_keys(user_id, keys, self._outer_keys), self._read_random)
            except KeyError as error:
                problem = f"the outer key {error} wraps keys of users, and the settings of encryption do not have it"
                continue
            except SealError as error:
                problem = str(error)
                continue
            known.pop(user_id, None)
            known[user_id] = CachedSealer(sealer, expires_at)
        self._drop_old()
        return problem

    def _drop_old(self) -> None:
        known, now = self._known, self._clock()
        while known and (len(known) > MAX_CACHED or next(iter(known.values())).expires_at <= now):
            del known[next(iter(known))]
