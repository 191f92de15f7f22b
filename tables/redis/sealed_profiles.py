"""Seals profiles before they are written to Redis, and opens them: with the key of their user (docs/decisions/0054).

In Redis a sealed profile is a JSON text with base64 in the place of the JSON object.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from schemas.errors import DECODE_ERRORS, ErasedError, SealError, UnavailableError
from schemas.profile import Profile
from schemas.sealing import Sealer
from schemas.user_keys import SealerReader, SealingChoice

_decode = msgspec.json.Decoder(Profile).decode
_encode = msgspec.json.Encoder().encode
_NO_SEALERS: Mapping[str, Sealer] = {}


class EncodedProfile(NamedTuple):
    """A profile and the JSON with which it is written."""

    profile: Profile
    value: bytes


class SealedProfiles:
    """`choice` says whose profiles are sealed, `sealers` has the keys."""

    def __init__(self, sealers: SealerReader, choice: SealingChoice) -> None:
        self._sealers, self._choice = sealers, choice

    async def encode(self, profiles: Sequence[Profile]) -> list[EncodedProfile]:
        """The profiles as they are written, without those that are to be sealed and have no key now."""
        await self._choice.refresh()
        private = {profile.user_id for profile in profiles if profile.known and self._choice.seals(profile.user_id)}
        sealers = await self._get_sealers(private)
        encoded = []
        for profile in profiles:
            if profile.user_id not in private:
                encoded.append(EncodedProfile(profile, _encode(profile)))
            elif (sealer := sealers.get(profile.user_id)) is not None and sealer.can_seal:
                sealed = sealer.seal("profile", profile.user_id, _encode(profile))
                encoded.append(EncodedProfile(profile, b'"%b"' % b2a_base64(sealed, newline=False)))
        return encoded

    async def open(self, user_ids: Sequence[str], values: Sequence[Profile | str | None]) -> list[Profile | None]:
        """The profiles of users; None for those that are missing or cannot be opened, which are read from PostgreSQL then."""
        sealers = await self._get_sealers([one for one, value in zip(user_ids, values, strict=True) if type(value) is str])
        return [
            _open(user_id, value, sealers.get(user_id)) if isinstance(value, str) else value
            for user_id, value in zip(user_ids, values, strict=True)
        ]

    async def _get_sealers(self, user_ids: Iterable[str]) -> Mapping[str, Sealer]:
        if not user_ids:
            return _NO_SEALERS
        try:
            return await self._sealers.get_many(user_ids)
        except UnavailableError:
            return _NO_SEALERS


def _open(user_id: str, value: str, sealer: Sealer | None) -> Profile | None:
    if sealer is None:
        return None
    try:
        return _decode(sealer.open("profile", user_id, a2b_base64(value)))
    except (ErasedError, SealError, ValueError, *DECODE_ERRORS):
        return None
