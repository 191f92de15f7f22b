"""Access tokens: JSON Web Tokens with Ed25519 signatures (RFC 7519, 8037, 9068), which live for minutes.

The algorithm is ours, whatever a token says (RFC 8725, 3.1), and so is the key: a token names one of ours, or it is none.
"""

from collections.abc import Callable
from typing import Any

import jwt
import msgspec
from msgspec import Struct

from app.auth.signing_keys import SigningKeys
from schemas.ports import Clock

ALGORITHM = "EdDSA"
TYPE = "at+jwt"  # RFC 9068, 2.1: no other token of ours, nor an ID token, is taken for one
LEEWAY = 30.0  # seconds that the clocks of two gateways may differ
MAX_TOKEN_CHARACTERS = 4096
_REQUIRED = ["exp", "iat", "aud", "iss", "sub", "jti"]
_HEADER_FIELDS = frozenset({"alg", "kid", "typ"})  # no jku, jwk, x5u or x5c: keys come from the file only


class AccessClaims(Struct, frozen=True, forbid_unknown_fields=False):
    """What a token says: its account, session, id, the account's token version, and the project that it is for."""

    sub: str
    sid: str
    jti: str
    tv: int
    iat: int
    exp: int
    prj: str = ""


class AccessTokens:
    """Signs and verifies tokens; `clock` in epoch seconds, `lifetime` in seconds."""

    def __init__(
        self, get_keys: Callable[[], SigningKeys], issuer: str, audience: str, lifetime: int, clock: Clock, make_id: Callable[[], str]
    ) -> None:
        self._get_keys, self._issuer, self._audience, self.lifetime = get_keys, issuer, audience, lifetime
        self._clock, self._make_id = clock, make_id

    def sign(self, account_id: str, session_id: str, token_version: int, project: str) -> str:
        """A token for a session."""
        now, key = int(self._clock()), self._get_keys().first
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": account_id,
            "sid": session_id,
            "tv": token_version,
            "prj": project,
            "jti": self._make_id(),
            "iat": now,
            "exp": now + self.lifetime,
        }
        return jwt.encode(claims, key.private, ALGORITHM, {"kid": key.kid, "typ": TYPE})

    def verify(self, token: str) -> AccessClaims | None:
        """What a token says; None if it is not one of ours, or has expired."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            return None
        try:
            header = jwt.get_unverified_header(token)
            key = self._get_keys().by_kid[header["kid"]] if _is_ours(header) else None
            claims = msgspec.convert(self._decode(token, key.public), AccessClaims) if key else None
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError, RecursionError):  # whatever a parser finds in bytes of a stranger
            return None
        return claims if claims and self._is_current(claims) else None

    def _decode(self, token: str, key: Any) -> dict[str, Any]:
        # the times are checked below, with the clock of this process
        options: Any = {"require": _REQUIRED, "strict_aud": True, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
        return jwt.decode(token, key, algorithms=[ALGORITHM], audience=self._audience, issuer=self._issuer, options=options)

    def _is_current(self, claims: AccessClaims) -> bool:
        now = self._clock()
        return claims.iat - LEEWAY <= now < claims.exp and claims.exp - claims.iat <= self.lifetime


def _is_ours(header: dict[str, Any]) -> bool:
    return set(header) == _HEADER_FIELDS and header["alg"] == ALGORITHM and header["typ"] == TYPE and isinstance(header["kid"], str)
