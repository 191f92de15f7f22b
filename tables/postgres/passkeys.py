"""Stores the passkeys of accounts: the public keys, with the counters of their signatures."""

from schemas.accounts import ACCOUNT_PREFIX, PASSKEY_PREFIX, Passkey, StoredPasskey
from schemas.ids import is_id, to_uuid_hex
from schemas.users import AUDIT_ENTRY_PREFIX, ChangeOrigin
from tables.postgres.accounts import OBJECT_TYPE, parse_account_id
from tables.postgres.audit_log import write_audit_entry
from tables.postgres.database import Connection, Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

MAX_PASSKEYS = 20  # of an account

_SQL = load_queries("passkeys")


class PasskeyStore:
    """Reads and writes the table passkeys. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def add(
        self, account_id: str, credential_id: bytes, public_key: bytes, sign_count: int, name: str, origin: ChangeOrigin
    ) -> Passkey | None:
        """The new passkey; None if the credential is known already, or the account has too many."""
        passkey_id = self._make_id(PASSKEY_PREFIX)
        values = to_uuid_hex(passkey_id), parse_account_id(account_id), credential_id, public_key, sign_count, name, MAX_PASSKEYS
        async with self._database.acquire_connection() as connection, connection.transaction():
            row = await connection.fetchrow(_SQL["insert_passkey"], *values)
            if row is None:
                return None
            await self._write_audit_entry(connection, origin, "add_passkey", account_id, passkey_id)
            return _build_passkey(row)

    async def list_passkeys(self, account_id: str) -> list[Passkey]:
        """The passkeys of an account, oldest first."""
        return [_build_passkey(row) for row in await self._database.fetch(_SQL["list_passkeys"], parse_account_id(account_id))]

    async def list_credential_ids(self, account_id: str) -> list[bytes]:
        """The ids of the credentials of an account, which no second passkey is made for."""
        return [row["credential_id"] for row in await self._database.fetch(_SQL["list_passkeys"], parse_account_id(account_id))]

    async def find(self, credential_id: bytes) -> StoredPasskey | None:
        """The passkey with this credential."""
        rows = await self._database.fetch(_SQL["find_passkey"], credential_id)
        return _build_stored(rows[0]) if rows else None

    async def record_use(self, passkey_id: str, sign_count: int) -> bool:
        """Store the counter of a signature; False if one with this counter or a greater one has come before."""
        return bool(await self._database.fetch(_SQL["record_use"], to_uuid_hex(passkey_id), sign_count))

    async def delete(self, passkey_id: str, account_id: str, origin: ChangeOrigin) -> bool:
        """Delete a passkey of an account; False if there is none."""
        if not is_id(passkey_id, PASSKEY_PREFIX):
            return False
        async with self._database.acquire_connection() as connection, connection.transaction():
            if not await connection.fetch(_SQL["delete_passkey"], to_uuid_hex(passkey_id), parse_account_id(account_id)):
                return False
            await self._write_audit_entry(connection, origin, "delete_passkey", account_id, passkey_id)
            return True

    async def _write_audit_entry(self, connection: Connection, origin: ChangeOrigin, action: str, account_id: str, passkey_id: str) -> None:
        entry_id, values = self._make_id(AUDIT_ENTRY_PREFIX), {"source": origin.source, "passkey": passkey_id}
        await write_audit_entry(connection, entry_id, origin.actor, action, OBJECT_TYPE, account_id, values)


def _build_passkey(row: DatabaseRow) -> Passkey:
    last_used_at = row["last_used_at"]
    times = row["created_at"].timestamp(), last_used_at.timestamp() if last_used_at else None
    return Passkey(PASSKEY_PREFIX + row["id"].hex, row["name"], *times)


def _build_stored(row: DatabaseRow) -> StoredPasskey:
    ids = PASSKEY_PREFIX + row["id"].hex, ACCOUNT_PREFIX + row["account_id"].hex
    return StoredPasskey(*ids, row["credential_id"], row["public_key"], row["sign_count"])
