"""What is stored in plain is sealed page by page, and is the same for whoever reads it; writers and erasures agree about keys."""

import asyncio
import os
from collections.abc import Callable
from typing import Any, Literal

import pytest

from schemas.audiences import AudienceFilter, MatchingUsers
from schemas.consent import find_suppression
from schemas.errors import UnavailableError
from schemas.events import InboundEvent
from schemas.history import HistoryBatch
from schemas.ids import make_id
from schemas.sealed_columns import seal_suppressed
from schemas.sealing import KEY_BYTES, DataKey, Sealer
from schemas.users import ChangeOrigin, DeviceChange, SuppressionRequest, UserChange
from tables.postgres.database import Database
from tables.postgres.erasures import ErasureStore
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.preferences import PreferenceStore
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.recipients import read_page
from tables.postgres.sealing_backlog import SealingBacklog
from tables.postgres.suppressions import SuppressionStore
from tables.postgres.users import UserStore
from tests.column_sealing import INDEX, build_column_sealing
from tests.held_database import hold_transaction, wait_for_lock

ORIGIN = ChangeOrigin("api", "ada")
ADDRESS, GUEST = "Canary@example.org", "guest-canary@example.org"
OF_AGE = MatchingUsers(AudienceFilter(attributes={"age": 3.0}))
NUMBER = "+436641234567"
TABLES = ("users", "devices", "suppressions")


def make_new_id(prefix: str) -> str:
    return make_id(prefix, 1_760_000_000.0, int.from_bytes(os.urandom(9)))


