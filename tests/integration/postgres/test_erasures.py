"""An erasure destroys keys, deletes rows, and leaves hashes with which suppressions hold."""

import os

import pytest

from schemas.blind_index import BlindIndex
from schemas.consent import find_suppression
from schemas.errors import ConflictError
from schemas.ids import make_id
from schemas.profile import build_address_key
from schemas.users import ChangeOrigin, DeviceChange, PreferenceChange, SuppressionRequest, UserChange
from tables.postgres.database import Database
from tables.postgres.erasures import ErasureStore
from tables.postgres.preferences import PreferenceStore
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.user_keys import PostgresUserKeys
from tables.postgres.users import UserStore
from tests.column_sealing import INDEX, OUTER_KEYS, list_sealing_env

pytestmark = pytest.mark.usefixtures("sealing_mode")

USER, OTHER, ADDRESS = "u-erased", "u-other", "Canary@example.org"
ORIGIN = ChangeOrigin("api", "ada", "request 1")
READ_ALL = "select string_agg(t::text, ' ') as text from {} as t"


def make_new_id(prefix: str) -> str:
    return make_id(prefix, 1_760_000_000.0, int.from_bytes(os.urandom(9)))


class Stores:
    """The stores of one database."""

    def __init__(self, database: Database, index: BlindIndex | None = INDEX) -> None:
        self.database = database
        self.users, self.preferences = UserStore(database, make_new_id), PreferenceStore(database, make_new_id)
        self.suppressions = SuppressionStore(database, make_new_id)
        self.erasures, self.profiles = ErasureStore(database, make_new_id, index), PostgresProfileReader(database, index)

    async def suppress(self, **fields: object) -> None:
        """Suppress the address."""
        await self.suppressions.create(SuppressionRequest(channel="email", address=ADDRESS, **fields), ORIGIN)  # type: ignore[arg-type]

    async def read_text(self, *tables: str) -> str:
        """All rows of tables as text."""
        return " ".join([str((await self.database.fetch(READ_ALL.format(table)))[0]["text"]) for table in tables])


@pytest.fixture
async def stores(database_copy: Database) -> Stores:
    """A user with an address, a device, a preference and keys."""
    stores = Stores(database_copy)
    await stores.users.create(USER, UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    await stores.users.set_device(USER, "canary-token", DeviceChange(), ORIGIN)
    await stores.preferences.change(USER, [PreferenceChange("out", "marketing")], None, ORIGIN)
    await PostgresUserKeys(database_copy, OUTER_KEYS).get_or_make([USER, OTHER])
    return stores


async def test_a_user_is_erased_with_all_that_is_stored_and_the_key(stores: Stores) -> None:
    erasure = await stores.erasures.erase(USER, ORIGIN)
    assert {name: count for name, count in erasure.counts.items() if count} == {
        "keys": 1, "users": 1, "addresses": 2, "log_entries": 4
    }  # fmt: skip
    assert (erasure.user_id, erasure.erased_by, erasure.reason) == (USER, "ada", "request 1")
    assert await stores.users.get(USER) is None
    assert "canary" not in (await stores.read_text("users", "devices", "suppressions", "consent_events", "audit_log")).lower()
    rows = await stores.database.fetch("select user_id, wrapped_key is null as is_destroyed from user_keys order by user_id")
    assert [tuple(row) for row in rows] == [(USER, True), (OTHER, False)]
    assert await stores.erasures.list_erasures(10) == [erasure]
    assert await stores.erasures.list_erasures(10, erasure.id) == []


async def test_an_address_stays_suppressed_for_whoever_has_it(stores: Stores) -> None:
    await stores.suppress(reason="hard_bounce")
    await stores.suppress(user_id=USER, reason="complaint")
    erasure = await stores.erasures.erase(USER, ORIGIN)
    assert erasure.counts["suppressions"] == 2
    assert "canary" not in (await stores.read_text("suppressions", "consent_events")).lower()
    await stores.users.create(USER, UserChange(addresses={"email": [ADDRESS.lower()]}), ORIGIN)
    await stores.users.create(OTHER, UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    key = build_address_key("email", ADDRESS)
    profiles = await stores.profiles.get_many([USER, OTHER, key])
    reasons = {user_id: {one.reason for one in profile.suppressions} for user_id, profile in profiles.items()}
    assert reasons == {USER: {"hard_bounce", "complaint"}, OTHER: {"hard_bounce"}, key: {"hard_bounce"}}
    assert find_suppression(profiles[OTHER].suppressions, "email", ADDRESS, "marketing", mandatory=True) is not None
    plain = PostgresProfileReader(stores.database)  # without the key nobody finds it
    assert list_sealing_env() or (await plain.get_many([OTHER]))[OTHER].suppressions == []


async def test_a_second_erasure_finds_what_came_back_and_no_suppression_twice(stores: Stores) -> None:
    await stores.suppress()
    await stores.erasures.erase(USER, ORIGIN)
    await stores.users.create(USER, UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    await stores.suppress()
    again = await stores.erasures.erase(USER, ORIGIN)
    assert again.counts["users"] == 1
    rows = await stores.database.fetch("select address, undone_at from suppressions where address like 'hmac:%'")
    assert [tuple(row) for row in rows] == [(INDEX.compute("email", ADDRESS), None)]
    assert len(await stores.erasures.list_erasures(10)) == 2


async def test_without_a_key_for_the_hash_nothing_is_erased(stores: Stores) -> None:
    await stores.suppress()
    with pytest.raises(ConflictError, match=r"encryption\.index_key"):
        await Stores(stores.database, None).erasures.erase(USER, ORIGIN)
    assert await stores.users.get(USER) is not None
