"""Login at an OpenID provider: authorization code with PKCE, state and nonce (OpenID Connect Core 1.0, RFC 7636, RFC 9700).

The state is known to Redis and to a cookie of the browser that began, so that nobody can have somebody else finish a login (CSRF).
"""

import hmac
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

import jwt
import msgspec
from msgspec import Struct

from app.auth.oidc_client import OidcClient
from app.auth.oidc_settings import OidcSettings
from app.auth.session_service import Denied, build_account_origin
from app.telemetry import log_event
from schemas.accounts import Account, AccountChange, AccountRequest
from schemas.addresses import InvalidAddress, normalize_email
from schemas.errors import ConflictError, UnavailableError
from schemas.permissions import Role
from schemas.ports import Clock
from schemas.users import ChangeOrigin
from tables.postgres.accounts import AccountStore
from tables.postgres.credentials import CredentialStore
from tables.redis.login_challenges import RedisLoginChallenges

CALLBACK_PATH = "/v1/auth/oidc/callback"
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512")
"""Of ID tokens: those with public keys, whatever a token says; none and HMAC are not among them (RFC 8725, 3.1)."""

LEEWAY = 60.0  # seconds that the provider's clock may differ
STATE_BYTES = 32
MAX_RETURN_CHARACTERS = 512
REQUIRED = ["exp", "iat", "aud", "iss", "sub"]
ORIGIN = ChangeOrigin("api", "oidc")

EXPIRED = Denied("login-failed", "the login has taken too long, was used before, or began in another browser: begin again")
NOT_CONFIRMED = Denied("login-failed", "the OpenID provider does not confirm who it is: begin again")
NOT_ADMITTED = Denied("login-failed", "there is no account for this person, and the OpenID provider gives no role in Herold")
PROVIDER_DOWN = Denied("unavailable", "the OpenID provider or Redis does not answer; a login by password still works", 5)


class Begun(NamedTuple):
    """Where the browser goes, and the state that it has to bring back in a cookie, too."""

    url: str
    state: str


class Identified(NamedTuple):
    """Whom the provider has identified, and where the browser goes then."""

    account: Account
    return_to: str


class PendingLogin(Struct, frozen=True):
    """What Redis knows of a login that has begun."""

    nonce: str
    verifier: str
    return_to: str


