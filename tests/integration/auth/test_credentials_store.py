"""What people log in with, in PostgreSQL."""

import asyncio

import pytest

from schemas.permissions import Role
from tables.postgres.database import Database
from tables.postgres.passkeys import MAX_PASSKEYS
from tests.integration.auth.account_stores import ORIGIN, AccountStores

UNKNOWN = "acc_0199c82cc00070008000000000000001"


@pytest.fixture
def stores(database_copy: Database) -> AccountStores:
    return AccountStores(database_copy)


async def test_credentials_are_found_by_address_and_id(stores: AccountStores) -> None:
    account = await stores.create()
    found = await stores.credentials.find_by_email("ADA@Example.org")
    assert found is not None
    assert (found.account, found.password_hash, found.totp_secret, found.totp_last_step) == (account, "hash", b"", 0)
    assert await stores.credentials.find(account.id) == found
    assert await stores.credentials.find_by_email("bob@example.org") is None
    assert await stores.credentials.find(UNKNOWN) is None


async def test_a_new_password_ends_all_sessions_but_one(stores: AccountStores) -> None:
    account = await stores.create()
    sessions = [await stores.sessions.start(account.id, "password", "", token, ORIGIN) for token in (b"a", b"b")]
    await stores.credentials.set_password(account.id, "new", ORIGIN, sessions[0].id)  # type: ignore[union-attr]
    assert [await stores.sessions.get_state(session.id) is not None for session in sessions if session] == [True, False]
    assert (await stores.credentials.find(account.id)).password_hash == "new"  # type: ignore[union-attr]


async def test_a_hash_is_renewed_unless_the_password_has_changed(stores: AccountStores) -> None:
    account = await stores.create()
    await stores.credentials.rehash_password(account.id, "another", "renewed")
    assert (await stores.credentials.find(account.id)).password_hash == "hash"  # type: ignore[union-attr]
    await stores.credentials.rehash_password(account.id, "hash", "renewed")
    assert (await stores.credentials.find(account.id)).password_hash == "renewed"  # type: ignore[union-attr]


async def test_a_link_works_once_and_ends_all_sessions(stores: AccountStores) -> None:
    account = await stores.create()
    started = await stores.sessions.start(account.id, "password", "", b"t", ORIGIN)
    await stores.credentials.add_link(b"first", account.id, 60)
    await stores.credentials.add_link(b"second", account.id, 60)
    assert await stores.credentials.set_password_by_link(b"first", "new") is None  # the second one has replaced it
    results = await asyncio.gather(*(stores.credentials.set_password_by_link(b"second", "new") for _ in range(3)))
    assert [result is not None for result in results].count(True) == 1
    assert started is not None
    assert await stores.sessions.get_state(started.id) is None
    assert await stores.list_actions(account.id) == ["create", "login", "set_password"]


async def test_an_expired_link_does_not_work(stores: AccountStores) -> None:
    account = await stores.create()
    await stores.credentials.add_link(b"link", account.id, 0)
    assert await stores.credentials.set_password_by_link(b"link", "new") is None


async def test_there_is_one_link_for_the_first_admin_while_there_is_no_account(stores: AccountStores) -> None:
    results = await asyncio.gather(*(stores.credentials.add_first_admin_link(b"link%d" % number, 60) for number in range(3)))
    assert sorted(results) == [False, False, True]
    winner = b"link%d" % results.index(True)
    assert await stores.credentials.set_password_by_link(winner, "new") is None
    assert await stores.credentials.take_link(winner, "first_admin")
    assert not await stores.credentials.take_link(winner, "first_admin")
    await stores.create(role=Role.ADMIN)
    assert not await stores.credentials.add_first_admin_link(b"later", 60)


async def test_an_expired_link_for_the_first_admin_is_replaced(stores: AccountStores) -> None:
    assert await stores.credentials.add_first_admin_link(b"first", 0)
    assert await stores.credentials.add_first_admin_link(b"second", 60)
    assert not await stores.credentials.take_link(b"first", "first_admin")
    assert len(await stores.database.fetch("select 1 from account_links")) == 1


