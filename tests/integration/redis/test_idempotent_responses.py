"""Answers to Idempotency-Keys."""

from itertools import count

import pytest

from schemas.idempotent_responses import KeyAcquired, KeyConflict, KeyInProgress, StoredResponse
from tables.redis.idempotent_responses import RedisIdempotentResponses
from tables.redis.keys import IDEMPOTENCY_IN_PROGRESS, IDEMPOTENCY_RESPONSE
from tests.integration.redis.proxied_redis import ProxiedRedis

REPLY = StoredResponse(202, b'{"id":"ntf_\xc3\xa4\x00"}')


class IdempotentResponseScenario:
    """Replies over a link to Redis."""

    def __init__(self, link: ProxiedRedis) -> None:
        numbers = count(1)
        self.client, self.proxy = link.client, link.proxy
        self.responses = RedisIdempotentResponses(self.client, lambda: f"t{next(numbers)}")

    async def get_ttl(self, key: str) -> int:
        return int(await self.client.execute(lambda redis: redis.ttl(IDEMPOTENCY_IN_PROGRESS.build_key(self.client.prefix, key))))


@pytest.fixture
def scenario(proxied_redis: ProxiedRedis) -> IdempotentResponseScenario:
    return IdempotentResponseScenario(proxied_redis)


async def test_the_first_request_runs_and_the_others_wait_then_hear_its_answer(scenario: IdempotentResponseScenario) -> None:
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
    assert await scenario.responses.acquire_key("k", "hash") == KeyInProgress()
    assert 0 < await scenario.get_ttl("k") <= IDEMPOTENCY_IN_PROGRESS.ttl_seconds
    await scenario.responses.store_response("k", "hash", "t1", REPLY)
    assert await scenario.responses.acquire_key("k", "hash") == REPLY
    assert IDEMPOTENCY_IN_PROGRESS.ttl_seconds < await scenario.get_ttl("k") <= IDEMPOTENCY_RESPONSE.ttl_seconds


@pytest.mark.parametrize("ended", [False, True])
async def test_another_body_under_the_same_key_is_told_so(scenario: IdempotentResponseScenario, ended: bool) -> None:
    await scenario.responses.acquire_key("k", "hash")
    if ended:
        await scenario.responses.store_response("k", "hash", "t1", REPLY)
    assert await scenario.responses.acquire_key("k", "other") == KeyConflict()


async def test_a_key_that_was_given_back_is_free(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.responses.release_key("k", "t1")
    assert await scenario.responses.acquire_key("k", "other") == KeyAcquired("t2")


async def test_who_lost_the_key_changes_nothing(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.client.execute(lambda redis: redis.delete(IDEMPOTENCY_IN_PROGRESS.build_key(scenario.client.prefix, "k")))
    await scenario.responses.acquire_key("k", "hash")
    await scenario.responses.release_key("k", "t1")
    await scenario.responses.store_response("k", "hash", "t1", REPLY)
    assert await scenario.responses.acquire_key("k", "hash") == KeyInProgress()


async def test_an_answer_is_kept_even_if_its_mark_has_expired(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.client.execute(lambda redis: redis.delete(IDEMPOTENCY_IN_PROGRESS.build_key(scenario.client.prefix, "k")))
    await scenario.responses.store_response("k", "hash", "t1", REPLY)
    assert await scenario.responses.acquire_key("k", "hash") == REPLY


async def test_while_redis_is_away_every_request_is_a_first_one(scenario: IdempotentResponseScenario) -> None:
    await scenario.proxy.disable()
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
    await scenario.responses.store_response("k", "hash", "t1", REPLY)
    await scenario.responses.release_key("k", "t1")
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t2")


async def test_a_value_that_is_not_ours_is_a_first_one_too(scenario: IdempotentResponseScenario) -> None:
    await scenario.client.execute(lambda redis: redis.set(IDEMPOTENCY_IN_PROGRESS.build_key(scenario.client.prefix, "k"), b"\xc1"))
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
