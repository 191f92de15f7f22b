"""Profiles through Redis, one read per batch; implements schemas.ports.Profiles.

Who is asked: Redis; what it lacks, the store (PostgreSQL); and only if that is away too, what this process has seen, however old.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.errors import Unavailable
from schemas.ports import Clock, Profiles
from schemas.rules import Profile
from tables.redis.cache import Cache
from tables.redis.keys import NO_PROFILE, PROFILE

_decode = msgspec.json.Decoder(list[Profile | None]).decode
_encode = msgspec.json.Encoder().encode
_AT_ONCE = 1000  # keys; what one call of a script takes


class CachedProfiles:
    """A cache before a store; `seconds` is how long Redis is believed, `remembered` how many profiles this process keeps for bad days."""

    def __init__(self, cache: Cache, store: Profiles, clock: Clock, seconds: int = PROFILE.seconds, remembered: int = 20_000) -> None:
        self._cache, self._store, self._clock = cache, store, clock
        self._seconds, self._remembered = seconds, remembered
        self._seen: OrderedDict[str, Profile] = OrderedDict()
        self._store_back_at = 0.0

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises Unavailable if neither Redis, PostgreSQL nor memory has one of them."""
        wanted = list(dict.fromkeys(user_ids))
        found = {profile.user_id: profile for profile in await self._cached(wanted) if profile is not None}
        if missing := [user_id for user_id in wanted if user_id not in found]:
            found.update(await self._loaded(missing))
        self._see(found)
        return found

    async def _cached(self, user_ids: Sequence[str]) -> list[Profile | None]:
        found: list[Profile | None] = []
        try:
            for start in range(0, len(user_ids), _AT_ONCE):
                keys = [PROFILE.of(self._cache.prefix, user_id) for user_id in user_ids[start : start + _AT_ONCE]]
                found += _decode(await self._cache.run("read_profiles", keys))
        except (Unavailable, msgspec.DecodeError):  # what cannot be read is loaded and written again
            return found
        return found

    async def _loaded(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        try:
            loaded = await self._from_store(missing)
        except Unavailable as why:
            seen = {user_id: self._seen[user_id] for user_id in missing if user_id in self._seen}
            if len(seen) < len(missing):
                raise Unavailable(f"{len(missing) - len(seen)} profiles are in no cache, and {why}") from why
            return seen
        await self._keep(list(loaded.values()))
        return loaded

    async def _from_store(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        """The store's answer; one that failed is left alone for a second, as its timeouts are long."""
        if self._clock() < self._store_back_at:
            raise Unavailable("PostgreSQL failed a moment ago")
        try:
            return await self._store.get_many(missing)
        except Unavailable:
            self._store_back_at = self._clock() + 1.0
            raise

    async def _keep(self, profiles: Sequence[Profile]) -> None:
        try:
            for start in range(0, len(profiles), _AT_ONCE):
                some = profiles[start : start + _AT_ONCE]
                keys = [PROFILE.of(self._cache.prefix, profile.user_id) for profile in some]
                values = [value for profile in some for value in (_encode(profile), profile.version, self._life(profile))]
                await self._cache.run("write_profiles", keys, values)
        except Unavailable:
            return

    def _life(self, profile: Profile) -> int:
        return self._seconds if profile.known else NO_PROFILE.seconds

    def _see(self, found: Mapping[str, Profile]) -> None:
        self._seen.update(found)
        for user_id in found:
            self._seen.move_to_end(user_id)
        while len(self._seen) > self._remembered:
            self._seen.popitem(last=False)
