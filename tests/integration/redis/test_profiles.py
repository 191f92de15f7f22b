"""Profiles through Redis: who is asked, what is kept, and what remains when servers are away."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest

from schemas.errors import UnavailableError
from schemas.policy import Profile
from tables.in_memory import MemoryProfileReader
from tables.redis.keys import MISSING_PROFILE, PROFILE
from tables.redis.profiles import CachedProfileReader
from tests.integration.redis.proxied_redis import ProxiedRedis


class CountingProfileReader(MemoryProfileReader):
    """A store that knows what it was asked."""

    def __init__(self) -> None:
        super().__init__({"ada": Profile("ada", version=5), "bob": Profile("bob", version=6)})
        self.get_many_calls: list[list[str]] = []

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.get_many_calls.append(sorted(user_ids))
        return await super().get_many(user_ids)


class CachedProfileScenario:
    """Profiles of one process over a link to Redis and a store in memory."""

    def __init__(self, link: ProxiedRedis) -> None:
        self.proxied_redis, self.client, self.proxy, self.store = link, link.client, link.proxy, CountingProfileReader()
        self.profiles = self.create_reader()

    def create_reader(self) -> CachedProfileReader:
        return CachedProfileReader(self.client, self.store, lambda: self.proxied_redis.now, max_last_known=3)

    async def get_ttl(self, user_id: str) -> int:
        return int(await self.client.execute(lambda redis: redis.ttl(PROFILE.build_key(self.client.prefix, user_id))))


@pytest.fixture
def scenario(proxied_redis: ProxiedRedis) -> CachedProfileScenario:
    return CachedProfileScenario(proxied_redis)


async def test_the_store_is_asked_once_by_all_processes_and_only_for_what_is_missing(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada", "nobody"])
    found = await scenario.create_reader().get_many(["ada", "bob", "nobody"])
    assert scenario.store.get_many_calls == [["ada", "nobody"], ["bob"]]
    assert (found["ada"].version, found["bob"].version, found["nobody"].known) == (5, 6, False)


async def test_a_user_who_does_not_exist_is_believed_only_for_seconds(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada", "nobody"])
    assert 0 < await scenario.get_ttl("nobody") <= MISSING_PROFILE.ttl_seconds < await scenario.get_ttl("ada") <= PROFILE.ttl_seconds


async def test_an_older_version_never_replaces_a_newer_one(scenario: CachedProfileScenario) -> None:
    newer = msgspec.json.encode(Profile("ada", locale="de", version=9))
    await scenario.client.execute(lambda redis: redis.delete(PROFILE.build_key(scenario.client.prefix, "ada")))
    slow = scenario.create_reader()
    load = scenario.store.get_many

    async def load_then_overwrite(user_ids: Iterable[str]) -> Mapping[str, Profile]:
        found = await load(user_ids)
        await scenario.client.run_script("write_profiles", [PROFILE.build_key(scenario.client.prefix, "ada")], [newer, 9, 300])
        return found

    scenario.store.get_many = load_then_overwrite  # type: ignore[method-assign]
    await slow.get_many(["ada"])
    assert (await scenario.create_reader().get_many(["ada"]))["ada"].version == 9


async def test_what_is_no_profile_is_loaded_and_written_again(scenario: CachedProfileScenario) -> None:
    await scenario.client.execute(lambda redis: redis.set(PROFILE.build_key(scenario.client.prefix, "ada"), b"{"))
    assert (await scenario.profiles.get_many(["ada"]))["ada"].version == 5


async def test_without_redis_every_batch_asks_the_store(scenario: CachedProfileScenario) -> None:
    await scenario.proxy.disable()
    for _ in range(2):
        assert (await scenario.profiles.get_many(["ada"]))["ada"].known
    assert scenario.store.get_many_calls == [["ada"], ["ada"]]


async def test_without_the_store_redis_goes_on(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada"])
    scenario.store.unavailable = True
    assert (await scenario.create_reader().get_many(["ada"]))["ada"].version == 5


async def test_without_both_what_this_process_has_seen_goes_on(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada", "bob"])
    scenario.store.unavailable = True
    await scenario.proxy.disable()
    assert set(await scenario.profiles.get_many(["ada", "bob"])) == {"ada", "bob"}
    with pytest.raises(UnavailableError, match="1 profiles are in no cache"):
        await scenario.profiles.get_many(["ada", "carl"])


async def test_memory_is_never_believed_while_the_store_answers(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada"])
    await scenario.proxy.disable()
    scenario.store.profiles["ada"] = Profile("ada", version=8)
    assert (await scenario.profiles.get_many(["ada"]))["ada"].version == 8


async def test_memory_keeps_those_seen_last(scenario: CachedProfileScenario) -> None:
    await scenario.profiles.get_many(["ada", "bob", "c"])
    await scenario.profiles.get_many(["ada"])
    await scenario.profiles.get_many(["d"])
    scenario.store.unavailable = True
    await scenario.proxy.disable()
    assert await scenario.profiles.get_many(["ada", "c", "d"])
    with pytest.raises(UnavailableError):
        await scenario.profiles.get_many(["bob"])


async def test_a_store_that_failed_is_left_alone_for_a_second(scenario: CachedProfileScenario) -> None:
    scenario.store.unavailable = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await scenario.profiles.get_many(["ada"])
    assert len(scenario.store.get_many_calls) == 1
    scenario.store.unavailable = False
    scenario.proxied_redis.now += 1.0
    assert (await scenario.profiles.get_many(["ada"]))["ada"].known
