"""Reads the sealers of users: from this process, from Redis, and from PostgreSQL; implements schemas.user_keys.SealerReader.

What several callers need meanwhile is read together. A key stays in this process for CACHED_SECONDS, so that after an erasure nothing is
opened for longer.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

from schemas.errors import SealError, UnavailableError
from schemas.patience import wait_for_task
from schemas.ports import Clock
from schemas.sealing import DataKey, OuterKeys, ReadRandom, Sealer, can_seal
from schemas.user_keys import SealingChoice, WrappedKey, unwrap_keys
from tables.redis.user_keys import RedisUserKeys

CACHED_SECONDS = 60.0
WITHOUT_KEY_SECONDS = 1.0  # of a user who has no key: one may be made any time
MAX_CACHED = 50_000  # users
STORE_PATIENCE = 1.0  # seconds; nobody waits longer for PostgreSQL, whose answer is kept when it comes
STORE_TIMEOUT = 3.0  # seconds until a reading is given up: while it lasts there is no other
STORE_COOLDOWN = 1.0  # seconds without reads of PostgreSQL after a failure


StoredKeys = Mapping[str, Sequence[WrappedKey]]


class UserKeyStore(Protocol):
    """Where the keys of users are. Each method raises UnavailableError."""

    async def get_many(self, user_ids: Sequence[str]) -> StoredKeys: ...
    async def get_or_make(self, user_ids: Sequence[str]) -> StoredKeys: ...


class CachedKeys(NamedTuple):
    """The data keys of a user, and until when they count (seconds of the clock)."""

    keys: tuple[DataKey, ...]
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
        # in the order of their expiry; of a dict the first would be found ever slower, the more of them were removed
        self._known: OrderedDict[str, CachedKeys] = OrderedDict()
        self._wanted: dict[str, None] = {}
        self._outdated: set[str] = set()  # of those, the ones that Redis may not have as they are now
        self._next: asyncio.Task[str] | None = None
        self._running: asyncio.Task[str] | None = None
        self._retry_at = 0.0
        self._late_reading: asyncio.Task[StoredKeys] | None = None  # of which nobody awaits the answer any more
        self._forgotten: set[str] = set()  # since it began

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
        found |= {user_id: self._build_sealer(user_id, cached) for user_id in missing if (cached := self._known.get(user_id))}
        if problem and not found:
            raise UnavailableError(problem)
        return found

    def forget(self, user_ids: Iterable[str]) -> None:
        """Read the keys of these users again when they are needed: they were destroyed."""
        for user_id in user_ids:
            self._known.pop(user_id, None)
            if self._late_reading is not None:
                self._forgotten.add(user_id)

    def _select_known(self, user_ids: list[str]) -> tuple[dict[str, Sealer], list[str]]:
        now, known = self._clock(), self._known
        found: dict[str, Sealer] = {}
        missing: list[str] = []
        for user_id in user_ids:
            cached = known.get(user_id)
            if cached is not None and cached.expires_at > now:
                found[user_id] = self._build_sealer(user_id, cached)
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
            user_id for user_id in user_ids if (one := self._known.get(user_id)) is None or (self.seals(user_id) and not can_seal(one.keys))
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
                self._known[user_id] = CachedKeys((), self._clock() + WITHOUT_KEY_SECONDS)
        await self._cache.add_many(stored)
        return problem

    async def _read_store(self, user_ids: list[str]) -> StoredKeys:
        """What the store has. If that takes longer than STORE_PATIENCE, nobody waits for it: the keys are in this process later."""
        if self._late_reading is not None or self._clock() < self._retry_at:
            raise UnavailableError("PostgreSQL failed a moment ago")
        started_at = self._clock()
        # a task: a query that is cancelled waits for a server that hangs to confirm it
        reading = asyncio.get_running_loop().create_task(self._fetch(user_ids), name="user-keys-in-store")
        try:
            await wait_for_task(reading, STORE_PATIENCE)
        finally:
            if not reading.done():
                self._late_reading = reading
                reading.add_done_callback(partial(self._end_late_reading, started_at))
        if not reading.done():
            self._retry_at = self._clock() + STORE_COOLDOWN
            raise UnavailableError(f"PostgreSQL has not given the keys of users within {STORE_PATIENCE} s")
        return reading.result()

    async def _fetch(self, user_ids: list[str]) -> StoredKeys:
        sealed = [user_id for user_id in user_ids if self.seals(user_id)]
        others = [user_id for user_id in user_ids if not self.seals(user_id)] if len(sealed) < len(user_ids) else []
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                found = await self._store.get_or_make(sealed) if sealed else {}
                return {**found, **await self._store.get_many(others)} if others else found
        except (UnavailableError, TimeoutError) as error:
            self._retry_at = self._clock() + STORE_COOLDOWN
            raise UnavailableError(str(error) or f"PostgreSQL has not given the keys of users within {STORE_TIMEOUT} s") from error

    def _end_late_reading(self, started_at: float, reading: asyncio.Task[StoredKeys]) -> None:
        """Keep what came late, but for keys that were destroyed meanwhile. It may be as old as its reading."""
        forgotten, self._forgotten, self._late_reading = self._forgotten, set(), None
        if not reading.cancelled() and reading.exception() is None:
            self._keep({user_id: keys for user_id, keys in reading.result().items() if user_id not in forgotten}, started_at)

    def _keep(self, found: StoredKeys, read_at: float | None = None) -> str:
        """Keep the sealers of users. Returns why some cannot be had: their outer key is not the one that is configured."""
        known, problem = self._known, ""
        expires_at = (self._clock() if read_at is None else read_at) + CACHED_SECONDS
        for user_id, keys in found.items():
            try:
                unwrapped = tuple(unwrap_keys(user_id, keys, self._outer_keys))
            except KeyError as error:
                problem = f"the outer key {error} wraps keys of users, and the settings of encryption do not have it"
                continue
            except SealError as error:
                problem = str(error)
                continue
            known.pop(user_id, None)
            known[user_id] = CachedKeys(unwrapped, expires_at)
        self._drop_old()
        return problem

    def _drop_old(self) -> None:
        known, now = self._known, self._clock()
        while known and (len(known) > MAX_CACHED or next(iter(known.values())).expires_at <= now):
            known.popitem(last=False)

    def _build_sealer(self, user_id: str, cached: CachedKeys) -> Sealer:
        return Sealer(user_id, cached.keys, self._read_random)
