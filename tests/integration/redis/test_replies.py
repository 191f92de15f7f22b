"""Answers to Idempotency-Keys."""

from itertools import count

import pytest

from schemas.replies import Other, Reply, Running, Started
from tables.redis.keys import ANSWERED, RUNNING
from tables.redis.replies import RedisReplies
from tests.integration.redis.link import Link

REPLY = Reply(202, b'{"id":"ntf_\xc3\xa4\x00"}')


class World:
    """Replies over a link to Redis."""

    def __init__(self, link: Link) -> None:
        numbers = count(1)
        self.cache, self.proxy = link.cache, link.proxy
        self.replies = RedisReplies(self.cache, lambda: f"t{next(numbers)}")

    async def seconds_left(self, key: str) -> int:
        return int(await self.cache.call(lambda redis: redis.ttl(RUNNING.of(self.cache.prefix, key))))


@pytest.fixture
def world(link: Link) -> World:
    return World(link)


async def test_the_first_request_runs_and_the_others_wait_then_hear_its_answer(world: World) -> None:
    assert await world.replies.begin("k", "hash") == Started("t1")
    assert await world.replies.begin("k", "hash") == Running()
    assert 0 < await world.seconds_left("k") <= RUNNING.seconds
    await world.replies.end("k", "hash", "t1", REPLY)
    assert await world.replies.begin("k", "hash") == REPLY
    assert RUNNING.seconds < await world.seconds_left("k") <= ANSWERED.seconds


@pytest.mark.parametrize("ended", [False, True])
async def test_another_body_under_the_same_key_is_told_so(world: World, ended: bool) -> None:
    await world.replies.begin("k", "hash")
    if ended:
        await world.replies.end("k", "hash", "t1", REPLY)
    assert await world.replies.begin("k", "other") == Other()


async def test_a_key_that_was_given_back_is_free(world: World) -> None:
    await world.replies.begin("k", "hash")
    await world.replies.forget("k", "t1")
    assert await world.replies.begin("k", "other") == Started("t2")


async def test_who_lost_the_key_changes_nothing(world: World) -> None:
    await world.replies.begin("k", "hash")
    await world.cache.call(lambda redis: redis.delete(RUNNING.of(world.cache.prefix, "k")))
    await world.replies.begin("k", "hash")
    await world.replies.forget("k", "t1")
    await world.replies.end("k", "hash", "t1", REPLY)
    assert await world.replies.begin("k", "hash") == Running()


async def test_an_answer_is_kept_even_if_its_mark_has_expired(world: World) -> None:
    await world.replies.begin("k", "hash")
    await world.cache.call(lambda redis: redis.delete(RUNNING.of(world.cache.prefix, "k")))
    await world.replies.end("k", "hash", "t1", REPLY)
    assert await world.replies.begin("k", "hash") == REPLY


async def test_while_redis_is_away_every_request_is_a_first_one(world: World) -> None:
    await world.proxy.cut()
    assert await world.replies.begin("k", "hash") == Started("t1")
    await world.replies.end("k", "hash", "t1", REPLY)
    await world.replies.forget("k", "t1")
    assert await world.replies.begin("k", "hash") == Started("t2")


async def test_a_value_that_is_not_ours_is_a_first_one_too(world: World) -> None:
    await world.cache.call(lambda redis: redis.set(RUNNING.of(world.cache.prefix, "k"), b"\xc1"))
    assert await world.replies.begin("k", "hash") == Started("t1")
