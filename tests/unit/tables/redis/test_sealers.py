"""Keys come from the process, from Redis, then from PostgreSQL; what several need is read together, and nothing is used for too long."""

import asyncio
import os
from contextlib import suppress
from typing import Any

import pytest

from schemas.errors import UnavailableError
from schemas.user_keys import WrappedKey
from tables.redis import sealers
from tables.redis.sealers import CACHED_SECONDS, STORE_COOLDOWN, WITHOUT_KEY_SECONDS, CachedSealerReader
from tests.fakes import run_pending_tasks
from tests.sealers import MemoryUserKeys, build_outer_keys


class Choice:
    """Whose data is sealed: everybody's or nobody's, but for the users named."""

    def __init__(self, default: bool) -> None:
        self.default = default

    async def refresh(self) -> None:
        """Nothing changes."""

    def seals(self, user_id: str) -> bool:
        """Whether it is."""
        return self.default != user_id.startswith("@other/")


class Harness:
    """A reader over a cache and a store in memory."""

    def __init__(self, *, seals: bool = True) -> None:
        self.now = 1000.0
        self.outer_keys = build_outer_keys("new", "old")
        self.cache, self.store = MemoryUserKeys(self.outer_keys), MemoryUserKeys(self.outer_keys)
        self.seals = seals
        self.reader = self.build()

    def build(self) -> CachedSealerReader:
        """Another process."""
        cache: Any = self.cache
        return CachedSealerReader(cache, self.store, self.outer_keys, os.urandom, lambda: self.now, Choice(self.seals))


async def test_a_user_gets_a_key_at_first_sight_that_every_process_opens_with() -> None:
    harness = Harness()
    sealed = (await harness.reader.get_many(["u-1"]))["u-1"].seal("record", "", b"plain")
    assert harness.cache.keys == harness.store.keys
    harness.cache.keys.clear()
    assert (await harness.build().get_many(["u-1"]))["u-1"].open("record", "", sealed) == b"plain"


async def test_a_key_is_read_from_redis_and_then_stays_in_the_process_for_a_minute() -> None:
    harness = Harness()
    await harness.reader.get_many(["u-1"])
    other = harness.build()
    store_reads = len(harness.store.read)
    await other.get_many(["u-1", "u-1"])
    assert len(harness.store.read) == store_reads
    cache_reads = len(harness.cache.read)
    harness.now += CACHED_SECONDS - 1
    await other.get_many(["u-1"])
    assert len(harness.cache.read) == cache_reads
    harness.now += 1
    await other.get_many(["u-1"])
    assert len(harness.cache.read) == cache_reads + 1


async def test_a_destroyed_key_is_used_for_a_minute_or_until_it_is_forgotten_and_then_a_new_one_seals() -> None:
    for is_forgotten in (True, False):
        harness = Harness()
        await harness.reader.get_many(["u-1"])
        harness.store.keys["u-1"] = [WrappedKey(1, "new", None)]
        harness.cache.keys.clear()
        assert await read_version(harness) == 1
        if is_forgotten:
            harness.reader.forget(["u-1", "u-2"])
        else:
            harness.now += CACHED_SECONDS
        assert await read_version(harness) == 2


async def read_version(harness: Harness) -> int:
    """The version of the key that seals."""
    sealed = (await harness.reader.get_many(["u-1"]))["u-1"].seal("record", "", b"")
    return int.from_bytes(sealed[-30:-28])


async def test_who_only_opens_makes_no_key_and_asks_again_soon() -> None:
    harness = Harness(seals=False)
    assert not (await harness.reader.get_many(["u-1"]))["u-1"].can_seal
    assert harness.store.keys == {}
    harness.store.add("u-1")
    harness.now += WITHOUT_KEY_SECONDS
    assert (await harness.reader.get_many(["u-1"]))["u-1"].can_seal


async def test_what_several_need_meanwhile_is_read_together() -> None:
    harness = Harness()
    started, go_on = asyncio.Event(), asyncio.Event()
    get_or_make = harness.store.get_or_make

    async def wait(user_ids: list[str]) -> Any:
        started.set()
        await go_on.wait()
        return await get_or_make(user_ids)

    harness.store.get_or_make = wait  # type: ignore[method-assign, assignment]
    first = asyncio.create_task(harness.reader.get_many(["u-0"]))
    await started.wait()
    others = [asyncio.create_task(harness.reader.get_many([f"u-{number}", "u-1"])) for number in (1, 2, 3)]
    await asyncio.sleep(0)
    go_on.set()
    await first
    found = [await one for one in others]
    assert [set(one) for one in found] == [{"u-1"}, {"u-1", "u-2"}, {"u-1", "u-3"}]
    assert harness.store.read == [["u-0"], ["u-1", "u-2", "u-3"]]


