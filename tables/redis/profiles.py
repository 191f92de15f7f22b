"""Reads user profiles through a cache in Redis, one read per batch; implements schemas.store_ports.ProfileReader.

A profile comes from Redis; if it is not there, from the store (PostgreSQL); if the store is unavailable too, from the profiles that this
process read last, whatever their age.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from schemas.errors import UnavailableError
from schemas.ports import Clock
from schemas.profile import Profile
from schemas.store_ports import ProfileReader
from tables.redis.client import RedisClient
from tables.redis.keys import MISSING_PROFILE_TTL, PROFILE

_decode = msgspec.json.Decoder(list[Profile | None]).decode
_encode = msgspec.json.Encoder().encode
_KEYS_PER_SCRIPT = 1000
MAX_LAST_KNOWN = 20_000  # profiles
STORE_COOLDOWN = 1.0  # seconds without reads of the store after a failure, as its timeouts are long


class CachedProfileReader:
    """A read-through cache. `ttl_seconds` applies in Redis; `max_last_known` profiles are kept in memory for an outage."""

    def __init__(
        self, client: RedisClient, store: ProfileReader, clock: Clock, ttl_seconds: int, max_last_known: int = MAX_LAST_KNOWN
    ) -> None:
        self._client, self._store, self._clock = client, store, clock
        self._ttl_seconds, self._max_last_known = ttl_seconds, max_last_known
        self._last_known: OrderedDict[str, Profile] = OrderedDict()
        self._store_retry_at = 0.0

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        """A profile for each user. Raises UnavailableError if one is neither in Redis, nor in the store, nor in memory."""
        unique_ids = list(dict.fromkeys(user_ids))
        profiles = {profile.user_id: profile for profile in await self._read_cache(unique_ids) if profile is not None}
        if missing := [user_id for user_id in unique_ids if user_id not in profiles]:
            profiles.update(await self._load_missing(missing))
        self._keep_last_known(profiles)
        return profiles

    async def _read_cache(self, user_ids: Sequence[str]) -> list[Profile | None]:
        profiles: list[Profile | None] = []
        try:
            for start in range(0, len(user_ids), _KEYS_PER_SCRIPT):
                keys = [PROFILE.build_key(self._client.prefix, user_id) for user_id in user_ids[start : start + _KEYS_PER_SCRIPT]]
                profiles += _decode(await self._client.run_script("read_profiles", keys))
        except (UnavailableError, msgspec.DecodeError):
            return profiles  # the rest is loaded from the store and written to the cache again
        return profiles

    async def _load_missing(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        try:
            loaded = await self._read_store(missing)
        except UnavailableError as error:
            last_known = {user_id: self._last_known[user_id] for user_id in missing if user_id in self._last_known}
            if len(last_known) < len(missing):
                raise UnavailableError(f"{len(missing) - len(last_known)} profiles are in no cache, and {error}") from error
            return last_known
        await self._write_cache(list(loaded.values()))
        return loaded

    async def _read_store(self, missing: Sequence[str]) -> Mapping[str, Profile]:
        if self._clock() < self._store_retry_at:
            raise UnavailableError("PostgreSQL failed a moment ago")
        try:
            return await self._store.get_many(missing)
        except UnavailableError:
            self._store_retry_at = self._clock() + STORE_COOLDOWN
            raise

    async def _write_cache(self, profiles: Sequence[Profile]) -> None:
        try:
            for start in range(0, len(profiles), _KEYS_PER_SCRIPT):
                chunk = profiles[start : start + _KEYS_PER_SCRIPT]
                keys = [PROFILE.build_key(self._client.prefix, profile.user_id) for profile in chunk]
                values = [value for profile in chunk for value in (_encode(profile), profile.version, self._get_ttl(profile))]
                await self._client.run_script("write_profiles", keys, values)
        except UnavailableError:
            return

    def _get_ttl(self, profile: Profile) -> int:
        return self._ttl_seconds if profile.known else MISSING_PROFILE_TTL

    def _keep_last_known(self, profiles: Mapping[str, Profile]) -> None:
        self._last_known.update(profiles)
        for user_id in profiles:
            self._last_known.move_to_end(user_id)
        while len(self._last_known) > self._max_last_known:
            self._last_known.popitem(last=False)
