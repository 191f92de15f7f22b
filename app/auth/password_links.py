"""Links that work once: to choose a password, which Herold sends by e-mail, and to make the first account."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from app.api.principal import Principal, build_bootstrap_principal
from app.auth.login import check_quotas, normalize_login_email
from app.auth.login_limits import build_address_quotas, build_link_quotas
from app.auth.refresh_tokens import hash_token
from app.auth.secret_box import SecretBox
from app.auth.session_service import Denied
from app.telemetry import log_event
from schemas.accounts import Account
from schemas.errors import HeroldError
from schemas.limit_ports import RateLimiter
from tables.postgres.credentials import CredentialStore

RESET_TYPE = "account.password_reset"
PAGE_PATH = "/account/"
FIRST_ADMIN_SECONDS = 86_400.0
LINK_BYTES = 32


class Submitter(Protocol):
    """Submits a notification, as POST /v1/notifications does."""

    async def submit(self, body: bytes, idempotency_key: str | None, principal: Principal) -> Any: ...


class PasswordLinks:
    """Makes links and sends them; `lifetime` in seconds, `public_url` is where people reach the gateway.

    `read_text` returns a new random text that may stand in a URL (secrets.token_urlsafe).
    """

    def __init__(
        self,
        store: CredentialStore,
        submitter: Submitter,
        limiter: RateLimiter,
        box: SecretBox,
        *,
        public_url: str,
        lifetime: int,
        read_text: Callable[[int], str],
        clock: Callable[[], float],
    ) -> None:
        self._store, self._submitter, self._limiter, self._box = store, submitter, limiter, box
        self._public_url, self._lifetime, self._read_text, self._clock = public_url, lifetime, read_text, clock
        self._tasks: set[asyncio.Task[None]] = set()

    async def request(self, email: str, address: str) -> Denied | None:
        """Send a link if the address is that of an account; what is done for it is done after the answer, so that no time shows it."""
        if denied := await check_quotas(self._limiter, build_address_quotas(address)):
            return denied
        self._run(self._send_if_known(normalize_login_email(email)))
        return None

    def send_later(self, account: Account) -> None:
        """Send a link to an account, after the answer to the request that is processed."""
        self._run(self._send(account))

    async def make_first_admin_link(self) -> str | None:
        """The link with which the first account is made; None if there are accounts, or a link that works. Raises UnavailableError."""
        token = self._read_text(LINK_BYTES)
        if not await self._store.add_first_admin_link(hash_token(token), FIRST_ADMIN_SECONDS):
            return None
        return self._build_link("first-admin", token)

    async def stop(self) -> None:
        """Wait for what is being sent."""
        await asyncio.gather(*self._tasks)

    async def _send_if_known(self, email: str) -> None:
        credentials = await self._store.find_by_email(email)
        if credentials is None or credentials.account.state != "active":
            return
        if await check_quotas(self._limiter, build_link_quotas(self._box, email)) is None:
            await self._send(credentials.account)

    async def _send(self, account: Account) -> None:
        token = self._read_text(LINK_BYTES)
        await self._store.add_link(hash_token(token), account.id, self._lifetime)
        body = {
            "user_id": account.id,
            "type": RESET_TYPE,
            "priority": "high",
            "to": {"email": account.email},
            "data": {"name": account.name or account.email, "link": self._build_link("password", token), "minutes": self._lifetime // 60},
            "expires_at": self._clock() + self._lifetime,
        }
        await self._submitter.submit(msgspec.json.encode(body), None, build_bootstrap_principal())

    def _build_link(self, page: str, token: str) -> str:
        return f"{self._public_url.rstrip('/')}{PAGE_PATH}{page}/{quote(token, safe='')}"

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._report_failure(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _report_failure(self, work: Coroutine[Any, Any, None]) -> None:
        with suppress(asyncio.CancelledError):
            try:
                await work
            except Exception as error:
                log_event(
                    "auth.link_not_sent", logging.WARNING, cause=str(error) if isinstance(error, HeroldError) else type(error).__name__
                )