async def test_a_secret_of_codes_counts_when_it_is_confirmed(stores: AccountStores) -> None:
    account, credentials = await stores.create(), stores.credentials
    assert await credentials.set_totp_secret(account.id, b"one")
    assert await credentials.set_totp_secret(account.id, b"two")
    assert not await credentials.confirm_totp(account.id, b"one", 7, [b"r1"], ORIGIN)
    assert await credentials.confirm_totp(account.id, b"two", 7, [b"r1", b"r2"], ORIGIN)
    assert not await credentials.set_totp_secret(account.id, b"three")
    found = await credentials.find(account.id)
    assert found is not None
    assert (found.account.has_totp, found.totp_secret, found.totp_last_step) == (True, b"two", 7)
    assert not (await credentials.disable_totp(account.id, ORIGIN)).has_totp
    assert not await credentials.use_recovery_code(account.id, b"r1")
    assert await stores.list_actions(account.id) == ["create", "enable_totp", "disable_totp"]


async def test_a_step_and_a_recovery_code_are_used_once_also_at_once(stores: AccountStores) -> None:
    account, credentials = await stores.create(), stores.credentials
    await credentials.set_totp_secret(account.id, b"one")
    await credentials.confirm_totp(account.id, b"one", 7, [b"r1"], ORIGIN)
    assert not await credentials.use_totp_step(account.id, 7)
    assert sorted(await asyncio.gather(*(credentials.use_totp_step(account.id, 8) for _ in range(3)))) == [False, False, True]
    assert sorted(await asyncio.gather(*(credentials.use_recovery_code(account.id, b"r1") for _ in range(3)))) == [False, False, True]


async def test_an_identity_names_one_account(stores: AccountStores) -> None:
    first, second = await stores.create(), await stores.create("bob@example.org")
    await stores.credentials.add_identity("https://id.example.org", "sub", first.id, ORIGIN)
    await stores.credentials.add_identity("https://id.example.org", "sub", second.id, ORIGIN)
    assert await stores.credentials.find_by_identity("https://id.example.org", "sub") == first.id
    assert await stores.credentials.find_by_identity("https://other.example.org", "sub") is None


async def test_a_passkey_is_known_once_and_its_counter_rises(stores: AccountStores) -> None:
    account, stranger = await stores.create(), await stores.create("bob@example.org")
    passkey = await stores.passkeys.add(account.id, b"id", b"key", 0, "laptop", ORIGIN)
    assert passkey is not None
    assert await stores.passkeys.add(stranger.id, b"id", b"key", 0, "", ORIGIN) is None
    stored = await stores.passkeys.find(b"id")
    assert stored is not None
    assert (stored.id, stored.account_id, stored.public_key, stored.sign_count) == (passkey.id, account.id, b"key", 0)
    assert await stores.passkeys.find(b"other") is None
    assert [await stores.passkeys.record_use(passkey.id, number) for number in (0, 0, 5, 5, 4, 0, 6)] == [
        True,
        True,
        True,
        False,
        False,
        False,
        True,
    ]
    assert [one.name for one in await stores.passkeys.list_passkeys(account.id)] == ["laptop"]
    assert await stores.passkeys.list_credential_ids(account.id) == [b"id"]
    assert not await stores.passkeys.delete(passkey.id, stranger.id, ORIGIN)
    assert await stores.passkeys.delete(passkey.id, account.id, ORIGIN)
    assert not await stores.passkeys.delete(passkey.id, account.id, ORIGIN)
    assert not await stores.passkeys.delete("pky_1", account.id, ORIGIN)
    assert await stores.list_actions(account.id) == ["create", "add_passkey", "delete_passkey"]


async def test_an_account_has_so_many_passkeys(stores: AccountStores) -> None:
    account = await stores.create()
    added = [await stores.passkeys.add(account.id, b"%d" % number, b"key", 0, "", ORIGIN) for number in range(MAX_PASSKEYS + 1)]
    assert [passkey is None for passkey in added] == [False] * MAX_PASSKEYS + [True]
