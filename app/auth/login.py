"""Login by e-mail address, password and, if the account has one, a code. Whoever it is for, an answer costs one hash."""

from typing import NamedTuple

from app.auth.login_limits import build_address_quotas, build_login_quotas, find_device
from app.auth.passwords import RETRY_AFTER, PasswordHashes, TooManyLoginsError
from app.auth.second_factor import SecondFactors
from app.auth.secret_box import SecretBox
from app.auth.session_service import Client, Denied, Grant, SessionService
from app.telemetry import Metrics
from schemas.accounts import StoredCredentials
from schemas.addresses import InvalidAddress, normalize_email
from schemas.limit_ports import Exceeded, Quota, RateLimiter
from schemas.metrics import LOGINS
from tables.postgres.credentials import CredentialStore

LOGIN_FAILED = Denied("login-failed", "the e-mail address, the password or the code is wrong")
CODE_NEEDED = Denied("second-factor-required", "send also `code`: that of the authenticator app, or a recovery code")
BUSY = Denied("unavailable", "too many people log in at this moment", RETRY_AFTER)


class LoginRequest(NamedTuple):
    """What somebody logs in with; `project`: None for the first one of the account."""

    email: str
    password: str
    code: str = ""
    project: str | None = None


class PasswordLogin:
    """Logs people in by password."""

    def __init__(
        self,
        store: CredentialStore,
        sessions: SessionService,
        hashes: PasswordHashes,
        factors: SecondFactors,
        limiter: RateLimiter,
        box: SecretBox,
        metrics: Metrics,
    ) -> None:
        self._store, self._sessions, self._hashes, self._factors = store, sessions, hashes, factors
        self._limiter, self._box, self._metrics = limiter, box, metrics

    async def login(self, request: LoginRequest, client: Client) -> Grant | Denied:
        """A session, or why there is none. Raises UnavailableError."""
        email = normalize_login_email(request.email)
        credentials = await self._store.find_by_email(email)
        if denied := await self._check_limits(email, credentials, client):
            return self._count(denied)
        try:
            denied = await self._check(credentials, request)
        except TooManyLoginsError:
            denied = BUSY
        if denied or credentials is None:
            return self._count(denied or LOGIN_FAILED)
        return self._count(await self._sessions.start(credentials.account, "password", client, request.project))

    async def confirm(self, account_id: str, password: str, client: Client) -> Denied | None:
        """Whether somebody who is logged in knows the password of the account: None if so. Raises UnavailableError."""
        credentials = await self._store.find(account_id)
        email = credentials.account.email if credentials else ""
        if denied := await self._check_limits(email, credentials, client):
            return denied
        try:
            is_right = await self._hashes.verify(credentials.password_hash if credentials else "", password)
        except TooManyLoginsError:
            return BUSY
        return None if is_right else LOGIN_FAILED

    async def _check_limits(self, email: str, credentials: StoredCredentials | None, client: Client) -> Denied | None:
        device = find_device(self._box, credentials.account.id, client.device_cookie) if credentials else ""
        quotas = build_login_quotas(self._box, email, client.address, device)
        return await check_quotas(self._limiter, quotas if device else [*build_address_quotas(client.address), *quotas])

    async def _check(self, credentials: StoredCredentials | None, request: LoginRequest) -> Denied | None:
        stored_hash = credentials.password_hash if credentials else ""
        is_right = await self._hashes.verify(stored_hash, request.password)
        if not is_right or credentials is None or credentials.account.state != "active":
            return LOGIN_FAILED
        if credentials.account.has_totp:
            if not request.code:
                return CODE_NEEDED
            if not await self._factors.use_code(credentials, request.code):
                return LOGIN_FAILED
        if self._hashes.needs_rehash(stored_hash):
            await self._store.rehash_password(credentials.account.id, stored_hash, await self._hashes.compute(request.password))
        return None

    def _count(self, result: Grant | Denied) -> Grant | Denied:
        self._metrics.increment(LOGINS, 1, "password", result.kind if isinstance(result, Denied) else "granted")
        return result


async def check_quotas(limiter: RateLimiter, quotas: list[Quota]) -> Denied | None:
    """Use a permit of each quota: None if there were, else when there will be."""
    verdict = await limiter.acquire(quotas)
    if not isinstance(verdict, Exceeded):
        return None
    return Denied("too-many-requests", "too many tries; wait before the next one", max(1, round(verdict.retry_after + 0.5)))


def normalize_login_email(text: str) -> str:
    """The normal form of an e-mail address; a text that is none is looked up as it is, and is nobody's."""
    normal = normalize_email(text.strip())
    return text.replace("\0", "") if isinstance(normal, InvalidAddress) else normal
