"""What logs people in, built from the section auth of faust.yml; nothing of it without signing keys and a secret."""

import logging
import os
import secrets
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.api.principal import Authenticator, Reauthenticator
from app.auth.access_tokens import AccessTokens
from app.auth.authenticator import SessionStates, build_account_authenticator, build_account_reauthenticator
from app.auth.login import PasswordLogin
from app.auth.oidc import OidcLogin
from app.auth.oidc_client import OidcClient
from app.auth.oidc_settings import OidcSettings, parse_role_mapping
from app.auth.passkeys import Passkeys, build_relying_party
from app.auth.password_links import PasswordLinks, Submitter
from app.auth.passwords import PasswordHashes
from app.auth.second_factor import SecondFactors
from app.auth.secret_box import SecretBox
from app.auth.session_service import SessionService
from app.auth.signing_keys import SigningKeyFile
from app.auth_settings import AuthSection, OidcSection
from app.telemetry import Metrics, log_event
from schemas.errors import SettingError
from schemas.limit_ports import RateLimiter
from schemas.link_tokens import decode_secrets
from tables.postgres.accounts import AccountStore
from tables.postgres.credentials import CredentialStore
from tables.postgres.database import Database
from tables.postgres.passkeys import PasskeyStore
from tables.postgres.policy_writer import MakeId
from tables.postgres.sessions import SessionStore
from tables.redis.client import RedisClient
from tables.redis.login_challenges import RedisLoginChallenges


