"""Stores the accounts of people; each change is an entry of the audit log, without addresses."""

from collections.abc import Mapping
from typing import Any

import asyncpg
from msgspec import UNSET

from schemas.accounts import ACCOUNT_PREFIX, Account, AccountChange, AccountRequest, AccountState, RevocationReason
from schemas.errors import ConflictError, MissingAccountError, VersionMismatchError
from schemas.ids import is_id, to_uuid_hex
from schemas.permissions import Role
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

OBJECT_TYPE = "account"  # of the audit log
ACCOUNT_FIELDS = ("email", "name", "role", "projects", "state")

_SQL = load_queries("accounts")
_ZERO_UUID = "0" * 32


class AccountStore:
    """Reads and writes the table accounts. Each method raises UnavailableError, and MissingAccountError for an unknown id."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def get(self, account_id: str) -> Account:
        """An account."""
        async with self._database.acquire_connection() as connection:
            return await read_account(connection, account_id)

    async def list_accounts(self, limit: int, after: str, role: Role | None, state: AccountState | None, search: str) -> list[Account]:
        """At most `limit` accounts after an id, in the order of ids; `search` is a part of the e-mail address or name."""
        above = parse_account_id(after) if after else _ZERO_UUID
        rows = await self._database.fetch(_SQL["list_accounts"], above, role, state, search, limit)
        return [build_account(row) for row in rows]

    async def create(self, request: AccountRequest, origin: ChangeOrigin, password_hash: str = "") -> Account:
        """The new account. Raises ConflictError for an e-mail address that another one has."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            return await self._insert(connection, request, origin, password_hash)

    async def create_first_admin(self, request: AccountRequest, password_hash: str, origin: ChangeOrigin) -> Account:
        """The new account. Raises ConflictError if there is any already."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock_for_first_admin"])
            if await connection.fetchval(_SQL["has_accounts"]):
                raise ConflictError("there are accounts already: an admin can make further ones")
            return await self._insert(connection, request, origin, password_hash)

    async def change(self, account_id: str, change: AccountChange, version: int | None, origin: ChangeOrigin) -> Account:
        """The changed account; None changes any version. One that is disabled has no valid token any more.

        Raises VersionMismatchError, and ConflictError for an address of another one, or for the last admin that can log in.
        """
        given = {name: value for name in ACCOUNT_FIELDS if (value := getattr(change, name)) is not UNSET}
        try:
            async with self._database.acquire_connection() as connection, connection.transaction():
                admins = await _lock_admins(connection)
                row = await _lock(connection, account_id, version)
                values = {name: given.get(name, row[name]) for name in ACCOUNT_FIELDS}
                if values["role"] != Role.ADMIN or values["state"] != "active":
                    _check_other_admins(admins, row["id"])
                await connection.execute(_SQL["update_account"], row["id"], *values.values())
                if values["state"] == "disabled" and row["state"] == "active":
                    await revoke_tokens(connection, account_id, "disabled")
                details: dict[str, Any] = {name: str(given[name]) for name in ("role", "state") if name in given}
                await self._write_audit_entry(connection, origin, "change", account_id, {"fields": sorted(given), **details})
                return await read_account(connection, account_id)
        except asyncpg.exceptions.UniqueViolationError:
            raise _build_email_conflict() from None

    async def delete(self, account_id: str, version: int | None, origin: ChangeOrigin) -> None:
        """Delete an account with its sessions and credentials. Raises VersionMismatchError, and ConflictError for the last admin."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            admins = await _lock_admins(connection)
            row = await _lock(connection, account_id, version)
            _check_other_admins(admins, row["id"])
            await connection.execute(_SQL["delete_account"], row["id"])
            await self._write_audit_entry(connection, origin, "delete", account_id, {"role": row["role"]})

    async def revoke_all(self, account_id: str, reason: RevocationReason, origin: ChangeOrigin, kept_session: str | None = None) -> Account:
        """End all sessions of an account, but one, and with them their tokens."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await _lock(connection, account_id, None)
            await revoke_tokens(connection, account_id, reason, kept_session)
            await self._write_audit_entry(connection, origin, "revoke_sessions", account_id, {"reason": reason, "comment": origin.reason})
            return await read_account(connection, account_id)

    async def _insert(self, connection: Connection, request: AccountRequest, origin: ChangeOrigin, password_hash: str) -> Account:
        account_id = self._make_id(ACCOUNT_PREFIX)
        values = request.email, request.name, request.role, request.projects
        if await connection.fetchval(_SQL["insert_account"], to_uuid_hex(account_id), *values) is None:
            raise _build_email_conflict()
        await connection.execute(_SQL["insert_credentials"], to_uuid_hex(account_id), password_hash)
        await self._write_audit_entry(connection, origin, "create", account_id, {"role": request.role, "projects": request.projects})
        return await read_account(connection, account_id)

    async def _write_audit_entry(
        self, connection: Connection, origin: ChangeOrigin, action: str, account_id: str, details: Mapping[str, Any]
    ) -> None:
        values = {"source": origin.source, **details}
        await write_audit_entry(connection, self._make_id(AUDIT_ENTRY_PREFIX), origin.actor, action, OBJECT_TYPE, account_id, values)


async def read_account(connection: Connection, account_id: str) -> Account:
    """An account, in an open transaction. Raises MissingAccountError."""
    row = await connection.fetchrow(_SQL["get_account"], parse_account_id(account_id))
    if row is None:
        raise MissingAccountError(account_id)
    return build_account(row)


async def revoke_tokens(connection: Connection, account_id: str, reason: RevocationReason, kept_session: str | None = None) -> None:
    """End all sessions of an account, but one, in an open transaction."""
    kept = to_uuid_hex(kept_session) if kept_session else None
    token_version = await connection.fetchval(_SQL["raise_token_version"], parse_account_id(account_id))
    await connection.execute(_SQL["revoke_sessions"], parse_account_id(account_id), reason, kept)
    if kept:
        await connection.execute(_SQL["keep_session"], kept, token_version)


def parse_account_id(account_id: str) -> str:
    """The id as PostgreSQL takes it. Raises MissingAccountError for a text that is no id of an account."""
    if not is_id(account_id, ACCOUNT_PREFIX):
        raise MissingAccountError(account_id)
    return to_uuid_hex(account_id)


def build_account(row: DatabaseRow) -> Account:
    """The account in a row."""
    last_login_at = row["last_login_at"]
    return Account(
        id=ACCOUNT_PREFIX + row["id"].hex,
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        projects=row["projects"],
        state=row["state"],
        token_version=row["token_version"],
        has_password=row["has_password"],
        has_totp=row["has_totp"],
        passkeys=row["passkeys"],
        last_login_at=last_login_at.timestamp() if last_login_at else None,
        version=row["version"],
        created_at=row["created_at"].timestamp(),
        updated_at=row["updated_at"].timestamp(),
    )


async def _lock(connection: Connection, account_id: str, version: int | None) -> DatabaseRow:
    row = await connection.fetchrow(_SQL["lock_account"], parse_account_id(account_id))
    if row is None:
        raise MissingAccountError(account_id)
    if version not in (None, row["version"]):
        raise VersionMismatchError(row["version"])
    return row


async def _lock_admins(connection: Connection) -> list[Any]:
    """The ids of the active admins; they are locked before any other account, so that two changes do not wait for each other."""
    return [row["id"] for row in await connection.fetch(_SQL["lock_admins"])]


def _check_other_admins(admins: list[Any], account_uuid: Any) -> None:
    """Raises ConflictError if this is the only admin that can log in."""
    if admins == [account_uuid]:
        raise ConflictError("this is the only admin who can log in: make another account an admin first")


def _build_email_conflict() -> ConflictError:
    return ConflictError("another account has this e-mail address")
