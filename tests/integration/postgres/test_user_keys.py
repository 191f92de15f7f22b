"""Keys of users in PostgreSQL and Redis: two writers agree, rotation goes on while keys are made, and a destroyed key stays destroyed."""

import asyncio
import os
import time

import pytest

from schemas.errors import SealError
from schemas.sealing import KEY_BYTES, OuterKeys
from schemas.user_keys import unwrap_keys
from tables.postgres.database import Database
from tables.postgres.user_keys import PostgresUserKeys
from tables.redis.client import RedisClient
from tables.redis.user_keys import RedisUserKeys, forget_user_keys
from tests.sealers import build_outer_keys

USERS = [f"u-{number}" for number in range(7)]


async def test_two_writers_get_the_same_keys(database_copy: Database) -> None:
    outer_keys = build_outer_keys()
    writers = [PostgresUserKeys(database_copy, outer_keys) for _ in range(4)]
    first, *others = await asyncio.gather(*(writer.get_or_make(USERS) for writer in writers))
    assert others == 3 * [first]
    assert {key.version for keys in first.values() for key in keys} == {1}
    assert len({unwrap_keys(user_id, keys, outer_keys)[0].key for user_id, keys in first.items()}) == len(USERS)


async def test_a_user_whose_key_is_destroyed_gets_a_new_one_beside_it(database_copy: Database) -> None:
    store = PostgresUserKeys(database_copy, build_outer_keys())
    await store.get_or_make(USERS)
    await database_copy.fetch("update user_keys set wrapped_key = null, erased_at = now() where user_id = 'u-1'")
    assert [key.wrapped for key in (await store.get_many(["u-1"]))["u-1"]] == [None]
    erased, new = (await store.get_or_make(["u-1", "u-2"]))["u-1"]
    assert (erased.version, erased.wrapped, new.version) == (1, None, 2)
    assert new.wrapped is not None


async def test_rotation_wraps_anew_in_pages_and_goes_on_where_it_was_interrupted(database_copy: Database) -> None:
    keys = {"new": os.urandom(KEY_BYTES), "old": os.urandom(KEY_BYTES)}
    before = PostgresUserKeys(database_copy, OuterKeys({"old": keys["old"]}, os.urandom))
    data_keys = unwrap_all(await before.get_or_make(USERS), OuterKeys(keys, os.urandom))
    await database_copy.fetch("update user_keys set wrapped_key = null, erased_at = now() where user_id = 'u-6'")
    rotated = PostgresUserKeys(database_copy, OuterKeys(keys, os.urandom))
    assert await rotated.wrap_next(4) == 4
    await before.get_or_make(["u-8"])  # a process that does not have the new one yet
    assert [await rotated.wrap_next(4) for _ in range(2)] == [3, 0]
    assert [(one.outer_key_id, one.kept, one.erased) for one in await rotated.count()] == [("new", 7, 0), ("old", 0, 1)]
    after = unwrap_all(await rotated.get_many(USERS), OuterKeys({"new": keys["new"]}, os.urandom))
    assert after == {**data_keys, "u-6": None}


async def test_rotation_stops_at_a_key_that_another_outer_key_of_the_same_id_wraps(database_copy: Database) -> None:
    await PostgresUserKeys(database_copy, build_outer_keys("old")).get_or_make(USERS)
    with pytest.raises(SealError, match="'old' that is configured"):
        await PostgresUserKeys(database_copy, build_outer_keys("new", "old")).wrap_next(4)
    with pytest.raises(KeyError):
        await PostgresUserKeys(database_copy, build_outer_keys("new")).wrap_next(4)


async def test_redis_keeps_wrapped_keys_and_not_those_that_were_destroyed_meanwhile(database_copy: Database, redis_url: str) -> None:
    client = RedisClient(redis_url, time.monotonic, f"{os.urandom(4).hex()}.", 2)
    cache, found = RedisUserKeys(client, 300), await PostgresUserKeys(database_copy, build_outer_keys()).get_or_make(USERS)
    await cache.add_many(found)
    assert await cache.get_many([*USERS, "unknown"]) == found
    await forget_user_keys(client, ["u-1"])
    await cache.add_many({"u-1": found["u-1"]})  # of a reader that began before
    assert set(await cache.get_many(USERS)) == {*USERS} - {"u-1"}
    await client.close()


def unwrap_all(found: dict, outer_keys: OuterKeys) -> dict[str, bytes | None]:  # type: ignore[type-arg]
    """The last data key of each user."""
    return {user_id: unwrap_keys(user_id, keys, outer_keys)[-1].key for user_id, keys in found.items()}