@dataclass(frozen=True)
class AuthServices:
    """What the routes of /v1/auth use; without `oidc` there is no OpenID provider."""

    keys: SigningKeyFile
    sessions: SessionService
    states: SessionStates
    tokens: AccessTokens
    login: PasswordLogin
    hashes: PasswordHashes
    factors: SecondFactors
    passkeys: Passkeys
    links: PasswordLinks
    credentials: CredentialStore
    limiter: RateLimiter
    oidc: OidcLogin | None
    public_url: str
    password_min_length: int

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the gateway by TLS, so that cookies need it."""
        return self.public_url.startswith("https:")

    @property
    def authenticator(self) -> Authenticator:
        """What accepts access tokens (app.api.principal.Authenticator)."""
        return build_account_authenticator(self.tokens, self.states.get)

    @property
    def reauthenticator(self) -> Reauthenticator:
        """What knows whose sessions have not ended (app.api.principal.Reauthenticator)."""
        return build_account_reauthenticator(self.states.get)

    async def close(self) -> None:
        """End the threads, what is being sent, and the connections to the OpenID provider."""
        await self.links.stop()
        self.hashes.close()
        if self.oidc is not None:
            await self.oidc.close()


def build_auth_services(
    section: AuthSection,
    base_url: str,
    database: Database,
    redis: RedisClient,
    limiter: RateLimiter,
    submitter: Submitter,
    metrics: Metrics,
    make_id: MakeId,
) -> AuthServices | None:
    """The services; None without signing keys or without a secret. `base_url`: links.base_url. Raises SettingError."""
    keys, box = load_signing_keys(section), load_secret_box(section)
    if keys is None or box is None:
        return None
    public_url = find_public_url(section, base_url)
    store = SessionStore(database, make_id, section.session_lifetime, section.idle_timeout)
    credentials, challenges = CredentialStore(database, make_id), RedisLoginChallenges(redis)
    tokens = AccessTokens(keys.get, section.issuer, section.audience, section.access_token_lifetime, time.time, lambda: uuid.uuid4().hex)
    sessions, hashes = SessionService(store, tokens, box, os.urandom), PasswordHashes(section.max_waiting_logins)
    factors = SecondFactors(credentials, box, time.time, os.urandom, section.issuer)
    party = build_relying_party(public_url, section.issuer)
    return AuthServices(
        keys=keys,
        sessions=sessions,
        states=SessionStates(store, time.monotonic),
        tokens=tokens,
        login=PasswordLogin(credentials, sessions, hashes, factors, limiter, box, metrics),
        hashes=hashes,
        factors=factors,
        passkeys=Passkeys(PasskeyStore(database, make_id), credentials, challenges, party, os.urandom),
        links=build_links(section, public_url, credentials, submitter, limiter, box),
        credentials=credentials,
        limiter=limiter,
        oidc=build_oidc_login(section.oidc, public_url, challenges, AccountStore(database, make_id), credentials),
        public_url=public_url,
        password_min_length=section.password_min_length,
    )


def check_auth_section(section: AuthSection, base_url: str) -> None:
    """Raise SettingError for what only building the services would show."""
    if load_signing_keys(section) is not None and load_secret_box(section) is not None:
        find_public_url(section, base_url)
        if section.oidc.issuer:
            check_oidc_section(section.oidc)


def load_signing_keys(section: AuthSection) -> SigningKeyFile | None:
    """The signing keys; None if the setting is empty. Raises SettingError."""
    if not section.signing_keys_file:
        return None
    return SigningKeyFile(Path(section.signing_keys_file), time.monotonic, _report_unusable_keys)


def load_secret_box(section: AuthSection) -> SecretBox | None:
    """What `auth.secret` encrypts with; None if the setting is empty. Raises SettingError."""
    try:
        return SecretBox(decode_secrets(section.secret)) if section.secret else None
    except ValueError as error:
        raise SettingError("auth.secret", str(error)) from None


def find_public_url(section: AuthSection, base_url: str) -> str:
    """Where people reach the gateway. Raises SettingError without such a URL."""
    key, url = ("auth.public_url", section.public_url) if section.public_url else ("links.base_url", base_url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise SettingError(key, "must be the http or https URL at which people reach the gateway; without one nobody can log in")
    return url


def build_links(
    section: AuthSection, public_url: str, credentials: CredentialStore, submitter: Submitter, limiter: RateLimiter, box: SecretBox
) -> PasswordLinks:
    """What makes and sends links that work once."""
    return PasswordLinks(
        credentials,
        submitter,
        limiter,
        box,
        public_url=public_url,
        lifetime=section.link_lifetime,
        read_text=secrets.token_urlsafe,
        clock=time.time,
    )


def build_oidc_login(
    section: OidcSection, public_url: str, challenges: RedisLoginChallenges, accounts: AccountStore, credentials: CredentialStore
) -> OidcLogin | None:
    """The login at the OpenID provider; None without one. Raises SettingError."""
    if not section.issuer:
        return None
    settings = check_oidc_section(section)
    client = OidcClient(settings, time.monotonic)
    return OidcLogin(
        settings,
        client,
        challenges,
        accounts,
        credentials,
        public_url=public_url,
        clock=time.time,
        read_text=secrets.token_urlsafe,
    )


def check_oidc_section(section: OidcSection) -> OidcSettings:
    """The settings of the OpenID provider. Raises SettingError."""
    parts = urlsplit(section.issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise SettingError("auth.oidc.issuer", "must be the https URL of the provider, as its metadata write it")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise SettingError("auth.oidc.issuer", "must be https, because its answers decide who may log in")
    if not section.client_id:
        raise SettingError("auth.oidc.client_id", "is empty: write the id of our client at the provider")
    key = "roles"
    try:
        mapping = parse_role_mapping(section.role_claim, section.roles, "")
        key = "default_role"
        mapping = parse_role_mapping(section.role_claim, section.roles, section.default_role)
    except ValueError as error:
        raise SettingError(f"auth.oidc.{key}", str(error)) from None
    name = section.name or parts.hostname
    return OidcSettings(section.issuer, name, section.client_id, section.client_secret, section.scopes, mapping)


def _report_unusable_keys(problem: str) -> None:
    log_event("auth.signing_keys_unusable", logging.ERROR, problem=problem)
