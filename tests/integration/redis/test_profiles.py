"""Profiles through Redis: who is asked, what is kept, and what remains when servers are away."""

from collections.abc import Iterable, Mapping

import msgspec
import pytest

from schemas.errors import Unavailable
from schemas.rules import Profile
from tables.memory import MemoryProfiles
from tables.redis.keys import NO_PROFILE, PROFILE
from tables.redis.profiles import CachedProfiles
from tests.integration.redis.link import Link


class CountingProfiles(MemoryProfiles):
    """A store that knows what it was asked."""

    def __init__(self) -> None:
        super().__init__({"ada": Profile("ada", version=5), "bob": Profile("bob", version=6)})
        self.asked: list[list[str]] = []

    async def get_many(self, user_ids: Iterable[str]) -> Mapping[str, Profile]:
        self.asked.append(sorted(user_ids))
        return await super().get_many(user_ids)


class World:
    """Profiles of one process over a link to Redis and a store in memory."""

    def __init__(self, link: Link) -> None:
        self.link, self.cache, self.proxy, self.store = link, link.cache, link.proxy, CountingProfiles()
        self.profiles = self.another_process()

    def another_process(self) -> CachedProfiles:
        return CachedProfiles(self.cache, self.store, lambda: self.link.now, remembered=3)

    async def seconds_left(self, user_id: str) -> int:
        return int(await self.cache.call(lambda redis: redis.ttl(PROFILE.of(self.cache.prefix, user_id))))


@pytest.fixture
def world(link: Link) -> World:
    return World(link)


async def test_the_store_is_asked_once_by_all_processes_and_only_for_what_is_missing(world: World) -> None:
    await world.profiles.get_many(["ada", "nobody"])
    found = await world.another_process().get_many(["ada", "bob", "nobody"])
    assert world.store.asked == [["ada", "nobody"], ["bob"]]
    assert (found["ada"].version, found["bob"].version, found["nobody"].known) == (5, 6, False)


async def test_a_user_who_does_not_exist_is_believed_only_for_seconds(world: World) -> None:
    await world.profiles.get_many(["ada", "nobody"])
    assert 0 < await world.seconds_left("nobody") <= NO_PROFILE.seconds < await world.seconds_left("ada") <= PROFILE.seconds


async def test_an_older_version_never_replaces_a_newer_one(world: World) -> None:
    newer = msgspec.json.encode(Profile("ada", locale="de", version=9))
    await world.cache.call(lambda redis: redis.delete(PROFILE.of(world.cache.prefix, "ada")))
    slow = world.another_process()
    load = world.store.get_many

    async def overtaken(user_ids: Iterable[str]) -> Mapping[str, Profile]:
        found = await load(user_ids)
        await world.cache.run("write_profiles", [PROFILE.of(world.cache.prefix, "ada")], [newer, 9, 300])
        return found

    world.store.get_many = overtaken  # type: ignore[method-assign]
    await slow.get_many(["ada"])
    assert (await world.another_process().get_many(["ada"]))["ada"].version == 9


async def test_what_is_no_profile_is_loaded_and_written_again(world: World) -> None:
    await world.cache.call(lambda redis: redis.set(PROFILE.of(world.cache.prefix, "ada"), b"{"))
    assert (await world.profiles.get_many(["ada"]))["ada"].version == 5


async def test_without_redis_every_batch_asks_the_store(world: World) -> None:
    await world.proxy.cut()
    for _ in range(2):
        assert (await world.profiles.get_many(["ada"]))["ada"].known
    assert world.store.asked == [["ada"], ["ada"]]


async def test_without_the_store_redis_goes_on(world: World) -> None:
    await world.profiles.get_many(["ada"])
    world.store.gone = True
    assert (await world.another_process().get_many(["ada"]))["ada"].version == 5


async def test_without_both_what_this_process_has_seen_goes_on(world: World) -> None:
    await world.profiles.get_many(["ada", "bob"])
    world.store.gone = True
    await world.proxy.cut()
    assert set(await world.profiles.get_many(["ada", "bob"])) == {"ada", "bob"}
    with pytest.raises(Unavailable, match="1 profiles are in no cache"):
        await world.profiles.get_many(["ada", "carl"])


async def test_memory_is_never_believed_while_the_store_answers(world: World) -> None:
    await world.profiles.get_many(["ada"])
    await world.proxy.cut()
    world.store.profiles["ada"] = Profile("ada", version=8)
    assert (await world.profiles.get_many(["ada"]))["ada"].version == 8


async def test_memory_keeps_those_seen_last(world: World) -> None:
    await world.profiles.get_many(["ada", "bob", "c"])
    await world.profiles.get_many(["ada"])
    await world.profiles.get_many(["d"])
    world.store.gone = True
    await world.proxy.cut()
    assert await world.profiles.get_many(["ada", "c", "d"])
    with pytest.raises(Unavailable):
        await world.profiles.get_many(["bob"])


async def test_a_store_that_failed_is_left_alone_for_a_second(world: World) -> None:
    world.store.gone = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.profiles.get_many(["ada"])
    assert len(world.store.asked) == 1
    world.store.gone = False
    world.link.now += 1.0
    assert (await world.profiles.get_many(["ada"]))["ada"].known
