"""Profiles through Redis, one read per batch; implements schemas.ports.Profiles.

Who is asked: Redis; what it lacks, the store (PostgreSQL); and only if that is away too, what this process has seen, however old.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.errors import UnavailableError
from schemas.policy import Profile
from schemas.ports import Clock, ProfileReader
from tables.redis.client import RedisClient
from tables.redis.keys import MISSING_PROFILE, PROFILE

_decode = msgspec.json.Decoder(list[Profile | None]).decode
_encode = msgspec.json.Encoder().encode
_KEYS_PER_SCRIPT = 1000  # keys; what one call of a script takes


class CachedProfileReader:
    """A cache before a store; `seconds` is how long Redis is believed, `remembered` how many profiles this process keeps for bad days."""

    def __init__(
        self, client: RedisClient, store: ProfileReader, clock: Clock, ttl_seconds: int = PROFILE.ttl_seconds, max_last_known: int = 20_000
    ) -> None:
        self._client, self._store, self._clock = client, store, clock
        self._ttl_seconds, self._max_last_known = ttl_seconds, max_last_known
        self._last_known: OrderedDict[str, Profile] = OrderedDict()
        self._store_retry_at = 0.0

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises Unavailable if neither Redis, PostgreSQL nor memory has one of them."""
        wanted = list(dict.fromkeys(user_ids))
        found = {profile.user_id: profile for profile in await self._read_cache(wanted) if profile is not None}
        if missing := [user_id for user_id in wanted if user_id not in found]:
            found.update(await self._load_missing(missing))
        self._remember_last_known(found)
        return found

    async def _read_cache(self, user_ids: Sequence[str]) -> list[Profile | None]:
        found: list[Profile | None] = []
        try:
            for start in range(0, len(user_ids), _KEYS_PER_SCRIPT):
                keys = [PROFILE.build_key(self._client.prefix, user_id) for user_id in user_ids[start : start + _KEYS_PER_SCRIPT]]
                found += _decode(await self._client.run_script("read_profiles", keys))
        except (UnavailableError, msgspec.DecodeError):  # what cannot be read is loaded and written again
            return found
        return found

    async def _load_missing(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        try:
            loaded = await self._read_store(missing)
        except UnavailableError as why:
            seen = {user_id: self._last_known[user_id] for user_id in missing if user_id in self._last_known}
            if len(seen) < len(missing):
                raise UnavailableError(f"{len(missing) - len(seen)} profiles are in no cache, and {why}") from why
            return seen
        await self._write_cache(list(loaded.values()))
        return loaded

    async def _read_store(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        """The store's answer; one that failed is left alone for a second, as its timeouts are long."""
        if self._clock() < self._store_retry_at:
            raise UnavailableError("PostgreSQL failed a moment ago")
        try:
            return await self._store.get_many(missing)
        except UnavailableError:
            self._store_retry_at = self._clock() + 1.0
            raise

    async def _write_cache(self, profiles: Sequence[Profile]) -> None:
        try:
            for start in range(0, len(profiles), _KEYS_PER_SCRIPT):
                some = profiles[start : start + _KEYS_PER_SCRIPT]
                keys = [PROFILE.build_key(self._client.prefix, profile.user_id) for profile in some]
                values = [value for profile in some for value in (_encode(profile), profile.version, self._get_ttl(profile))]
                await self._client.run_script("write_profiles", keys, values)
        except UnavailableError:
            return

    def _get_ttl(self, profile: Profile) -> int:
        return self._ttl_seconds if profile.known else MISSING_PROFILE.ttl_seconds

    def _remember_last_known(self, found: Mapping[str, Profile]) -> None:
        self._last_known.update(found)
        for user_id in found:
            self._last_known.move_to_end(user_id)
        while len(self._last_known) > self._max_last_known:
            self._last_known.popitem(last=False)
