"""Stores what people log in with: hashes of passwords, secrets of one-time codes, recovery codes, and links that work once."""

from collections.abc import Sequence

from schemas.accounts import ACCOUNT_PREFIX, Account, LinkPurpose, StoredCredentials
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.accounts import OBJECT_TYPE, build_account, parse_account_id, read_account, revoke_tokens
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

_SQL = load_queries("credentials")
_ACCOUNTS_SQL = load_queries("accounts")


class CredentialStore:
    """Reads and writes what accounts log in with. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def find_by_email(self, email: str) -> StoredCredentials | None:
        """What the account with this e-mail address logs in with, whatever its state; upper and lower case are the same."""
        return _build(await self._database.fetch(_SQL["find_by_email"], email))

    async def find(self, account_id: str) -> StoredCredentials | None:
        """What an account logs in with, whatever its state."""
        return _build(await self._database.fetch(_SQL["find_by_id"], parse_account_id(account_id)))

    async def find_by_identity(self, issuer: str, subject: str) -> str | None:
        """The id of the account that an OpenID provider calls so."""
        rows = await self._database.fetch(_SQL["find_by_identity"], issuer, subject)
        return ACCOUNT_PREFIX + rows[0]["account_id"].hex if rows else None

    async def add_identity(self, issuer: str, subject: str, account_id: str, origin: ChangeOrigin) -> None:
        """Let an account log in as who an OpenID provider calls so."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["insert_identity"], issuer, subject, parse_account_id(account_id))
            await self._write_audit_entry(connection, origin, "add_identity", account_id, issuer=issuer)

    async def rehash_password(self, account_id: str, old_hash: str, new_hash: str) -> None:
        """Replace a hash by one of the same password, unless the password has changed meanwhile."""
        await self._database.fetch(_SQL["rehash_password"], parse_account_id(account_id), old_hash, new_hash)

    async def set_password(self, account_id: str, password_hash: str, origin: ChangeOrigin, kept_session: str | None = None) -> Account:
        """Store a new password, end all sessions but one, and all links to choose a password."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await self._set_password(connection, account_id, password_hash, origin, kept_session)
            return await read_account(connection, account_id)

    async def set_password_by_link(self, token_hash: bytes, password_hash: str) -> Account | None:
        """Store a new password for the account of a link, which works no more; None if there is no such link."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            account_uuid = await connection.fetchval(_SQL["take_link"], token_hash, "password_reset")
            if account_uuid is None:
                return None
            account_id = ACCOUNT_PREFIX + account_uuid.hex
            await self._set_password(connection, account_id, password_hash, ChangeOrigin("link", f"account:{account_id}"))
            return await read_account(connection, account_id)

    async def add_link(self, token_hash: bytes, account_id: str, seconds: float) -> None:
        """Store a link to choose a password, in the place of earlier ones of the account."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["delete_links"], parse_account_id(account_id), "password_reset")
            await connection.execute(_SQL["insert_link"], token_hash, parse_account_id(account_id), "password_reset", seconds)

    async def add_first_admin_link(self, token_hash: bytes, seconds: float) -> bool:
        """Store the link with which the first admin is made; False if there are accounts, or another link that still works."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_ACCOUNTS_SQL["lock_for_first_admin"])
            if await connection.fetchval(_ACCOUNTS_SQL["has_accounts"]) or await connection.fetchval(_SQL["has_first_admin_link"]):
                return False
            await connection.execute(_SQL["delete_expired_links"])
            await connection.execute(_SQL["insert_link"], token_hash, None, "first_admin", seconds)
            return True

    async def replace_first_admin_link(self, token_hash: bytes, seconds: float) -> bool:
        """Store the link with which the first admin is made, in the place of earlier ones; False if there are accounts."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_ACCOUNTS_SQL["lock_for_first_admin"])
            if await connection.fetchval(_ACCOUNTS_SQL["has_accounts"]):
                return False
            await connection.execute(_SQL["delete_first_admin_links"])
            await connection.execute(_SQL["insert_link"], token_hash, None, "first_admin", seconds)
            return True

    async def add_login_link(self, token_hash: bytes, account_id: str, seconds: float, origin: ChangeOrigin) -> None:
        """Store a link that logs in to an account, in the place of earlier ones."""
        account_uuid = parse_account_id(account_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["delete_links"], account_uuid, "login")
            await connection.execute(_SQL["insert_link"], token_hash, account_uuid, "login", seconds)
            await self._write_audit_entry(connection, origin, "add_login_link", account_id)

    async def take_login_link(self, token_hash: bytes) -> Account | None:
        """The account that a link logs in to, which works no more; None if there is no such link."""
        async with self._database.acquire_connection() as connection, connection.transaction():
            account_uuid = await connection.fetchval(_SQL["take_link"], token_hash, "login")
            return None if account_uuid is None else await read_account(connection, ACCOUNT_PREFIX + account_uuid.hex)

    async def take_link(self, token_hash: bytes, purpose: LinkPurpose) -> bool:
        """Whether there is such a link; it works no more."""
        async with self._database.acquire_connection() as connection:
            return await connection.fetchrow(_SQL["take_link"], token_hash, purpose) is not None

    async def set_totp_secret(self, account_id: str, sealed: bytes) -> bool:
        """Store a secret of one-time codes that has to be confirmed; False if there is one that counts."""
        return bool(await self._database.fetch(_SQL["set_totp_secret"], parse_account_id(account_id), sealed))

    async def confirm_totp(self, account_id: str, sealed: bytes, step: int, code_hashes: Sequence[bytes], origin: ChangeOrigin) -> bool:
        """Let a secret count, with new recovery codes and without the links that log in; False if the account has another secret by now."""
        account_uuid = parse_account_id(account_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            if await connection.fetchval(_SQL["confirm_totp"], account_uuid, sealed, step) is None:
                return False
            await connection.execute(_SQL["delete_links"], account_uuid, "login")
            await connection.execute(_SQL["delete_recovery_codes"], account_uuid)
            await connection.execute(_SQL["insert_recovery_codes"], account_uuid, code_hashes)
            await self._write_audit_entry(connection, origin, "enable_totp", account_id)
            return True

    async def disable_totp(self, account_id: str, origin: ChangeOrigin) -> Account:
        """Remove the secret and the recovery codes. Raises MissingAccountError."""
        account_uuid = parse_account_id(account_id)
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["clear_totp"], account_uuid)
            await connection.execute(_SQL["delete_recovery_codes"], account_uuid)
            account = await read_account(connection, account_id)
            await self._write_audit_entry(connection, origin, "disable_totp", account_id, comment=origin.reason)
            return account

    async def use_totp_step(self, account_id: str, step: int) -> bool:
        """Take a one-time code; False if one of its step or of a later one was taken before."""
        return bool(await self._database.fetch(_SQL["use_totp_step"], parse_account_id(account_id), step))

    async def use_recovery_code(self, account_id: str, code_hash: bytes) -> bool:
        """Take a recovery code; False if there is none with this hash, or it was taken before."""
        return bool(await self._database.fetch(_SQL["use_recovery_code"], parse_account_id(account_id), code_hash))

    async def _set_password(
        self, connection: Connection, account_id: str, password_hash: str, origin: ChangeOrigin, kept_session: str | None = None
    ) -> None:
        account_uuid = parse_account_id(account_id)
        await connection.execute(_SQL["set_password"], account_uuid, password_hash)
        for purpose in ("password_reset", "login"):
            await connection.execute(_SQL["delete_links"], account_uuid, purpose)
        await revoke_tokens(connection, account_id, "password_changed", kept_session)
        await self._write_audit_entry(connection, origin, "set_password", account_id)

    async def _write_audit_entry(self, connection: Connection, origin: ChangeOrigin, action: str, account_id: str, **details: str) -> None:
        values = {"source": origin.source, **details}
        await write_audit_entry(connection, self._make_id(AUDIT_ENTRY_PREFIX), origin.actor, action, OBJECT_TYPE, account_id, values)


def _build(rows: list[DatabaseRow]) -> StoredCredentials | None:
    if not rows:
        return None
    row = rows[0]
    return StoredCredentials(build_account(row), row["password_hash"], row["totp_secret"], row["totp_last_step"])
