"""schemas.store_ports.ProfileReader: PostgreSQL, Redis in front of it, an unavailable Redis, and memory."""

from collections.abc import AsyncIterator

import pytest

from app.profile_reader import build_profile_reader
from schemas.errors import UnavailableError
from schemas.store_ports import ProfileReader
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.seed import load_seed_profiles
from tables.redis.client import RedisClient
from tests.event_builders import NOW
from tests.memory_stores import MemoryProfileReader
from tests.settings_builders import DEFAULT_SETTINGS


@pytest.fixture(params=["memory", "postgres", "redis", "redis unavailable"])
async def profiles(request: pytest.FixtureRequest, database: Database, redis_url: str, prefix: str) -> AsyncIterator[ProfileReader]:
    """Each implementation, with the seed's users."""
    if request.param == "memory":
        yield MemoryProfileReader(load_seed_profiles())
    elif request.param == "postgres":
        yield PostgresProfileReader(database)
    else:
        url, settings = redis_url if request.param == "redis" else "redis://127.0.0.1:1/0", DEFAULT_SETTINGS.redis
        client = RedisClient(url, lambda: NOW, prefix, settings.socket_timeout)
        yield build_profile_reader(client, database, settings)
        await client.close()


async def test_a_user_has_addresses_by_channel_locale_and_time_zone(profiles: ProfileReader) -> None:
    ada = (await profiles.get_many(["u-ada"]))["u-ada"]
    assert ada.known
    assert ada.addresses["push"] == ["push-ada-phone", "push-ada-tablet"]
    assert ada.addresses["email"] == ["ada@example.org"]
    assert "webhook" not in ada.addresses
    assert (ada.locale, ada.time_zone) == ("en-GB", "Europe/London")


async def test_each_user_has_one_profile_also_when_read_again(profiles: ProfileReader) -> None:
    user_ids = ["u-ada", "u-nobody", "u-ada", "u-lise", "topic:sale", "ü\U0001f600"]
    first = await profiles.get_many(user_ids)
    assert set(first) == set(user_ids)
    assert [user_id for user_id, profile in first.items() if profile.known] == ["u-ada", "u-lise"]
    assert await profiles.get_many(user_ids) == first


@pytest.mark.parametrize("user_id", ["a\0b", "", " ", "x" * 256, "'; drop table users; --"])
async def test_an_unusual_id_is_a_user_who_does_not_exist(profiles: ProfileReader, user_id: str) -> None:
    profile = (await profiles.get_many([user_id]))[user_id]
    assert (profile.user_id, profile.known, profile.addresses) == (user_id, False, {})


async def test_no_ids_give_no_profiles(profiles: ProfileReader) -> None:
    assert await profiles.get_many([]) == {}


async def test_thousands_of_users_are_read_at_once(profiles: ProfileReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tables.redis.profiles.STORE_PATIENCE", 60.0)  # a busy host may take longer than a router waits
    user_ids = [f"u-{n}" for n in range(2500)] + ["u-ada"]
    result = await profiles.get_many(user_ids)
    assert len(result) == 2501
    assert result["u-ada"].known
    assert not result["u-7"].known


async def test_memory_can_be_unavailable() -> None:
    memory = MemoryProfileReader()
    memory.unavailable = True
    with pytest.raises(UnavailableError):
        await memory.get_many(["u-1"])
