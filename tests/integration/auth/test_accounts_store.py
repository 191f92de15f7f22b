"""Accounts in PostgreSQL."""

import asyncio

import pytest

from schemas.accounts import AccountChange, AccountRequest
from schemas.errors import ConflictError, MissingAccountError, VersionMismatchError
from schemas.permissions import Role
from tables.postgres.database import Database
from tests.integration.auth.account_stores import ORIGIN, AccountStores


@pytest.fixture
def stores(database_copy: Database) -> AccountStores:
    return AccountStores(database_copy)


async def test_an_account_is_stored_without_its_hash_in_lists_and_audit(stores: AccountStores) -> None:
    account = await stores.create(name="Ada", projects=["shop"])
    assert (account.email, account.name, account.role, account.projects, account.state) == (
        "ada@example.org",
        "Ada",
        Role.OPERATOR,
        ["shop"],
        "active",
    )
    assert (account.has_password, account.has_totp, account.passkeys, account.last_login_at) == (True, False, 0, None)
    assert await stores.accounts.get(account.id) == account
    assert await stores.list_actions(account.id) == ["create"]


@pytest.mark.parametrize("account_id", ["acc_1", "usr_0199c82cc00070008000000000000001", "acc_0199c82cc00070008000000000000001"])
async def test_an_unknown_account_is_missing(stores: AccountStores, account_id: str) -> None:
    with pytest.raises(MissingAccountError):
        await stores.accounts.get(account_id)


async def test_an_address_belongs_to_one_account_whatever_its_case(stores: AccountStores) -> None:
    first, second = await stores.create(), await stores.create("bob@example.org")
    with pytest.raises(ConflictError, match="e-mail"):
        await stores.create("ADA@example.org")
    with pytest.raises(ConflictError, match="e-mail"):
        await stores.accounts.change(second.id, AccountChange(email=first.email), None, ORIGIN)


async def test_accounts_are_listed_by_page_role_state_and_search(stores: AccountStores) -> None:
    accounts = [
        await stores.create(f"{name}@example.org", role) for name, role in [("a", Role.ADMIN), ("b", Role.VIEWER), ("c", Role.VIEWER)]
    ]
    listed = await stores.accounts.list_accounts(2, "", None, None, "")
    assert [one.id for one in listed] == [one.id for one in accounts[:2]]
    assert [one.email for one in await stores.accounts.list_accounts(2, listed[-1].id, None, None, "")] == ["c@example.org"]
    assert [one.email for one in await stores.accounts.list_accounts(9, "", Role.VIEWER, "active", "B@")] == ["b@example.org"]
    assert await stores.accounts.list_accounts(9, "", None, "disabled", "") == []
    assert await stores.accounts.list_accounts(9, "", None, None, "%") == []


async def test_a_change_names_its_fields_and_needs_the_version(stores: AccountStores) -> None:
    account = await stores.create()
    changed = await stores.accounts.change(account.id, AccountChange(name="Ada L.", role=Role.VIEWER), account.version, ORIGIN)
    assert (changed.name, changed.role, changed.email) == ("Ada L.", Role.VIEWER, account.email)
    assert changed.version > account.version
    with pytest.raises(VersionMismatchError):
        await stores.accounts.change(account.id, AccountChange(name="x"), account.version, ORIGIN)
    assert await stores.list_actions(account.id) == ["create", "change"]


async def test_a_disabled_account_has_no_session_any_more(stores: AccountStores) -> None:
    account = await stores.create()
    started = await stores.sessions.start(account.id, "password", "", b"t", ORIGIN)
    assert started is not None
    changed = await stores.accounts.change(account.id, AccountChange(state="disabled"), None, ORIGIN)
    assert changed.token_version == account.token_version + 1
    assert await stores.sessions.get_state(started.id) is None
    assert await stores.sessions.start(account.id, "password", "", b"u", ORIGIN) is None


async def test_the_last_admin_stays_one(stores: AccountStores) -> None:
    admin = await stores.create("root@example.org", Role.ADMIN)
    for change in (AccountChange(role=Role.VIEWER), AccountChange(state="disabled")):
        with pytest.raises(ConflictError, match="only admin"):
            await stores.accounts.change(admin.id, change, None, ORIGIN)
    with pytest.raises(ConflictError, match="only admin"):
        await stores.accounts.delete(admin.id, None, ORIGIN)
    await stores.create("other@example.org", Role.ADMIN)
    await stores.accounts.delete(admin.id, admin.version, ORIGIN)
    assert await stores.list_actions(admin.id) == ["create", "delete"]


async def test_two_admins_that_demote_each_other_at_once_leave_one(stores: AccountStores) -> None:
    admins = [await stores.create(f"{name}@example.org", Role.ADMIN) for name in ("a", "b")]
    change = AccountChange(role=Role.VIEWER)
    results = await asyncio.gather(*(stores.accounts.change(admin.id, change, None, ORIGIN) for admin in admins), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Account", "ConflictError"]


async def test_the_first_admin_is_made_once(stores: AccountStores) -> None:
    results = await asyncio.gather(
        *(
            stores.accounts.create_first_admin(AccountRequest(f"{name}@example.org", Role.ADMIN), "hash", ORIGIN)
            for name in ("a", "b", "c")
        ),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Account", "ConflictError", "ConflictError"]


async def test_everything_of_a_deleted_account_is_deleted(stores: AccountStores) -> None:
    account = await stores.create()
    await stores.sessions.start(account.id, "password", "", b"t", ORIGIN)
    await stores.credentials.add_identity("https://id.example.org", "sub", account.id, ORIGIN)
    await stores.passkeys.add(account.id, b"id", b"key", 0, "", ORIGIN)
    await stores.accounts.delete(account.id, None, ORIGIN)
    for table in ("account_credentials", "sessions", "refresh_tokens", "passkeys", "oidc_identities"):
        assert await stores.database.fetch(f"select 1 from {table}") == []
