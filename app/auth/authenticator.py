"""Who bears an access token. The token is verified each time; its session is looked up at most every few seconds."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from app.api.principal import Authenticator, Holder, Principal, Reauthenticator, Scheme
from app.auth.access_tokens import AccessClaims, AccessTokens
from app.auth.session_service import select_project
from schemas.accounts import SessionState
from schemas.permissions import select_permissions
from schemas.ports import Clock
from tables.postgres.sessions import SessionStore

STATE_SECONDS = 20.0  # a token that is revoked ends within 30 s
MAX_STATES = 10_000


class AccountPrincipal(Principal, frozen=True, kw_only=True):
    """A person with a session; `session_started_at` in epoch seconds."""

    email: str
    session_id: str
    session_started_at: float


class _KnownState(NamedTuple):
    state: SessionState | None
    until: float


class SessionStates:
    """What the sessions were at their last look-up; `clock` is monotonic."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, _KnownState] = {}
        self._changes = 0  # how often something was forgotten

    async def get(self, session_id: str) -> SessionState | None:
        """The state of a session; None if it has ended. Raises UnavailableError."""
        known, now = self._known.get(session_id), self._clock()
        if known is not None and now < known.until:
            return known.state
        changes = self._changes
        state = await self._store.get_state(session_id)
        if changes != self._changes:  # it may be what it was before the change
            return state
        self._known.pop(session_id, None)
        if len(self._known) >= MAX_STATES:
            del self._known[next(iter(self._known))]  # the one that was read first
        self._known[session_id] = _KnownState(state, now + STATE_SECONDS)
        return state

    def forget(self, session_id: str) -> None:
        """Look the session up at the next request; for what this process has changed itself."""
        self._known.pop(session_id, None)
        self._changes += 1


def build_account_authenticator(tokens: AccessTokens, get_state: Callable[[str], Awaitable[SessionState | None]]) -> Authenticator:
    """Accepts access tokens of sessions that have not ended."""

    async def authenticate_account(scheme: Scheme, credential: bytes) -> Principal | None:
        claims = tokens.verify(credential.decode("latin-1")) if scheme == "bearer" else None
        state = await get_state(claims.sid) if claims else None
        return build_principal(claims, state) if claims and state else None

    return authenticate_account


def build_account_reauthenticator(get_state: Callable[[str], Awaitable[SessionState | None]]) -> Reauthenticator:
    """Knows what a person is now whose session has not ended, and who still belongs to the project."""

    async def reauthenticate_account(holder: Holder) -> Principal | None:
        before = holder.principal
        state = await get_state(before.session_id) if before.kind == "account" else None
        if state is None or state.account_id != before.id or select_project(state.projects, before.project) is None:
            return None
        return msgspec.structs.replace(before, role=state.role, permissions=select_permissions(state.role))

    return reauthenticate_account


def build_principal(claims: AccessClaims, state: SessionState) -> AccountPrincipal | None:
    """Who bears a token; None if it is older than the account's token version, or for a project that the account has left."""
    project = select_project(state.projects, claims.prj)
    if claims.sub != state.account_id or claims.tv != state.token_version or project is None:
        return None
    return AccountPrincipal(
        kind="account",
        id=state.account_id,
        name=state.name or state.account_id,
        role=state.role,
        permissions=select_permissions(state.role),
        project=project,
        email=state.email,
        session_id=claims.sid,
        session_started_at=state.created_at,
    )
