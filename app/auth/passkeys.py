"""Passkeys: WebAuthn credentials that are bound to our origin, need the person's presence and verification, and name their account.

Source: W3C Web Authentication Level 3. A challenge is known to Redis for a few minutes and counts once.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import bytes_to_base64url, options_to_json_dict, parse_client_data_json
from webauthn.helpers.base64url_to_bytes import base64url_to_bytes
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from app.auth.session_service import Denied
from schemas.accounts import Account, Passkey, StoredCredentials, StoredPasskey
from schemas.users import ChangeOrigin
from tables.postgres.credentials import CredentialStore
from tables.postgres.passkeys import MAX_PASSKEYS, PasskeyStore
from tables.redis.login_challenges import ChallengeKind, RedisLoginChallenges

CHALLENGE_BYTES = 32
TIMEOUT = 300_000  # milliseconds that a browser gives the person
ALGORITHMS = [
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
INVALID_PASSKEY = Denied("login-failed", "the passkey is not known, or its answer is not valid (any more): begin again")
NOT_ADDED = Denied("conflict", f"the passkey is known already, or the account has {MAX_PASSKEYS}")

Json = Mapping[str, Any]


class RelyingParty(NamedTuple):
    """Who passkeys are made for: the host name, and the origin of its pages."""

    id: str
    origin: str
    name: str


def build_relying_party(public_url: str, name: str) -> RelyingParty:
    """The relying party at the address where people reach the gateway."""
    parts = urlsplit(public_url)
    return RelyingParty(parts.hostname or "", f"{parts.scheme}://{parts.netloc}", name)


class Passkeys:
    """Registers passkeys and checks their answers; `read_random` as os.urandom."""

    def __init__(
        self,
        store: PasskeyStore,
        credentials: CredentialStore,
        challenges: RedisLoginChallenges,
        party: RelyingParty,
        read_random: Callable[[int], bytes],
    ) -> None:
        self.store = store
        self._credentials, self._challenges, self._party, self._read_random = credentials, challenges, party, read_random

    async def begin_registration(self, account_id: str, email: str, name: str) -> dict[str, Any]:
        """The options for navigator.credentials.create(). Raises UnavailableError."""
        challenge = await self._add_challenge("new-passkey", account_id.encode())
        known = [PublicKeyCredentialDescriptor(id=one) for one in await self.store.list_credential_ids(account_id)]
        options = webauthn.generate_registration_options(
            rp_id=self._party.id,
            rp_name=self._party.name,
            user_id=account_id.encode(),
            user_name=email,
            user_display_name=name or email,
            challenge=challenge,
            timeout=TIMEOUT,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
            exclude_credentials=known,
            supported_pub_key_algs=ALGORITHMS,
        )
        return options_to_json_dict(options)

    async def register(self, account_id: str, credential: Json, name: str, origin: ChangeOrigin) -> Passkey | Denied:
        """The new passkey, by the answer of navigator.credentials.create(). Raises UnavailableError."""
        challenge = read_challenge(credential)
        if challenge is None or await self._challenges.take("new-passkey", bytes_to_base64url(challenge)) != account_id.encode():
            return INVALID_PASSKEY
        try:
            verified = webauthn.verify_registration_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                require_user_verification=True,
                supported_pub_key_algs=ALGORITHMS,
            )
        except Exception:  # parsers of JSON, CBOR and certificates read what a stranger sends; whatever they find, it is no passkey
            return INVALID_PASSKEY
        values = verified.credential_id, verified.credential_public_key, verified.sign_count
        return await self.store.add(account_id, *values, name, origin) or NOT_ADDED

    async def begin_login(self) -> dict[str, Any]:
        """The options for navigator.credentials.get(). They name no account: the passkey does. Raises UnavailableError."""
        challenge = await self._add_challenge("passkey", b"1")
        options = webauthn.generate_authentication_options(
            rp_id=self._party.id, challenge=challenge, timeout=TIMEOUT, user_verification=UserVerificationRequirement.REQUIRED
        )
        return options_to_json_dict(options)

    async def check_login(self, credential: Json) -> Account | Denied:
        """Whose passkey has answered to a challenge of a login. Raises UnavailableError."""
        challenge, passkey = read_challenge(credential), await self._find(credential)
        if challenge is None or await self._challenges.take("passkey", bytes_to_base64url(challenge)) is None or passkey is None:
            return INVALID_PASSKEY
        sign_count = self._verify(credential, challenge, passkey)
        if sign_count is None or not await self.store.record_use(passkey.id, sign_count):
            return INVALID_PASSKEY
        found: StoredCredentials | None = await self._credentials.find(passkey.account_id)
        return found.account if found and found.account.state == "active" else INVALID_PASSKEY

    def _verify(self, credential: Json, challenge: bytes, passkey: StoredPasskey) -> int | None:
        """The counter of a valid signature."""
        if read_user_handle(credential) not in (None, passkey.account_id.encode()):
            return None
        try:
            verified = webauthn.verify_authentication_response(
                credential=dict(credential),
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=passkey.sign_count,
                require_user_verification=True,
            )
        except Exception:  # as above
            return None
        return verified.new_sign_count

    async def _add_challenge(self, kind: ChallengeKind, value: bytes) -> bytes:
        challenge = self._read_random(CHALLENGE_BYTES)
        await self._challenges.add(kind, bytes_to_base64url(challenge), value)
        return challenge

    async def _find(self, credential: Json) -> StoredPasskey | None:
        credential_id = _read_bytes(credential, "rawId")
        return await self.store.find(credential_id) if credential_id else None


def read_challenge(credential: Json) -> bytes | None:
    """The challenge that an answer is for; None for what is no answer of an authenticator."""
    response = credential.get("response")
    data = _read_bytes(response, "clientDataJSON") if isinstance(response, Mapping) else None
    try:
        challenge = parse_client_data_json(data).challenge if data else b""
    except Exception:  # as in Passkeys
        return None
    return challenge if len(challenge) == CHALLENGE_BYTES else None


def read_user_handle(credential: Json) -> bytes | None:
    """The account that an authenticator names; None if it does not."""
    response = credential.get("response")
    return _read_bytes(response, "userHandle") if isinstance(response, Mapping) else None


def _read_bytes(values: Mapping[str, Any], name: str) -> bytes | None:
    """The bytes of a text in base64url; None for another value."""
    text = values.get(name)
    if not isinstance(text, str) or not text or json.dumps(text) != f'"{text}"':
        return None
    try:
        return base64url_to_bytes(text)
    except ValueError:
        return None