class Stores:
    """The stores of one database, which begins in plain without users."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.users, self.suppressions = UserStore(database, make_new_id), SuppressionStore(database, make_new_id)
        self.preferences, self.profiles = PreferenceStore(database, make_new_id), PostgresProfileReader(database)

    async def fill(self, *user_ids: str) -> None:
        """Users with an address, an attribute, two devices and a suppression each, and a suppression of a guest."""
        for user_id in user_ids:
            change = UserChange(addresses={"email": [ADDRESS]}, attributes={"plan": "canary-pro", "age": 3})
            await self.users.create(user_id, change, ORIGIN)
            for token, kind in (("canary-t", "fcm"), ("canary-f", "fid")):
                await self.users.set_device(user_id, token, DeviceChange(kind=kind), ORIGIN)
            await self.suppress(ADDRESS, user_id=user_id, category="news")
        await self.suppress(GUEST)

    async def suppress(self, address: str, **fields: Any) -> bool:
        """Whether this suppression is new."""
        return (await self.suppressions.create(SuppressionRequest(channel="email", address=address, **fields), ORIGIN)).is_changed

    async def read_everything(self, *user_ids: str) -> list[Any]:
        """What the readers show of users, without versions and in no order of storage."""
        found: list[Any] = []
        for user_id in user_ids:
            user, profile = await self.users.get(user_id), (await self.profiles.get_many([user_id]))[user_id]
            assert user is not None
            devices = sorted((one.token, one.kind) for one in await self.users.list_devices(user_id, 10))
            events = [one.address for one in await self.preferences.list_consent_events(user_id, 10)]
            found.append((user.addresses, user.attributes, devices, sorted(profile.addresses["push"]), profile.addresses["email"], events))
            found.append(sorted((one.address, one.category) for one in profile.suppressions))
        return [*found, sorted(one.address for one in await self.suppressions.list_suppressions(None, None, None, True, 100, None))]

    async def dump(self) -> str:
        """All rows of the tables as text."""
        query = "select string_agg(to_jsonb(t)::text, ' ') as text from {} as t"
        return " ".join([str((await self.database.fetch(query.format(table)))[0]["text"]) for table in TABLES])

    async def seal(self, limit: int = 2) -> tuple[int, int, int]:
        """Seal all in small pages; how many users, devices and suppressions."""
        backlog, counts = SealingBacklog(self.database, limit), list[int]()
        for seal_page in (backlog.seal_users, backlog.seal_devices, backlog.seal_suppressions):
            page = await seal_page()
            total = page.sealed
            while page.next_key is not None:
                page = await seal_page(page.next_key)
                total += page.sealed
            counts.append(total)
        return counts[0], counts[1], counts[2]


@pytest.fixture
async def stores(database_copy: Database) -> Stores:
    for table in ("devices", "suppressions", "users", "projects"):
        await database_copy.fetch(f"delete from {table}")
    return Stores(database_copy)


async def test_rows_in_plain_are_sealed_once_and_read_as_before(stores: Stores) -> None:
    users = [f"u-{number}" for number in range(3)]
    await stores.fill(*users)
    before = await stores.read_everything(*users)
    stores.database.sealing = build_column_sealing()
    assert await stores.seal() == (3, 6, 4)
    assert await stores.read_everything(*users) == before
    assert "canary" not in (await stores.dump()).lower()
    assert await stores.seal() == (0, 0, 0)


async def test_a_half_sealed_database_finds_suppressions_of_both_forms(stores: Stores) -> None:
    """Users in plain with a sealed suppression, and sealed ones with one in plain."""
    await stores.fill("u-old")
    plain = await stores.suppress(GUEST, reason="complaint")
    stores.database.sealing = build_column_sealing()
    assert plain
    assert not await stores.suppress(GUEST, reason="complaint"), "it is there in plain"
    await stores.users.create("u-new", UserChange(addresses={"email": [GUEST]}), ORIGIN)
    version = (await stores.profiles.get_many(["u-old"]))["u-old"].version
    assert await stores.suppress(ADDRESS.lower(), reason="hard_bounce")
    profiles = await stores.profiles.get_many(["u-old", "u-new"])
    assert profiles["u-old"].version > version, "who caches the profile notices it"
    for user_id, address in (("u-old", ADDRESS), ("u-new", GUEST)):
        found = find_suppression(profiles[user_id].suppressions, "email", address, "news")
        assert found is not None, user_id
    assert [one.id for one in await stores.users.list_users(GUEST.upper(), 10)] == ["u-new"]
    assert [one.id for one in await stores.users.list_users(ADDRESS, 10)] == ["u-old"]
    page = await read_page(stores.database, OF_AGE, "", 10)
    assert page.user_ids == ["u-old"]
    await stores.seal()
    assert (await read_page(stores.database, OF_AGE, "", 10)).user_ids == ["u-old"]


async def test_a_project_that_is_not_sealed_is_left_out_and_one_that_is_needs_no_setting(stores: Stores) -> None:
    await stores.database.fetch(
        "insert into projects (id, name, created_by, encrypts_personal_data) values ('on', 'on', 'a', true), ('off', 'off', 'a', false)"
    )
    await stores.fill("@off/u", "@on/u", "u")
    for default, expected in ((False, ["@on/u"]), (True, ["@on/u", "u"])):
        stores.database.sealing = build_column_sealing(enabled=default)
        await stores.seal()
        rows = await stores.database.fetch('select id from users where sealed is not null order by id collate "C"')
        assert [row["id"] for row in rows] == expected
    stores.database.sealing = build_column_sealing(enabled=False)
    await stores.users.change("u", UserChange(attributes={}), None, ORIGIN)
    assert (await stores.database.fetch("select sealed from users where id = 'u'"))[0]["sealed"], "who is sealed stays so"
    user = await stores.users.get("u")
    assert user is not None
    assert (user.addresses, user.attributes) == ({"email": [ADDRESS]}, {})


async def test_a_sealed_report_suppresses_the_address_and_start_undoes_it(stores: Stores) -> None:
    sealing = stores.database.sealing = build_column_sealing()
    await stores.users.create("u", UserChange(addresses={"sms": [NUMBER]}), ORIGIN)
    token, writer = INDEX.compute("sms", NUMBER), PostgresHistoryWriter(stores.database)
    async with stores.database.acquire_connection() as connection, connection.transaction():
        sealer = (await sealing.hold_keys(connection, [token]))[token]
    for key, kind, expected in (("SM1", "stop", [NUMBER]), ("SM2", "start", [])):
        event = InboundEvent("sms", "twilio", key, kind, token, 1_760_000_000.0, sealed=seal_suppressed(token, NUMBER, sealer))  # type: ignore[arg-type]
        written = await writer.write(HistoryBatch(inbound=[event]))
        assert written.changed_users == ["u"]
        assert [one.address for one in await stores.suppressions.list_suppressions(None, None, None, False, 10, None)] == expected
    rows = await stores.database.fetch("select address from consent_events where channel = 'sms' and actor = 'twilio'")
    assert [row["address"] for row in rows] == [token, token]


def damage(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


def seal_with_unknown_key(sealed: bytes) -> bytes:
    token = INDEX.compute("sms", NUMBER)
    return seal_suppressed(token, NUMBER, Sealer(token, [DataKey(9, "test", os.urandom(KEY_BYTES))], os.urandom))


@pytest.mark.parametrize("spoil", [damage, seal_with_unknown_key])
async def test_an_address_that_does_not_open_is_suppressed_by_its_token(
    stores: Stores, caplog: pytest.LogCaptureFixture, spoil: Callable[[bytes], bytes]
) -> None:
    sealing = stores.database.sealing = build_column_sealing()
    await stores.users.create("u", UserChange(addresses={"sms": [NUMBER]}), ORIGIN)
    token, writer = INDEX.compute("sms", NUMBER), PostgresHistoryWriter(stores.database)
    async with stores.database.acquire_connection() as connection, connection.transaction():
        sealer = (await sealing.hold_keys(connection, [token]))[token]
    intact = seal_suppressed(token, NUMBER, sealer)

    async def receive(kind: Literal["stop", "start"], key: str, sealed: bytes) -> tuple[list[str], list[str]]:
        """The users whose profiles have changed, and what is suppressed then."""
        event = InboundEvent("sms", "twilio", key, kind, token, 1_760_000_000.0, sealed=sealed)
        written = await writer.write(HistoryBatch(inbound=[event]))
        return list(written.changed_users), [
            one.address for one in await stores.suppressions.list_suppressions(None, None, None, False, 10, None)
        ]

    assert await receive("stop", "SM1", spoil(intact)) == (["u"], [token])
    assert await receive("start", "SM2", spoil(intact)) == (["u"], [])
    logged = [record for record in caplog.records if record.name == "herold"]
    assert [(record.levelname, record.getMessage()) for record in logged] == [("ERROR", "sealing.address_unreadable")] * 2
    fields = [record.__dict__["fields"] for record in logged]
    assert [(one["provider"], one["event_key"], sorted(one)) for one in fields] == [
        ("twilio", key, ["cause", "event_key", "provider"]) for key in ("SM1", "SM2")
    ]
    assert not any(text in str(fields) for text in (token, NUMBER))

    assert await receive("stop", "SM3", intact) == (["u"], [NUMBER])
    await stores.database.fetch("update suppressions set sealed = $1", spoil(intact))
    assert await receive("stop", "SM4", intact) == ([], [token]), "it is suppressed already"
    assert await receive("start", "SM5", intact) == (["u"], [])


async def test_an_erasure_waits_for_a_writer_that_seals_and_erases_what_it_wrote(stores: Stores) -> None:
    sealing = stores.database.sealing = build_column_sealing()
    await stores.users.create("u", UserChange(), ORIGIN)
    erasures = ErasureStore(stores.database, make_new_id, INDEX)
    async with stores.database.acquire_connection() as connection, connection.transaction():
        held = await sealing.hold_sealers(connection, ["u"])
        erasing = asyncio.create_task(erasures.erase("u", ORIGIN))
        await wait_for_lock(stores.database, erasing)
        assert held["u"].can_seal
        assert not erasing.done()
    assert (await erasing).counts["keys"] == 1
    assert await stores.users.get("u") is None
    rows = await stores.database.fetch("select wrapped_key from user_keys where user_id = 'u'")
    assert [row["wrapped_key"] for row in rows] == [None]
    await stores.users.create("u", UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    user = await stores.users.get("u")
    assert user is not None
    assert user.addresses == {"email": [ADDRESS]}, "sealed with a new key"


async def test_two_runs_at_a_time_lose_no_suppression(stores: Stores) -> None:
    await stores.suppress(GUEST)
    stores.database.sealing = build_column_sealing()
    async with hold_transaction(stores.database) as first:
        assert (await SealingBacklog(first, 2).seal_suppressions()).sealed == 1
        second = asyncio.create_task(SealingBacklog(stores.database, 2).seal_suppressions())
        await wait_for_lock(stores.database, second)
        assert not second.done()
    page = await second
    assert [one.address for one in await stores.suppressions.list_suppressions(None, None, None, False, 10, None)] == [GUEST]
    assert page.sealed == 0


async def test_what_is_erased_while_a_run_waits_for_its_key_is_not_sealed_again(stores: Stores) -> None:
    await stores.users.create("u", UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    await stores.suppress(ADDRESS, user_id="u")
    sealing = stores.database.sealing = build_column_sealing()
    async with stores.database.acquire_connection() as connection:
        await sealing.hold_keys(connection, ["u"])
    async with hold_transaction(stores.database) as erased:
        await ErasureStore(erased, make_new_id, INDEX).erase("u", ORIGIN)
        run = asyncio.create_task(SealingBacklog(stores.database, 2).seal_suppressions())
        await wait_for_lock(stores.database, run)
        assert not run.done()
    assert (await run).sealed == 0
    rows = await stores.database.fetch("select address, sealed from suppressions")
    assert [tuple(row) for row in rows] == [(INDEX.compute("email", ADDRESS), None)]


@pytest.mark.parametrize("is_stored", [True, False], ids=["stored", "deleted before"])
async def test_what_is_sealed_while_its_user_is_erased_is_erased_too(stores: Stores, is_stored: bool) -> None:
    """The erasure of a stored user waits for the user, whose version changes; that of a deleted one has listed the address in plain."""
    await stores.users.create("u", UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    await stores.suppress(ADDRESS)
    for address in (ADDRESS, GUEST):
        await stores.suppress(address, user_id="u")
    if not is_stored:
        await stores.users.delete("u", None, ORIGIN)
    stores.database.sealing = build_column_sealing()
    async with hold_transaction(stores.database) as sealed:
        assert (await SealingBacklog(sealed, 5).seal_suppressions()).sealed == 3
        erasing = asyncio.create_task(ErasureStore(stores.database, make_new_id, INDEX).erase("u", ORIGIN))
        await wait_for_lock(stores.database, erasing)
        assert not erasing.done()
    counts = (await erasing).counts
    assert (counts["suppressions"], counts["keys"]) == (3, 2)
    rows = await stores.database.fetch("select distinct address, sealed from suppressions")
    assert {tuple(row) for row in rows} == {(INDEX.compute("email", address), None) for address in (ADDRESS, GUEST)}
    assert await stores.database.fetch("select from user_keys where wrapped_key is not null") == []


async def test_a_sealed_device_of_a_user_in_plain_stays_one_device_when_sealing_is_switched_off(stores: Stores) -> None:
    await stores.users.create("u", UserChange(addresses={"email": [ADDRESS]}), ORIGIN)
    for enabled, is_new in ((True, True), (False, False)):
        stores.database.sealing = build_column_sealing(enabled=enabled)
        _, found = await stores.users.set_device("u", "canary-t", DeviceChange(), ORIGIN)
        assert found == is_new
    assert [one.token for one in await stores.users.list_devices("u", 10)] == ["canary-t"]


async def test_a_process_without_keys_reads_no_profile_with_a_sealed_device(stores: Stores) -> None:
    """Its token would be sent to a provider, which would reject the device."""
    await stores.users.create("u", UserChange(), ORIGIN)
    stores.database.sealing = build_column_sealing()
    await stores.users.set_device("u", "canary-t", DeviceChange(), ORIGIN)
    assert (await stores.profiles.get_many(["u"]))["u"].addresses == {"push": ["canary-t"]}
    stores.database.sealing = None
    with pytest.raises(UnavailableError, match=r"encryption\.keys"):
        await stores.profiles.get_many(["u"])
