"""Reads user profiles through the cache in Redis, one read per batch; implements schemas.store_ports.ProfileReader.

A profile comes from Redis, if it was confirmed a moment ago. Else one query asks the store (PostgreSQL) for the profiles whose versions are
not the cached ones. Addresses are asked for there too, and are not cached. If the store is unavailable, a profile comes from Redis all the
same, else from those that this process read last; but for consent only as far as it cannot be outdated.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.consent import MAX_CONSENT_AGE
from schemas.errors import UnavailableError
from schemas.patience import compute_patience, wait_for_task
from schemas.ports import Clock
from schemas.profile import Profile, is_address_key
from schemas.store_ports import UNKNOWN_VERSION, ChangedProfileReader
from tables.redis.profile_cache import CachedProfiles, RedisProfileCache, forget

__all__ = ["CachedProfileReader", "forget"]

MAX_LAST_KNOWN = 20_000  # profiles
STORE_PATIENCE = 0.3  # seconds, and SECONDS_PER_PROFILE for each; less than a batch of the router waits for profiles
STORE_COOLDOWN = 1.0  # seconds without reads of the store after a failure, as its timeouts are long
OUTAGE_SECONDS = 5.0  # after them a store that does not answer is down: nobody can change what it holds


class CachedProfileReader:
    """A read-through cache; `max_last_known` profiles are kept in memory for an outage."""

    def __init__(self, cache: RedisProfileCache, store: ChangedProfileReader, clock: Clock, max_last_known: int = MAX_LAST_KNOWN) -> None:
        self._cache, self._store, self._clock, self._max_last_known = cache, store, clock, max_last_known
        # each with the time of this process at which its reading began, the last read at the end
        self._last_known: OrderedDict[str, tuple[Profile, float]] = OrderedDict()
        self._late_loads: set[asyncio.Task[Mapping[str, Profile]]] = set()
        self._store_retry_at = 0.0
        self._outage_began_at: float | None = None

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """The profiles of the users, without those that are neither in Redis, nor in the store, nor in memory.

        Raises UnavailableError if there is none at all.
        """
        unique_ids, began_at = dict.fromkeys(user_ids), self._clock()
        cached = await self._cache.read([user_id for user_id in unique_ids if not is_address_key(user_id)])
        profiles = cached.profiles
        if not cached.unconfirmed and len(profiles) == len(unique_ids):
            self._keep_last_known(profiles, began_at)
            return profiles
        missing = {user_id: UNKNOWN_VERSION for user_id in unique_ids if user_id not in profiles}
        try:
            return {**profiles, **await self._load_in_time(missing, cached, began_at)}
        except UnavailableError as error:
            outdated = self._get_outdated(missing, cached, began_at)
            if not outdated:
                raise UnavailableError(f"{len(missing)} profiles are in no cache, and {error}") from error
            return outdated

    async def _load_in_time(self, missing: Mapping[str, int], cached: CachedProfiles, began_at: float) -> Mapping[str, Profile]:
        """What the store has. If it takes too long, nobody waits for it: its answer is found in the caches later."""
        if self._late_loads or began_at < self._store_retry_at:
            raise UnavailableError("PostgreSQL failed a moment ago")
        task = asyncio.get_running_loop().create_task(self._load(missing, cached, began_at))
        patience = compute_patience(STORE_PATIENCE, len(missing) + len(cached.unconfirmed))
        try:
            await wait_for_task(task, patience)
        finally:
            if not task.done():
                self._late_loads.add(task)
                task.add_done_callback(self._end_late_load)
        if not task.done():
            self._begin_outage(began_at)
            raise UnavailableError(f"PostgreSQL has not answered within {patience:.2f} s")
        return task.result()

    async def _load(self, missing: Mapping[str, int], cached: CachedProfiles, began_at: float) -> Mapping[str, Profile]:
        """Read what is missing or has changed, and put it into the caches."""
        try:
            changed = await self._store.get_changed({**cached.unconfirmed, **missing})
        except UnavailableError:
            self._store_retry_at = self._clock() + STORE_COOLDOWN
            self._begin_outage(began_at)
            raise
        self._outage_began_at = None
        loaded = {**{key: Profile(key, known=False) for key in missing}, **changed}
        self._keep_last_known({**cached.profiles, **loaded}, began_at)
        if cached.read_at:
            await self._cache.write([profile for key, profile in changed.items() if not is_address_key(key)], cached.read_at)
            unchanged = {user_id: version for user_id, version in cached.unconfirmed.items() if user_id not in changed}
            await self._cache.confirm(unchanged, cached.read_at)
        return loaded

    def _begin_outage(self, at: float) -> None:
        if self._outage_began_at is None:
            self._outage_began_at = at

    def _end_late_load(self, task: asyncio.Task[Mapping[str, Profile]]) -> None:
        self._late_loads.discard(task)
        if not task.cancelled():
            task.exception()  # nobody waits for it any more

    def _get_outdated(self, missing: Iterable[str], cached: CachedProfiles, now: float) -> Mapping[str, Profile]:
        """The profiles without the store: those of the cache are current once it is down, those in memory for seconds."""
        profiles = dict(cached.profiles)
        if self._outage_began_at is None or now - self._outage_began_at < OUTAGE_SECONDS:
            profiles |= {user_id: replace(profiles[user_id], consent_known=False) for user_id in cached.unconfirmed}
        for key in missing:
            if key in self._last_known:
                profile, read_at = self._last_known[key]
                profiles[key] = profile if now - read_at <= MAX_CONSENT_AGE else replace(profile, consent_known=False)
        return profiles

    def _keep_last_known(self, profiles: Mapping[str, Profile], read_at: float) -> None:
        last_known = self._last_known
        for user_id, profile in profiles.items():
            last_known.pop(user_id, None)
            last_known[user_id] = profile, read_at
        while len(last_known) > self._max_last_known:
            last_known.popitem(last=False)
