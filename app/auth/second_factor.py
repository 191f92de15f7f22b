"""One-time codes and recovery codes of accounts: enrolment, and their use. Each works once."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from app.auth.one_time_codes import (
    build_totp_uri,
    find_totp_step,
    format_totp_secret,
    make_recovery_codes,
    make_totp_secret,
    normalize_recovery_code,
)
from app.auth.secret_box import SealedSecretError, SecretBox
from app.telemetry import log_event
from schemas.accounts import StoredCredentials
from schemas.ports import Clock
from schemas.users import ChangeOrigin
from tables.postgres.credentials import CredentialStore


class TotpEnrolment(NamedTuple):
    """What an authenticator app needs: the secret as text, and as the URI of a QR code."""

    secret: str
    uri: str


class SecondFactors:
    """`clock` in epoch seconds, `read_random` as os.urandom; `issuer` is the name that apps show."""

    def __init__(self, store: CredentialStore, box: SecretBox, clock: Clock, read_random: Callable[[int], bytes], issuer: str) -> None:
        self._store, self._box, self._clock, self._read_random, self._issuer = store, box, clock, read_random, issuer

    async def enrol(self, account_id: str, email: str) -> TotpEnrolment | None:
        """A new secret, which counts once a code of it has come; None if the account has one that counts. Raises UnavailableError."""
        secret = make_totp_secret(self._read_random)
        if not await self._store.set_totp_secret(account_id, self._box.seal(secret, account_id, self._read_random)):
            return None
        return TotpEnrolment(format_totp_secret(secret), build_totp_uri(secret, email, self._issuer))

    async def confirm(self, account_id: str, code: str, origin: ChangeOrigin) -> list[str] | None:
        """The recovery codes, which are shown only now; None for a wrong code. Raises UnavailableError."""
        credentials = await self._store.find(account_id)
        secret = self._open(credentials) if credentials and not credentials.account.has_totp else b""
        step = find_totp_step(secret, code, self._clock(), 0) if secret else None
        if credentials is None or step is None:
            return None
        codes = make_recovery_codes(self._read_random)
        hashes = [self._hash_recovery_code(code) for code in codes]
        is_confirmed = await self._store.confirm_totp(account_id, credentials.totp_secret, step, hashes, origin)
        return codes if is_confirmed else None

    async def use_code(self, credentials: StoredCredentials, code: str) -> bool:
        """Whether it is a code of the app, or a recovery code, that was not used before. Raises UnavailableError."""
        account_id = credentials.account.id
        if normalize_recovery_code(code):
            return await self._use_recovery_code(account_id, code)
        secret = self._open(credentials)
        step = find_totp_step(secret, code, self._clock(), credentials.totp_last_step) if secret else None
        return step is not None and await self._store.use_totp_step(account_id, step)

    async def _use_recovery_code(self, account_id: str, code: str) -> bool:
        text = normalize_recovery_code(code) or ""
        hashes = self._box.compute_hashes("recovery code", text.encode())
        for code_hash in hashes:
            if await self._store.use_recovery_code(account_id, code_hash):
                return True
        return False

    def _hash_recovery_code(self, code: str) -> bytes:
        return self._box.compute_hash("recovery code", (normalize_recovery_code(code) or "").encode())

    def _open(self, credentials: StoredCredentials) -> bytes:
        """The secret; empty if there is none, or another `auth.secret` has sealed it."""
        if not credentials.totp_secret:
            return b""
        try:
            return self._box.open(credentials.totp_secret, credentials.account.id)
        except SealedSecretError:
            log_event("auth.secret_unreadable", logging.ERROR, account_id=credentials.account.id)
            return b""
