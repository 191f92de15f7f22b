"""The stores of accounts on a real database."""

import time
from itertools import count
from typing import Any

from schemas.accounts import Account, AccountRequest
from schemas.ids import make_id
from schemas.permissions import Role
from schemas.users import ChangeOrigin
from tables.postgres.accounts import OBJECT_TYPE, AccountStore
from tables.postgres.audit_log import list_audit_entries
from tables.postgres.credentials import CredentialStore
from tables.postgres.database import Database
from tables.postgres.passkeys import PasskeyStore
from tables.postgres.sessions import SessionStore

ORIGIN = ChangeOrigin("cli", "operator")
SESSION_LIFETIME, IDLE_TIMEOUT = 3600.0, 600.0  # seconds
_numbers = count(1)


def make_new_id(prefix: str) -> str:
    """Ids in the order of calls."""
    return make_id(prefix, time.time(), next(_numbers) << 40)


class AccountStores:
    """All stores of people; `database` is also asked by the tests."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.accounts = AccountStore(database, make_new_id)
        self.credentials = CredentialStore(database, make_new_id)
        self.sessions = SessionStore(database, make_new_id, SESSION_LIFETIME, IDLE_TIMEOUT)
        self.passkeys = PasskeyStore(database, make_new_id)

    async def create(
        self, email: str = "ada@example.org", role: Role = Role.OPERATOR, password_hash: str = "hash", **fields: Any
    ) -> Account:
        """A new account."""
        return await self.accounts.create(AccountRequest(email, role, **fields), ORIGIN, password_hash)

    async def list_actions(self, account_id: str) -> list[str]:
        """The actions of the audit log about an account, oldest first."""
        return [entry.action for entry in reversed(await list_audit_entries(self.database, OBJECT_TYPE, account_id, 100))]
