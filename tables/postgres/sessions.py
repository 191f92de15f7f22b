"""Stores the sessions of people and their refresh tokens, of which only hashes are stored (docs/decisions/0046)."""

from typing import NamedTuple

from schemas.accounts import ACCOUNT_PREFIX, SESSION_PREFIX, LoginMethod, RevocationReason, Session, SessionState
from schemas.ids import is_id, to_uuid_hex
from schemas.permissions import Role
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.accounts import OBJECT_TYPE, parse_account_id
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

ROTATION_GRACE = 10.0  # seconds in which a refresh token that was exchanged gives the same next one again
KEPT_SECONDS = 30 * 86_400.0  # for which sessions that have ended are kept

_SQL = load_queries("sessions")
_MAX_UUID = "f" * 32


class StartedSession(NamedTuple):
    """A session that has begun."""

    id: str
    token_version: int


class RotatedSession(NamedTuple):
    """The session of a refresh token that was exchanged."""

    id: str
    account_id: str
    token_version: int
    role: Role
    projects: list[str]


class ReusedToken(NamedTuple):
    """A refresh token was used again that had been exchanged: somebody has a copy, so its session has ended."""

    session_id: str
    account_id: str


class SessionStore:
    """Reads and writes sessions; lifetimes in seconds: of a session, and of a refresh token that is not used."""

    def __init__(self, database: Database, make_id: MakeId, session_lifetime: float, idle_timeout: float) -> None:
        self._database, self._make_id = database, make_id
        self._session_lifetime, self.idle_timeout = session_lifetime, idle_timeout

    async def start(
        self, account_id: str, method: LoginMethod, client: str, token_hash: bytes, origin: ChangeOrigin
    ) -> StartedSession | None:
        """A new session with its first refresh token; None if the account is not active. Raises UnavailableError."""
        session_id, account_uuid = self._make_id(SESSION_PREFIX), parse_account_id(account_id)
        values = to_uuid_hex(session_id), account_uuid, method, client, self._session_lifetime
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["delete_old_sessions"], account_uuid, KEPT_SECONDS)
            token_version = await connection.fetchval(_SQL["insert_session"], *values)
            if token_version is None:
                return None
            await connection.execute(_SQL["insert_refresh_token"], token_hash, to_uuid_hex(session_id), self.idle_timeout)
            await connection.execute(_SQL["record_login"], account_uuid)
            await self._write_audit_entry(connection, origin, "login", account_id, session=session_id, method=method)
        return StartedSession(session_id, token_version)

    async def rotate(self, token_hash: bytes, next_hash: bytes, origin: ChangeOrigin) -> RotatedSession | ReusedToken | None:
        """Exchange a refresh token for the next one; None if it is not valid.

        One that was exchanged in the last seconds gives the same next one again: a client that asked twice at once is not locked out. One
        that was exchanged earlier ends the session. Raises UnavailableError.
        """
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["lock_refresh_token"], token_hash)
            if row is None or row["is_revoked"] or row["is_expired"]:
                return None
            if (row["rotated_seconds_ago"] or 0.0) > ROTATION_GRACE:
                return await self._end_reused(connection, row, origin)
            if row["rotated_seconds_ago"] is None:
                await connection.execute(_SQL["mark_rotated"], token_hash)
                await connection.execute(_SQL["insert_refresh_token"], next_hash, row["id"], self.idle_timeout)
                await connection.execute(_SQL["touch_session"], row["id"])
            return _build_rotated(row)

    async def end(self, session_id: str, account_id: str | None, reason: RevocationReason, origin: ChangeOrigin) -> bool:
        """End a session of an account, or of any; False if there is no such session that has not ended. Raises UnavailableError."""
        if not is_id(session_id, SESSION_PREFIX):
            return False
        account_uuid = parse_account_id(account_id) if account_id else None
        async with self._database.acquire_connection() as connection, connection.transaction():
            ended = await connection.fetchval(_SQL["end_session"], to_uuid_hex(session_id), account_uuid, reason)
            if ended is None:
                return False
            await self._write_audit_entry(connection, origin, "end_session", ACCOUNT_PREFIX + ended.hex, session=session_id, reason=reason)
            return True

    async def find_by_refresh_token(self, token_hash: bytes) -> str | None:
        """The id of the session of a refresh token, whatever its state. Raises UnavailableError."""
        rows = await self._database.fetch(_SQL["find_by_refresh_token"], token_hash)
        return SESSION_PREFIX + rows[0]["session_id"].hex if rows else None

    async def get_state(self, session_id: str) -> SessionState | None:
        """What decides about the access tokens of a session; None if it has ended. Raises UnavailableError."""
        if not is_id(session_id, SESSION_PREFIX):
            return None
        rows = await self._database.fetch(_SQL["get_session_state"], to_uuid_hex(session_id))
        return _build_state(rows[0]) if rows else None

    async def list_sessions(self, account_id: str, limit: int, before: str) -> list[Session]:
        """At most `limit` sessions of an account that have not ended, with ids below one, newest first. Raises UnavailableError."""
        below = to_uuid_hex(before) if before else _MAX_UUID
        rows = await self._database.fetch(_SQL["list_sessions"], parse_account_id(account_id), below, limit)
        return [_build_session(row) for row in rows]

    async def _end_reused(self, connection: Connection, row: DatabaseRow, origin: ChangeOrigin) -> ReusedToken:
        reused = ReusedToken(SESSION_PREFIX + row["id"].hex, ACCOUNT_PREFIX + row["account_id"].hex)
        await connection.execute(_SQL["end_session"], row["id"], None, "reuse")
        await self._write_audit_entry(connection, origin, "refresh_token_reused", reused.account_id, session=reused.session_id)
        return reused

    async def _write_audit_entry(self, connection: Connection, origin: ChangeOrigin, action: str, account_id: str, **details: str) -> None:
        values = {"source": origin.source, **details}
        await write_audit_entry(connection, self._make_id(AUDIT_ENTRY_PREFIX), origin.actor, action, OBJECT_TYPE, account_id, values)


def _build_rotated(row: DatabaseRow) -> RotatedSession:
    ids = SESSION_PREFIX + row["id"].hex, ACCOUNT_PREFIX + row["account_id"].hex
    return RotatedSession(*ids, row["token_version"], Role(row["role"]), row["projects"])


def _build_state(row: DatabaseRow) -> SessionState:
    return SessionState(
        ACCOUNT_PREFIX + row["account_id"].hex,
        row["email"],
        row["name"],
        Role(row["role"]),
        row["projects"],
        row["token_version"],
        row["created_at"].timestamp(),
    )


def _build_session(row: DatabaseRow) -> Session:
    times = row["created_at"].timestamp(), row["last_used_at"].timestamp(), row["expires_at"].timestamp()
    return Session(SESSION_PREFIX + row["id"].hex, row["method"], row["client"], *times)
