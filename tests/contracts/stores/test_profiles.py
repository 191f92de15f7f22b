"""schemas.ports.Profiles: one suite for PostgreSQL, for Redis before it, for a Redis that is away, and for memory."""

from collections.abc import AsyncIterator

import pytest

from schemas.ports import ProfileReader
from tables.in_memory import MemoryProfileReader
from tables.postgres.database import Database
from tables.postgres.profiles import PostgresProfileReader
from tables.postgres.seed import load_seed_profiles
from tables.redis.client import RedisClient
from tables.redis.profiles import CachedProfileReader
from tests.event_builders import NOW


@pytest.fixture(params=["memory", "postgres", "redis", "redis away"])
async def profiles(request: pytest.FixtureRequest, database: Database, redis_url: str, prefix: str) -> AsyncIterator[ProfileReader]:
    """Each implementation, with the seed's users in it."""
    if request.param == "memory":
        yield MemoryProfileReader(load_seed_profiles())
    elif request.param == "postgres":
        yield PostgresProfileReader(database)
    else:
        cache = RedisClient(redis_url if request.param == "redis" else "redis://127.0.0.1:1/0", lambda: NOW, prefix)
        yield CachedProfileReader(cache, PostgresProfileReader(database), lambda: NOW)
        await cache.close()


async def test_a_user_has_addresses_by_channel_locale_and_time_zone(profiles: ProfileReader) -> None:
    ada = (await profiles.get_many(["u-ada"]))["u-ada"]
    assert ada.known
    assert ada.addresses["push"] == ["push-ada-phone", "push-ada-tablet"]
    assert ada.addresses["email"] == ["ada@example.org"]
    assert "webhook" not in ada.addresses
    assert (ada.locale, ada.time_zone) == ("en-GB", "Europe/London")


async def test_everyone_asked_for_is_answered_once_also_the_second_time(profiles: ProfileReader) -> None:
    wanted = ["u-ada", "u-nobody", "u-ada", "u-lise", "topic:sale", "ü\U0001f600"]
    first = await profiles.get_many(wanted)
    assert set(first) == set(wanted)
    assert [user_id for user_id, profile in first.items() if profile.known] == ["u-ada", "u-lise"]
    assert await profiles.get_many(wanted) == first


@pytest.mark.parametrize("user_id", ["a\0b", "", " ", "x" * 256, "'; drop table users; --"])
async def test_strange_ids_are_users_who_do_not_exist(profiles: ProfileReader, user_id: str) -> None:
    profile = (await profiles.get_many([user_id]))[user_id]
    assert (profile.user_id, profile.known, profile.addresses) == (user_id, False, {})


async def test_nobody_asked_for_is_nobody_answered(profiles: ProfileReader) -> None:
    assert await profiles.get_many([]) == {}


async def test_thousands_at_once(profiles: ProfileReader) -> None:
    wanted = [f"u-{n}" for n in range(2500)] + ["u-ada"]
    found = await profiles.get_many(wanted)
    assert len(found) == 2501
    assert found["u-ada"].known
    assert not found["u-7"].known
