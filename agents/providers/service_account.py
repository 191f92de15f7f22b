"""The access token of a Google service account: fetched before the first call, and again ahead of its expiry or when it is rejected.

Source of the flow: https://developers.google.com/identity/protocols/oauth2/service-account. firebase-admin (google-auth) signs the
assertion and requests the token, in a thread, because it blocks.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC
from functools import partial
from typing import Any, NamedTuple

from schemas.ports import Clock

RENEW_AHEAD = 300.0  # seconds before the expiry; a token of Google is valid for an hour
MIN_RENEWAL_INTERVAL = 0.5  # seconds, for tokens that expire at once
RETRY_DELAY = 10.0  # seconds until the next request after one that failed
FORCED_INTERVAL = 15.0  # seconds between two renewals for a rejection: calls in flight may still come back rejected with the old token
TOKEN_TIMEOUT = 10.0  # seconds for one request of the token server
START_TIMEOUT = 15.0  # seconds that a start waits for the first token; the worker starts without it then


class AccessToken(NamedTuple):
    """A token and its expiry in epoch seconds."""

    value: str
    expires_at: float


class TokenError(Exception):
    """No token: the service account file or the token server is at fault. The text has no secret."""


class ServiceAccountToken:
    """The current access token of a service account file; one request at a time, never in a caller's way.

    The file is read again at each request, so that a new key needs no restart. `fetch` blocks and raises TokenError.
    """

    def __init__(self, file: str, fetch: Callable[[str], AccessToken] | None = None) -> None:
        self._fetch = partial(fetch or fetch_access_token, file)
        self._clock: Clock | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._forced_at = float("-inf")
        self.value, self.problem = "", "no access token has been fetched yet"

    async def start(self, clock: Clock) -> None:
        """Fetch the first token, and renew it from now on; after START_TIMEOUT or an error the worker starts without one."""
        self._clock = clock
        await asyncio.wait({self._renew()}, timeout=START_TIMEOUT)

    def reject(self, now: float) -> None:
        """The provider rejected the token: renew it now, unless that was done a moment ago."""
        if self._clock is not None and now - self._forced_at >= FORCED_INTERVAL:
            self._forced_at = now
            self._renew()

    def _renew(self) -> asyncio.Task[None]:
        if self._timer is not None:
            self._timer.cancel()
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.get_running_loop().create_task(self._fetch_and_schedule())
        return self._renewal

    async def _fetch_and_schedule(self) -> None:
        assert self._clock is not None
        delay = RETRY_DELAY
        try:
            token = await asyncio.to_thread(self._fetch)
        except TokenError as error:
            self.problem = str(error)  # the current token may still be valid
        else:
            self.value, self.problem = token.value, ""
            delay = compute_renewal_delay(token.expires_at - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._renew)


def compute_renewal_delay(lifetime: float) -> float:
    """Seconds until the renewal of a token that is valid for so many seconds: RENEW_AHEAD, or a quarter of the time, before its end."""
    return max(MIN_RENEWAL_INTERVAL, lifetime - min(RENEW_AHEAD, lifetime / 4))


def load_credentials(file: str) -> Any:
    """The credentials of google-auth in a service account file. Raises TokenError."""
    from firebase_admin.credentials import Certificate  # here, as the import costs 20 MB and 0.1 s, and only the push worker needs it

    if not file:
        raise TokenError("service_account_file is empty: give the path of the JSON key of a service account (Firebase console, settings)")
    try:
        return Certificate(file).get_credential()
    except (OSError, ValueError, KeyError, AttributeError) as error:  # the message of some of these quotes the file
        raise TokenError(f"the service account file {file} is missing or is not the JSON key of a service account") from error


def fetch_access_token(file: str) -> AccessToken:
    """Sign an assertion and exchange it for a token at the `token_uri` of the file. Raises TokenError."""
    credentials = load_credentials(file)
    from google.auth.exceptions import GoogleAuthError
    from google.auth.transport.requests import Request
    from requests import Session

    with Session() as session:
        session.trust_env = False  # as the HTTP client of the providers
        try:
            credentials.refresh(partial(Request(session), timeout=TOKEN_TIMEOUT))
        except GoogleAuthError as error:
            raise TokenError(f"the token server gave no access token: {str(error.args[0] if error.args else error)[:200]}") from error
    return AccessToken(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp())
