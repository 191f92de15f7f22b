"""Profiles through the cache in Redis: reads, confirmation of versions, slow readers, and behaviour while servers are unavailable."""

import asyncio
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from schemas.errors import UnavailableError
from schemas.profile import ActiveSuppression, Profile, build_address_key
from tables.redis import profiles as cached_profiles
from tables.redis.keys import MISSING_PROFILE_TTL, PROFILE, PROFILE_TOMBSTONE_TTL
from tables.redis.profile_cache import RedisProfileCache
from tables.redis.profiles import OUTAGE_SECONDS, CachedProfileReader, forget
from tests.integration.redis.conftest import ProxiedRedis
from tests.memory_stores import MemoryProfileReader

PROFILE_TTL = 300  # seconds
LONG, SHORT = 60.0, 0.0  # seconds that a profile is confirmed


class CountingProfileReader(MemoryProfileReader):
    """A store that records its calls; after a read it waits for `is_released`."""

    def __init__(self) -> None:
        super().__init__({"ada": Profile("ada", version=5), "bob": Profile("bob", version=6)})
        self.get_changed_calls: list[dict[str, int]] = []
        self.is_released = asyncio.Event()
        self.is_released.set()

    async def get_changed(self, versions: Mapping[str, int]) -> Mapping[str, Profile]:
        self.get_changed_calls.append(dict(versions))
        changed = await super().get_changed(versions)
        await self.is_released.wait()
        return changed

    def opt_out(self, user_id: str) -> None:
        """A change with the next version."""
        profile = self.profiles[user_id]
        self.profiles[user_id] = replace(profile, version=profile.version + 1, choices={"/": "out"})


class CachedProfileScenario:
    """A reader over a Redis whose connection can be interrupted, and a store in memory."""

    def __init__(self, proxied_redis: ProxiedRedis) -> None:
        self.proxied_redis, self.client, self.proxy = proxied_redis, proxied_redis.client, proxied_redis.proxy
        self.store = CountingProfileReader()
        self.reader = self.create_reader()

    def create_cache(self, check_interval: float = LONG) -> RedisProfileCache:
        return RedisProfileCache(self.client, PROFILE_TTL, check_interval)

    def create_reader(self, check_interval: float = LONG) -> CachedProfileReader:
        return CachedProfileReader(self.create_cache(check_interval), self.store, lambda: self.proxied_redis.now, max_last_known=3)

    async def read_choices(self, check_interval: float = LONG) -> dict[str, str]:
        """The choices of ada as another process reads them."""
        return (await self.create_reader(check_interval).get_many(["ada"]))["ada"].choices

    async def get_ttl(self, user_id: str) -> int:
        return int(await self.client.execute(lambda redis: redis.ttl(self.build_key(user_id))))

    def build_key(self, user_id: str) -> str:
        return PROFILE.build_key(self.client.prefix, user_id)


@pytest.fixture
def scenario(proxied_redis: ProxiedRedis) -> CachedProfileScenario:
    return CachedProfileScenario(proxied_redis)


async def test_the_store_is_read_once_by_all_processes_and_only_for_missing_profiles(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "nobody"])
    profiles = await scenario.create_reader().get_many(["ada", "bob", "nobody"])
    assert scenario.store.get_changed_calls == [{"ada": -1, "nobody": -1}, {"bob": -1}]
    assert (profiles["ada"].version, profiles["bob"].version, profiles["nobody"].known) == (5, 6, False)


async def test_a_missing_user_is_cached_for_seconds_only(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "nobody"])
    assert 0 < await scenario.get_ttl("nobody") <= MISSING_PROFILE_TTL < await scenario.get_ttl("ada") <= PROFILE_TTL