async def test_without_any_store_what_is_known_is_given_and_nothing_known_is_an_error() -> None:
    harness = Harness()
    await harness.reader.get_many(["u-1"])
    harness.store.unavailable = True
    assert set(await harness.reader.get_many(["u-1", "u-2"])) == {"u-1"}
    with pytest.raises(UnavailableError, match="failed a moment ago"):
        await harness.reader.get_many(["u-2"])
    harness.store.unavailable = False
    harness.now += STORE_COOLDOWN
    assert set(await harness.reader.get_many(["u-2"])) == {"u-2"}


async def test_an_outer_key_that_is_missing_is_named_and_makes_nobody_else_wait() -> None:
    harness = Harness(seals=False)
    harness.store.add("u-1")
    harness.store.keys["u-2"] = [WrappedKey(1, "lost", b"x" * 60)]
    harness.store.keys["u-3"] = [WrappedKey(1, "old", harness.store.keys["u-1"][0].wrapped)]
    found = await harness.reader.get_many(["u-1", "u-2", "u-3"])
    assert set(found) == {"u-1"}
    with pytest.raises(UnavailableError, match="'lost' wraps keys of users"):
        await harness.build().get_many(["u-2"])


async def test_a_fresh_look_does_not_ask_redis() -> None:
    harness = Harness(seals=False)
    harness.store.add("u-1")
    await harness.reader.get_many(["u-1"])
    harness.store.keys["u-1"] = [*harness.store.keys["u-1"]]
    harness.store.add("u-1")
    harness.cache.keys = {"u-1": harness.store.keys["u-1"][:1]}
    sealed = (await harness.reader.get_many(["u-1"], fresh=True))["u-1"].seal("record", "", b"")
    assert sealed[-30:-28] == b"\0\2"


async def test_a_key_is_made_for_those_whose_data_is_sealed_and_read_for_the_others() -> None:
    harness = Harness()
    harness.store.add("@other/has-one")
    sealers = await harness.reader.get_many(["u-1", "@other/u-2", "@other/has-one"])
    assert {user_id: sealer.can_seal for user_id, sealer in sealers.items()} == {"u-1": True, "@other/u-2": False, "@other/has-one": True}
    assert sorted(harness.store.keys) == ["@other/has-one", "u-1"]


async def test_nobody_waits_for_a_store_that_hangs_and_its_answer_is_kept_when_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealers, "STORE_PATIENCE", 0.01)
    harness, go_on = Harness(), asyncio.Event()
    started_at, get_or_make = harness.now, harness.store.get_or_make

    async def hang(user_ids: list[str]) -> Any:
        while not go_on.is_set():  # as asyncpg, which does not give a connection back before the server confirms the cancel
            with suppress(asyncio.CancelledError):
                await go_on.wait()
        return await get_or_make(user_ids)

    harness.store.get_or_make = hang  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(60):
        with pytest.raises(UnavailableError, match="has not given"):
            await harness.reader.get_many(["u-1", "u-2"])
        harness.now += STORE_COOLDOWN
        with pytest.raises(UnavailableError, match="a moment ago"):  # one connection hangs, and not one for each try
            await harness.reader.get_many(["u-1"])
        harness.reader.forget(["u-2"])
        go_on.set()
        await run_pending_tasks()
    reads = len(harness.store.read)
    assert set(await harness.reader.get_many(["u-1"])) == {"u-1"}
    assert len(harness.store.read) == reads
    await harness.reader.get_many(["u-2"])
    assert harness.cache.read[-1] == ["u-2"], "it may have been destroyed meanwhile"
    harness.now = started_at + CACHED_SECONDS
    await harness.reader.get_many(["u-1"])
    assert harness.cache.read[-1] == ["u-1"], "what came late is as old as its reading"


async def test_a_reading_that_hangs_is_given_up_and_others_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealers, "STORE_PATIENCE", 0.01)
    monkeypatch.setattr(sealers, "STORE_TIMEOUT", 0.02)
    harness, given_up = Harness(), asyncio.Event()
    get_or_make = harness.store.get_or_make

    async def hang(user_ids: list[str]) -> Any:
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    harness.store.get_or_make = hang  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(60):
        with pytest.raises(UnavailableError, match="has not given"):
            await harness.reader.get_many(["u-1"])
        await given_up.wait()
        await run_pending_tasks()
    harness.store.get_or_make = get_or_make  # type: ignore[method-assign]
    harness.now += STORE_COOLDOWN
    assert set(await harness.reader.get_many(["u-1"])) == {"u-1"}
