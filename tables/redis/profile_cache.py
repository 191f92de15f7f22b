"""The profiles in Redis, for all processes.

A value is the time at which the profile was read or confirmed (16 digits, microseconds), its version (16 digits) and its JSON, which is
sealed if the data of the user is (sealed_profiles.py). A value
without JSON is a tombstone: the profile was changed at this time. All times are those of one clock, that of the Redis server.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from schemas.errors import UnavailableError
from schemas.profile import Profile
from tables.redis.client import RedisClient
from tables.redis.keys import MISSING_PROFILE_TTL, PROFILE, PROFILE_TOMBSTONE_TTL
from tables.redis.sealed_profiles import EncodedProfile, SealedProfiles

_decode = msgspec.json.Decoder(list[Profile | str | None]).decode
_encode = msgspec.json.Encoder().encode
_KEYS_PER_SCRIPT = 1000


class CachedProfiles(NamedTuple):
    """The profiles found, the versions of those that are to be confirmed again, and when they were read; empty if Redis does not answer."""

    profiles: dict[str, Profile]
    unconfirmed: dict[str, int]
    read_at: bytes


class RedisProfileCache:
    """With `sealing` profiles are sealed.

    `ttl_seconds` is a profile's time to live; for `check_interval` seconds after it was confirmed nobody asks for its version.
    """

    def __init__(self, client: RedisClient, ttl_seconds: int, check_interval: float, sealing: SealedProfiles | None = None) -> None:
        self._sealing = sealing
        self._client, self._ttl_seconds, self._check_interval = client, ttl_seconds, int(check_interval * 1e6)

    async def read(self, user_ids: Sequence[str]) -> CachedProfiles:
        """What is cached; nothing while Redis is unavailable."""
        profiles, unconfirmed, read_at = dict[str, Profile](), dict[str, int](), b""
        with suppress(UnavailableError, msgspec.DecodeError):
            for start in range(0, len(user_ids), _KEYS_PER_SCRIPT):
                chunk = user_ids[start : start + _KEYS_PER_SCRIPT]
                time, digits, values = await self._client.run_script("read_profiles", self._build_keys(chunk), [self._check_interval])
                read_at = read_at or time
                for profile, digit in zip(await self._decode(chunk, values), digits, strict=True):
                    if profile is not None:
                        profiles[profile.user_id] = profile
                        if digit == 48:  # the character 0
                            unconfirmed[profile.user_id] = profile.version
        return CachedProfiles(profiles, unconfirmed, read_at)

    async def write(self, profiles: Sequence[Profile], read_at: bytes) -> None:
        """Write these profiles as of the time at which the cache was read, before the store was."""
        with suppress(UnavailableError):
            for start in range(0, len(profiles), _KEYS_PER_SCRIPT):
                chunk = profiles[start : start + _KEYS_PER_SCRIPT]
                encoded = (
                    [EncodedProfile(one, _encode(one)) for one in chunk] if self._sealing is None else await self._sealing.encode(chunk)
                )
                if not encoded:
                    continue
                values = [value for profile, text in encoded for value in (profile.version, text, self._get_ttl(profile))]
                keys = self._build_keys([profile.user_id for profile, _ in encoded])
                await self._client.run_script("write_profiles", keys, [read_at, *values])

    async def confirm(self, versions: Mapping[str, int], read_at: bytes) -> None:
        """Note that the profiles still had these versions at the time at which the cache was read."""
        user_ids = list(versions)
        with suppress(UnavailableError):
            for start in range(0, len(user_ids), _KEYS_PER_SCRIPT):
                chunk = user_ids[start : start + _KEYS_PER_SCRIPT]
                values = [read_at, _encode([versions[user_id] for user_id in chunk])]
                await self._client.run_script("confirm_profiles", self._build_keys(chunk), values)

    async def _decode(self, user_ids: Sequence[str], values: bytes) -> Sequence[Profile | None]:
        if self._sealing is not None:
            return await self._sealing.open(user_ids, _decode(values))
        return [None if isinstance(value, str) else value for value in _decode(values)]

    def _get_ttl(self, profile: Profile) -> int:
        return self._ttl_seconds if profile.known else MISSING_PROFILE_TTL

    def _build_keys(self, user_ids: Sequence[str]) -> list[str]:
        return _build_keys(self._client, user_ids)


async def forget(client: RedisClient, user_ids: Iterable[str]) -> None:
    """Remove the cached profiles of these users after a change was committed; readers that began before it write them no more.

    Raises UnavailableError if Redis does not answer: the change is then noticed when the profile is confirmed.
    """
    unique_ids = list(dict.fromkeys(user_ids))
    for start in range(0, len(unique_ids), _KEYS_PER_SCRIPT):
        keys = _build_keys(client, unique_ids[start : start + _KEYS_PER_SCRIPT])
        await client.run_script("forget_profiles", keys, [PROFILE_TOMBSTONE_TTL])


def _build_keys(client: RedisClient, user_ids: Sequence[str]) -> list[str]:
    return [PROFILE.build_key(client.prefix, user_id) for user_id in user_ids]