async def test_a_change_is_noticed_when_the_version_is_asked_for_again(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada"])
    scenario.store.opt_out("ada")
    assert await scenario.read_choices() == {}
    assert await scenario.read_choices(SHORT) == {"/": "out"}
    assert await scenario.read_choices() == {"/": "out"}
    assert scenario.store.get_changed_calls == [{"ada": -1}, {"ada": 5}]


async def test_an_unchanged_profile_is_confirmed_for_all_processes_and_lives_no_longer(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "bob"])
    await scenario.client.execute(lambda redis: redis.expire(scenario.build_key("ada"), 7))
    before = await scenario.client.execute(lambda redis: redis.get(scenario.build_key("ada")))
    await scenario.create_reader(SHORT).get_many(["ada"])
    after = await scenario.client.execute(lambda redis: redis.get(scenario.build_key("ada")))
    assert (after[:16] > before[:16], after[16:]) == (True, before[16:])
    assert 0 < await scenario.get_ttl("ada") <= 7


async def test_a_forgotten_profile_is_read_at_once(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada"])
    scenario.store.opt_out("ada")
    await forget(scenario.client, ["ada"])
    assert 0 < await scenario.get_ttl("ada") <= PROFILE_TOMBSTONE_TTL
    assert await scenario.read_choices() == {"/": "out"}
    assert await scenario.read_choices() == {"/": "out"}
    assert len(scenario.store.get_changed_calls) == 2


@pytest.mark.parametrize("is_cached", [False, True])
@pytest.mark.parametrize("is_read_between", [False, True])
async def test_a_slow_reader_brings_no_old_consent_back(scenario: CachedProfileScenario, is_cached: bool, is_read_between: bool) -> None:
    """It has read the store before the change, and writes after the cache was told to forget it."""
    if is_cached:
        await scenario.reader.get_many(["ada"])
    is_set, scenario.store.is_released = scenario.store.is_released, asyncio.Event()
    slow = asyncio.create_task(scenario.create_reader(SHORT).get_many(["ada"]))
    while len(scenario.store.get_changed_calls) < 1 + is_cached:
        await asyncio.sleep(0.001)
    scenario.store.opt_out("ada")
    await forget(scenario.client, ["ada"])
    is_released, scenario.store.is_released = scenario.store.is_released, is_set
    if is_read_between:
        assert await scenario.read_choices() == {"/": "out"}
    is_released.set()
    await slow
    assert await scenario.read_choices() == {"/": "out"}


async def test_a_slow_reader_is_not_believed_although_the_cache_did_not_forget(scenario: CachedProfileScenario) -> None:
    """A change by SQL: what was read before it counts as confirmed when it was read, not when it was written."""
    scenario.store.is_released.clear()
    slow = asyncio.create_task(scenario.create_reader(SHORT).get_many(["ada"]))
    while not scenario.store.get_changed_calls:
        await asyncio.sleep(0.001)
    scenario.store.opt_out("ada")
    await asyncio.sleep(0.1)
    scenario.store.is_released.set()
    await slow
    assert await scenario.read_choices(check_interval=0.1) == {"/": "out"}


async def test_an_older_version_never_replaces_a_newer_one(scenario: CachedProfileScenario) -> None:
    cache = scenario.create_cache()
    later = b"%016d" % 9e15
    read_at = (await cache.read(["ada"])).read_at
    await cache.write([Profile("ada", version=9)], read_at)
    await cache.write([Profile("ada", version=8)], later)
    await cache.confirm({"ada": 8}, later)
    assert (await cache.read(["ada"])).profiles["ada"].version == 9
    assert (await scenario.client.execute(lambda redis: redis.get(scenario.build_key("ada"))))[:16] == read_at


async def test_a_deleted_user_is_unknown_to_all_processes(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada"])
    scenario.store.profiles["ada"] = Profile("ada", known=False, version=7)
    assert not (await scenario.create_reader(SHORT).get_many(["ada"]))["ada"].known
    assert not (await scenario.create_reader().get_many(["ada"]))["ada"].known


async def test_an_address_is_always_asked_for_in_the_same_query(scenario: CachedProfileScenario) -> None:
    key, other = build_address_key("email", "a@x.org"), build_address_key("sms", "+12025550101")
    scenario.store.profiles[key] = Profile(key, False, suppressions=[ActiveSuppression("email", "a@x.org")])
    for _ in range(2):
        profiles = await scenario.reader.get_many(["ada", key, other])
        assert (len(profiles[key].suppressions), len(profiles[other].suppressions)) == (1, 0)
    assert [list(call) for call in scenario.store.get_changed_calls] == [["ada", key, other], [key, other]]


@pytest.mark.parametrize("value", [b"{", b'{"user_id":"ada","version":99,"addresses":{}}', b"0" * 33])
async def test_an_invalid_cached_profile_is_loaded_from_the_store(scenario: CachedProfileScenario, value: bytes) -> None:
    await scenario.client.execute(lambda redis: redis.set(scenario.build_key("ada"), value))
    assert (await scenario.reader.get_many(["ada"]))["ada"].version == 5


async def test_each_batch_reads_the_store_while_redis_is_unavailable(scenario: CachedProfileScenario) -> None:
    await scenario.proxy.disable()
    for _ in range(2):
        assert (await scenario.reader.get_many(["ada"]))["ada"].consent_known
    assert scenario.store.get_changed_calls == [{"ada": -1}, {"ada": -1}]


async def test_cached_profiles_are_read_while_the_store_is_down_and_their_consent_counts_after_seconds(
    scenario: CachedProfileScenario,
) -> None:
    await scenario.reader.get_many(["ada"])
    scenario.store.unavailable = True
    assert (await scenario.create_reader().get_many(["ada"]))["ada"].consent_known
    reader = scenario.create_reader(SHORT)
    ada = (await reader.get_many(["ada"]))["ada"]
    assert (ada.version, ada.consent_known) == (5, False)
    scenario.proxied_redis.now += OUTAGE_SECONDS
    assert (await reader.get_many(["ada"]))["ada"].consent_known


async def test_last_known_profiles_are_used_while_both_are_unavailable_but_not_for_consent(scenario: CachedProfileScenario) -> None:
    await scenario.reader.get_many(["ada", "bob"])
    scenario.store.unavailable = True
    await scenario.proxy.disable()
    profiles = await scenario.reader.get_many(["ada", "bob", "carl"])
    assert {user_id: profile.consent_known for user_id, profile in profiles.items()} == {"ada": True, "bob": True}
    scenario.proxied_redis.now += OUTAGE_SECONDS + 1
    assert not (await scenario.reader.get_many(["ada"]))["ada"].consent_known
    with pytest.raises(UnavailableError, match="1 profiles are in no cache"):
        await scenario.reader.get_many(["carl"])


async def test_nobody_waits_for_a_store_that_hangs_and_its_answer_is_used_later(
    scenario: CachedProfileScenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached_profiles, "STORE_PATIENCE", 0.01)
    await scenario.reader.get_many(["ada"])
    scenario.store.is_released.clear()
    assert set(await scenario.reader.get_many(["ada", "bob"])) == {"ada"}
    assert set(await scenario.reader.get_many(["ada", "bob"])) == {"ada"}
    assert len(scenario.store.get_changed_calls) == 2
    scenario.store.is_released.set()
    await asyncio.wait(scenario.reader._late_loads)
    assert set(await scenario.reader.get_many(["ada", "bob"])) == {"ada", "bob"}
    assert len(scenario.store.get_changed_calls) == 2


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
    assert set(await scenario.reader.get_many(["ada", "bob", "c", "d"])) == {"ada", "c", "d"}


async def test_the_store_is_not_read_for_a_second_after_a_failure(scenario: CachedProfileScenario) -> None:
    scenario.store.unavailable = True
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await scenario.reader.get_many(["ada"])
    assert len(scenario.store.get_changed_calls) == 1
    scenario.store.unavailable = False
    scenario.proxied_redis.now += 1.0
    assert (await scenario.reader.get_many(["ada"]))["ada"].known
