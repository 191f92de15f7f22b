"""Profiles through the cache in Redis: reads, times to live, and behaviour while servers are unavailable."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest

from schemas.errors import UnavailableError
from schemas.profile import Profile
from tables.redis.keys import MISSING_PROFILE_TTL, PROFILE
from tables.redis.profiles import CachedProfileReader
from tests.integration.redis.conftest import ProxiedRedis
from tests.memory_stores import MemoryProfileReader

PROFILE_TTL = 300  # seconds


class CountingProfileReader(MemoryProfileReader):
    """A store that records its calls."""

    def __init__(self) -> None:
        super().__init__({"ada": Profile("ada", version=5), "bob": Profile("bob", version=6)})
        self.get_many_calls: list[list[str]] = []

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.get_many_calls.append(sorted(user_ids))
        return await super().get_many(user_ids)


class CachedProfileScenario:
    """A reader over a Redis whose connection can be interrupted, and a store in memory."""

    def __init__(self, proxied_redis: ProxiedRedis) -> None:
        self.proxied_redis, self.client, self.proxy = proxied_redis, proxied_redis.client, proxied_redis.proxy
        self.store = CountingProfileReader()
        self.reader = self.create_reader()

    def create_reader(self) -> CachedProfileReader:
        return CachedProfileReader(self.client, self.store, lambda: self.proxied_redis.now, PROFILE_TTL, max_last_known=3)

    async def get_ttl(self, user_id: str) -> int:
        return int(await self.client.execute(lambda redis: redis.ttl(PROFILE.build_key(self.client.prefix, user_id))))


@pytest.fixture
def scenario(proxied_redis: ProxiedRedis) -> CachedProfileScenario:
    return CachedProfileScenario(proxied_redis)


async def test_the_store_is_read_once_by_all_processes_and_only_for_missing_profiles(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "nobody"])
    profiles = await scenario.create_reader().get_many(["ada", "bob", "nobody"])
    assert scenario.store.get_many_calls == [["ada", "nobody"], ["bob"]]
    assert (profiles["ada"].version, profiles["bob"].version, profiles["nobody"].known) == (5, 6, False)


async def test_a_missing_user_is_cached_for_seconds_only(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "nobody"])
    assert 0 < await scenario.get_ttl("nobody") <= MISSING_PROFILE_TTL < await scenario.get_ttl("ada") <= PROFILE_TTL


async def test_an_older_version_never_replaces_a_newer_one(scenario: CachedProfileScenario) -> None:
    newer = msgspec.json.encode(Profile("ada", locale="de", version=9))
    await scenario.client.execute(lambda redis: redis.delete(PROFILE.build_key(scenario.client.prefix, "ada")))
    slow_reader = scenario.create_reader()
    load = scenario.store.get_many

    async def load_then_overwrite(user_ids: Iterable[str]) -> Mapping[str, Profile]:
        profiles = await load(user_ids)
        await scenario.client.run_script("write_profiles", [PROFILE.build_key(scenario.client.prefix, "ada")], [newer, 9, 300])
        return profiles

    scenario.store.get_many = load_then_overwrite  # type: ignore[method-assign]
    await slow_reader.get_many(["ada"])
    assert (await scenario.create_reader().get_many(["ada"]))["ada"].version == 9


async def test_an_invalid_cached_profile_is_loaded_from_the_store(scenario: CachedProfileScenario) -> None:
    await scenario.client.execute(lambda redis: redis.set(PROFILE.build_key(scenario.client.prefix, "ada"), b"{"))
    assert (await scenario.reader.get_many(["ada"]))["ada"].version == 5


async def test_each_batch_reads_the_store_while_redis_is_unavailable(scenario: CachedProfileScenario) -> None:
    await scenario.proxy.disable()
    for _ in range(2):
        assert (await scenario.reader.get_many(["ada"]))["ada"].known
    assert scenario.store.get_many_calls == [["ada"], ["ada"]]


async def test_cached_profiles_are_read_while_the_store_is_unavailable(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada"])
    scenario.store.unavailable = True
    assert (await scenario.create_reader().get_many(["ada"]))["ada"].version == 5


async def test_last_known_profiles_are_used_while_both_are_unavailable(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "bob"])
    scenario.store.unavailable = True
    await scenario.proxy.disable()
    assert set(await scenario.reader.get_many(["ada", "bob"])) == {"ada", "bob"}
    with pytest.raises(UnavailableError, match="1 profiles are in no cache"):
        await scenario.reader.get_many(["ada", "carl"])


async def test_last_known_profiles_are_not_used_while_the_store_answers(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada"])
    await scenario.proxy.disable()
    scenario.store.profiles["ada"] = Profile("ada", version=8)
    assert (await scenario.reader.get_many(["ada"]))["ada"].version == 8


async def test_the_least_recently_read_profiles_are_forgotten(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "bob", "c"])
    await scenario.reader.get_many(["ada"])
    await scenario.reader.get_many(["d"])
    scenario.store.unavailable = True
    await scenario.proxy.disable()
    assert await scenario.reader.get_many(["ada", "c", "d"])
    with pytest.raises(UnavailableError):
        await scenario.reader.get_many(["bob"])


async def test_the_store_is_not_read_for_a_second_after_a_failure(scenario: CachedProfileScenario) -> None:
    scenario.store.unavailable = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await scenario.reader.get_many(["ada"])
    assert len(scenario.store.get_many_calls) == 1
    scenario.store.unavailable = False
    scenario.proxied_redis.now += 1.0
    assert (await scenario.reader.get_many(["ada"]))["ada"].known
