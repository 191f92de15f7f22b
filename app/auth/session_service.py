"""Begins, goes on with and ends sessions: what a login grants, and what is done with a refresh token."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from app.auth.access_tokens import AccessTokens
from app.auth.login_limits import make_device_cookie
from app.auth.refresh_tokens import derive_next_token, hash_token, is_refresh_token, make_refresh_token
from app.auth.secret_box import SecretBox
from app.telemetry import log_event
from schemas.accounts import Account, LoginMethod
from schemas.users import ChangeOrigin
from tables.postgres.sessions import ReusedToken, SessionStore

MAX_CLIENT_CHARACTERS = 200


class Client(NamedTuple):
    """Who asks: the address of the connection, what the program calls itself, and the cookie of its device."""

    address: str
    name: str = ""
    device_cookie: str = ""


class Grant(NamedTuple):
    """What a login or refresh gives; `device_cookie` is empty unless it is new."""

    access_token: str
    expires_in: int
    refresh_token: str
    session_id: str
    device_cookie: str = ""


class Denied(NamedTuple):
    """Why somebody gets nothing: a kind of problem with a sentence; `retry_after` in seconds, 0 for none.

    `code` is what a login page has a sentence for, if the kind says too little; else empty.
    """

    kind: str
    detail: str
    retry_after: int = 0
    code: str = ""


INVALID_REFRESH_TOKEN = Denied("unauthorized", "the refresh token is not valid (any more): log in again")
UNKNOWN_PROJECT = Denied("forbidden", "the account does not belong to this project")
INACTIVE = Denied("login-failed", "the account is disabled", code="account_disabled")


def build_account_origin(account_id: str) -> ChangeOrigin:
    """The origin of a change that a person makes to the own account."""
    return ChangeOrigin("api", f"account:{account_id}")


class SessionService:
    """`read_random` as os.urandom."""

    def __init__(self, store: SessionStore, tokens: AccessTokens, box: SecretBox, read_random: Callable[[int], bytes]) -> None:
        self.store = store
        self._tokens, self._box, self._read_random = tokens, box, read_random

    async def start(self, account: Account, method: LoginMethod, client: Client, project: str | None) -> Grant | Denied:
        """A new session of somebody who has shown who he or she is. Raises UnavailableError."""
        selected = select_project(account.projects, project)
        if selected is None:
            return UNKNOWN_PROJECT
        refresh_token, name = make_refresh_token(self._read_random), clean_client_name(client.name)
        origin = build_account_origin(account.id)
        started = await self.store.start(account.id, method, name, hash_token(refresh_token), origin)
        if started is None:
            return INACTIVE
        access_token = self._tokens.sign(account.id, started.id, started.token_version, selected)
        device_cookie = make_device_cookie(self._box, account.id, self._read_random)
        return Grant(access_token, self._tokens.lifetime, refresh_token, started.id, device_cookie)

    async def refresh(self, refresh_token: str, project: str | None) -> Grant | Denied:
        """New tokens for a refresh token, which is exchanged. Raises UnavailableError."""
        if not is_refresh_token(refresh_token):
            return INVALID_REFRESH_TOKEN
        following = derive_next_token(self._box, refresh_token)
        rotated = await self.store.rotate(hash_token(refresh_token), hash_token(following), ChangeOrigin("api", "refresh token"))
        if isinstance(rotated, ReusedToken):
            log_event("auth.refresh_token_reused", logging.WARNING, session_id=rotated.session_id, account_id=rotated.account_id)
        if rotated is None or isinstance(rotated, ReusedToken):
            return INVALID_REFRESH_TOKEN
        selected = select_project(rotated.projects, project)
        if selected is None:
            return UNKNOWN_PROJECT
        access_token = self._tokens.sign(rotated.account_id, rotated.id, rotated.token_version, selected)
        return Grant(access_token, self._tokens.lifetime, following, rotated.id)

    async def end_by_refresh_token(self, refresh_token: str) -> str | None:
        """End the session of a refresh token, also of one that was exchanged; returns its id, None if there is none.

        Raises UnavailableError.
        """
        session_id = await self.store.find_by_refresh_token(hash_token(refresh_token)) if is_refresh_token(refresh_token) else None
        if session_id is not None:
            await self.store.end(session_id, None, "logout", ChangeOrigin("api", "refresh token"))
        return session_id

    def sign_again(self, account: Account, session_id: str, project: str) -> str:
        """An access token for a session that goes on after all others have ended."""
        return self._tokens.sign(account.id, session_id, account.token_version, project)


def select_project(projects: list[str], wanted: str | None) -> str | None:
    """The project that a token is for, empty for the default one: the wanted one, else the first; None if it is not the account's."""
    own = projects or [""]
    if wanted is None:
        return own[0]
    return wanted if wanted in own else None


def clean_client_name(name: str) -> str:
    """What a program calls itself, for the list of sessions: printable and short."""
    return "".join(character if character.isprintable() else " " for character in name)[:MAX_CLIENT_CHARACTERS].strip()
