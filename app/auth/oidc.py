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
from app.auth.oidc_denials import EXPIRED, NO_ACCOUNT, NO_ROLE, NOT_CONFIRMED, NOT_VERIFIED, PROVIDER_DOWN, read_provider_error
from app.auth.oidc_settings import OidcSettings
from app.auth.session_service import INACTIVE, Denied, build_account_origin
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
FIRST_PAGE = "/"
ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA", "RS384", "RS512", "ES384", "ES512", "PS384", "PS512")
"""Of ID tokens: those with public keys, whatever a token says; none and HMAC are not among them (RFC 8725, 3.1)."""

LEEWAY = 60.0  # seconds that the provider's clock may differ
STATE_BYTES = 32
MAX_RETURN_CHARACTERS = 512
REQUIRED = ["exp", "iat", "aud", "iss", "sub"]
ORIGIN = ChangeOrigin("api", "oidc")


class Begun(NamedTuple):
    """Where the browser goes, and the state that it has to bring back in a cookie, too."""

    url: str
    state: str


class Answer(NamedTuple):
    """What the provider sends a browser back with; `issuer` is who answers (RFC 9207), and each is empty if it is not there."""

    state: str
    code: str
    issuer: str
    error: str


class Finished(NamedTuple):
    """Whom the provider has identified, or why nobody, and the page that was asked for; the first one if that is not known."""

    result: Account | Denied
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

    @property
    def provider_name(self) -> str:
        """What people call the provider."""
        return self._settings.name

    async def begin(self, return_to: str) -> Begun | Denied:
        """The provider's page for a new login; `return_to` is a path of ours, and any other text means the first page."""
        state, nonce, verifier = (self._read_text(STATE_BYTES) for _ in range(3))
        target = return_to if is_own_path(return_to) else FIRST_PAGE
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

    async def finish(self, answer: Answer, cookie: str) -> Finished:
        """End the login that began with this cookie; it is used up, whatever the answer is."""
        is_known = bool(answer.state) and hmac.compare_digest(answer.state.encode(), cookie.encode())
        if not is_known or answer.issuer not in ("", self._settings.issuer):
            return Finished(EXPIRED, FIRST_PAGE)
        try:
            stored = await self._challenges.take("oidc", answer.state)
        except UnavailableError as error:
            return Finished(_deny_unavailable(error), FIRST_PAGE)
        if stored is None:
            return Finished(EXPIRED, FIRST_PAGE)
        pending = msgspec.json.decode(stored, type=PendingLogin)
        return Finished(await self._identify(answer, pending), pending.return_to)

    async def _identify(self, answer: Answer, pending: PendingLogin) -> Account | Denied:
        if answer.error and not answer.code:
            return read_provider_error(answer.error)
        try:
            id_token = await self._client.exchange(answer.code, pending.verifier, self._redirect_uri) if answer.code else None
            claims = await self._verify(id_token, pending.nonce) if id_token else None
        except UnavailableError as error:
            return _deny_unavailable(error)
        return NOT_CONFIRMED if claims is None else await self._find_account(claims)

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
        if isinstance(account, Denied):
            return account
        if account.state != "active":
            return INACTIVE
        await self._credentials.add_identity(issuer, subject, account.id, ORIGIN)
        return await self._apply_role(account, role)

    async def _create(self, email: str, name: str, role: Role | None) -> Account | Denied:
        if not email or role is None:
            return NO_ACCOUNT if email else NOT_VERIFIED
        clean_name = "".join(character for character in name if character.isprintable())[:128]
        return await self._accounts.create(AccountRequest(email, role, clean_name), ORIGIN)

    async def _apply_role(self, account: Account, role: Role | None) -> Account | Denied:
        """The account with the role that the provider gives, if the provider decides; it gives none to who may not log in any more."""
        if not self._settings.mapping.decides or role == account.role:
            return account
        if role is None:
            return NO_ROLE
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
