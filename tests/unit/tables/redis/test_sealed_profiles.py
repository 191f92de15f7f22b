"""Profiles are sealed with the key of their user before they are in Redis, and what cannot be opened is missing."""

import msgspec

from schemas.profile import Profile
from tables.redis.sealed_profiles import SealedProfiles
from tests.sealers import MemorySealerReader

ADA = Profile("u-ada", addresses={"email": ["canary@example.org"]}, version=7)
NOBODY = Profile("u-nobody", known=False)


async def seal(sealers: MemorySealerReader, *profiles: Profile) -> list[Profile | str | None]:
    """The values that Redis has."""
    encoded = await SealedProfiles(sealers, sealers).encode(profiles)
    return [msgspec.json.decode(one.value, type=Profile | str | None) for one in encoded]


async def test_a_profile_is_sealed_and_opened_and_one_without_a_user_is_in_plain() -> None:
    sealers = MemorySealerReader()
    sealed = await seal(sealers, ADA, NOBODY)
    assert isinstance(sealed[0], str)
    assert sealed[1] == NOBODY
    assert await SealedProfiles(sealers, sealers).open(["u-ada", "u-nobody", "u-2"], [*sealed, None]) == [ADA, NOBODY, None]
    assert "u-nobody" not in sealers.keys


async def test_what_is_of_another_user_or_key_is_missing() -> None:
    sealers = MemorySealerReader()
    (sealed,) = await seal(sealers, ADA)
    profiles = SealedProfiles(sealers, sealers)
    assert await profiles.open(["u-other"], [sealed]) == [None]
    assert await profiles.open(["u-ada"], ["no base64 !"]) == [None]
    sealers.erase("u-ada")
    assert await profiles.open(["u-ada"], [sealed]) == [None]
    assert await seal(sealers, ADA) == []


async def test_without_keys_nothing_is_written_or_found() -> None:
    sealers = MemorySealerReader()
    (sealed,) = await seal(sealers, ADA)
    sealers.unavailable = True
    assert await seal(sealers, ADA, NOBODY) == [NOBODY]
    assert await SealedProfiles(sealers, sealers).open(["u-ada", "u-nobody"], [sealed, NOBODY]) == [None, NOBODY]


async def test_a_user_whose_project_is_not_sealed_is_in_plain() -> None:
    sealers = MemorySealerReader()
    sealers.unsealed.add("u-ada")
    assert await seal(sealers, ADA) == [ADA]
    assert sealers.requested == []