class OidcLogin:
    """Logs people in at one provider. `clock` in epoch seconds; `read_text` returns a random text for a URL (secrets.token_urlsafe)."""

    def __init__(
        self,
        settings: OidcSettings,
        client: OidcClient,
        challenges: RedisLoginChallenges,
        accounts: AccountStore,
        credentials: CredentialStore,
        *,
        public_url: str,
        clock: Clock,
        read_text: Callable[[int], str],
    ) -> None:
        self._settings, self._client, self._challenges, self._accounts = settings, client, challenges, accounts
        self._credentials, self._clock, self._read_text = credentials, clock, read_text
        self._redirect_uri = public_url.rstrip("/") + CALLBACK_PATH

    async def begin(self, return_to: str) -> Begun | Denied:
        """The provider's page for a new login; `return_to` is a path of ours, and any other text means the first page."""
        state, nonce, verifier = (self._read_text(STATE_BYTES) for _ in range(3))
        target = return_to if is_own_path(return_to) else "/"
        try:
            metadata = await self._client.get_metadata()
            await self._challenges.add("oidc", state, msgspec.json.encode(PendingLogin(nonce, verifier, target)))
        except UnavailableError as error:
            return _deny_unavailable(error)
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._settings.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": build_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
        separator = "&" if "?" in metadata.authorization_endpoint else "?"
        return Begun(f"{metadata.authorization_endpoint}{separator}{urlencode(query)}", state)

    async def finish(self, state: str, cookie: str, code: str, issuer: str) -> Identified | Denied:
        """Whom the provider has identified. `issuer` is what the answer names as its issuer (RFC 9207), empty for none."""
        if not state or not hmac.compare_digest(state.encode(), cookie.encode()) or issuer not in ("", self._settings.issuer):
            return EXPIRED
        try:
            stored = await self._challenges.take("oidc", state)
            if stored is None:
                return EXPIRED
            pending = msgspec.json.decode(stored, type=PendingLogin)
            id_token = await self._client.exchange(code, pending.verifier, self._redirect_uri) if code else None
            claims = await self._verify(id_token, pending.nonce) if id_token else None
        except UnavailableError as error:
            return _deny_unavailable(error)
        if claims is None:
            return NOT_CONFIRMED
        account = await self._find_account(claims)
        return Identified(account, pending.return_to) if isinstance(account, Account) else account

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._client.close()

    async def _verify(self, id_token: str, nonce: str) -> Mapping[str, Any] | None:
        """The claims of an ID token for this login (OpenID Connect Core 1.0, 3.1.3.7)."""
        try:
            header = jwt.get_unverified_header(id_token)
            key = await self._client.find_key(header.get("kid")) if header.get("alg") in ALGORITHMS else None
            if key is None or "k" in key:
                return None
            # the times are checked below, with the clock of this process
            options: Any = {"require": REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}
            algorithm, audience, issuer = header["alg"], self._settings.client_id, self._settings.issuer
            public_key = jwt.PyJWK(dict(key), algorithm)
            claims = jwt.decode(id_token, public_key, algorithms=[algorithm], audience=audience, issuer=issuer, options=options)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
            return None
        return claims if self._is_for_this_login(claims, nonce) else None

    def _is_for_this_login(self, claims: Mapping[str, Any], nonce: str) -> bool:
        now, audience = self._clock(), claims["aud"]
        times = claims["exp"], claims["iat"]
        if not all(isinstance(time, int | float) for time in times) or not times[1] - LEEWAY <= now < times[0] + LEEWAY:
            return False
        is_ours = audience == self._settings.client_id or claims.get("azp", self._settings.client_id) == self._settings.client_id
        sent = claims.get("nonce")
        return is_ours and isinstance(sent, str) and hmac.compare_digest(sent.encode(), nonce.encode())

    async def _find_account(self, claims: Mapping[str, Any]) -> Account | Denied:
        """The account of this subject, else of the verified e-mail address, else a new one if the provider gives a role."""
        issuer, subject = self._settings.issuer, str(claims["sub"])
        role = self._settings.mapping.find_role(claims)
        if account_id := await self._credentials.find_by_identity(issuer, subject):
            return await self._apply_role(await self._accounts.get(account_id), role)
        email = read_verified_email(claims)
        found = await self._credentials.find_by_email(email) if email else None
        account = found.account if found else await self._create(email, str(claims.get("name") or ""), role)
        if account is None or account.state != "active":
            return NOT_ADMITTED
        await self._credentials.add_identity(issuer, subject, account.id, ORIGIN)
        return await self._apply_role(account, role)

    async def _create(self, email: str, name: str, role: Role | None) -> Account | None:
        if not email or role is None:
            return None
        clean_name = "".join(character for character in name if character.isprintable())[:128]
        return await self._accounts.create(AccountRequest(email, role, clean_name), ORIGIN)

    async def _apply_role(self, account: Account, role: Role | None) -> Account | Denied:
        """The account with the role that the provider gives, if the provider decides; it gives none to who may not log in any more."""
        if not self._settings.mapping.decides or role == account.role:
            return account
        if role is None:
            return NOT_ADMITTED
        try:
            return await self._accounts.change(account.id, AccountChange(role=role), None, build_account_origin(account.id))
        except ConflictError:  # the last admin stays one
            return account


def build_code_challenge(verifier: str) -> str:
    """The challenge of PKCE for a verifier (RFC 7636, 4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def is_own_path(text: str) -> bool:
    """Whether a browser that is sent there stays with us: one slash, then no second one, no backslash and no control character."""
    is_path = text.startswith("/") and not text.startswith(("//", "/\\")) and len(text) <= MAX_RETURN_CHARACTERS
    return is_path and text.isascii() and text.isprintable() and "\\" not in text and " " not in text


def read_verified_email(claims: Mapping[str, Any]) -> str:
    """The e-mail address, if the provider says that it has verified it; else an empty text."""
    text = claims.get("email")
    if claims.get("email_verified") is not True or not isinstance(text, str):
        return ""
    normal = normalize_email(text)
    return "" if isinstance(normal, InvalidAddress) else normal


def _deny_unavailable(error: UnavailableError) -> Denied:
    log_event("auth.provider_unavailable", logging.WARNING, cause=str(error))
    return PROVIDER_DOWN
