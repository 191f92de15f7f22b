"""Responses by Idempotency-Key."""

from itertools import count

import pytest

from schemas.idempotent_responses import KeyAcquired, KeyConflict, KeyInProgress, StoredResponse
from tables.redis.idempotent_responses import RedisIdempotentResponses
from tables.redis.keys import IDEMPOTENCY, IDEMPOTENCY_IN_PROGRESS_TTL, IDEMPOTENCY_RESPONSE_TTL
from tests.integration.redis.conftest import ProxiedRedis

RESPONSE = StoredResponse(202, b'{"id":"ntf_\xc3\xa4\x00"}')


class IdempotentResponseScenario:
    """Responses in a Redis whose connection can be interrupted."""

    def __init__(self, proxied_redis: ProxiedRedis) -> None:
        numbers = count(1)
        self.client, self.proxy = proxied_redis.client, proxied_redis.proxy
        self.responses = RedisIdempotentResponses(self.client, lambda: f"t{next(numbers)}")

    async def get_ttl(self, key: str) -> int:
        return int(await self.client.execute(lambda redis: redis.ttl(IDEMPOTENCY.build_key(self.client.prefix, key))))


@pytest.fixture
def scenario(proxied_redis: ProxiedRedis) -> IdempotentResponseScenario:
    return IdempotentResponseScenario(proxied_redis)


async def test_the_first_request_acquires_the_key_and_later_ones_get_its_response(scenario: IdempotentResponseScenario) -> None:
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
    assert await scenario.responses.acquire_key("k", "hash") == KeyInProgress()
    assert 0 < await scenario.get_ttl("k") <= IDEMPOTENCY_IN_PROGRESS_TTL
    await scenario.responses.store_response("k", "hash", "t1", RESPONSE)
    assert await scenario.responses.acquire_key("k", "hash") == RESPONSE
    assert IDEMPOTENCY_IN_PROGRESS_TTL < await scenario.get_ttl("k") <= IDEMPOTENCY_RESPONSE_TTL


@pytest.mark.parametrize("has_response", [False, True])
async def test_another_request_with_the_same_key_is_a_conflict(scenario: IdempotentResponseScenario, has_response: bool) -> None:
    await scenario.responses.acquire_key("k", "hash")
    if has_response:
        await scenario.responses.store_response("k", "hash", "t1", RESPONSE)
    assert await scenario.responses.acquire_key("k", "other") == KeyConflict()


async def test_a_released_key_can_be_acquired(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.responses.release_key("k", "t1")
    assert await scenario.responses.acquire_key("k", "other") == KeyAcquired("t2")


async def test_a_request_that_lost_the_key_changes_nothing(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.client.execute(lambda redis: redis.delete(IDEMPOTENCY.build_key(scenario.client.prefix, "k")))
    await scenario.responses.acquire_key("k", "hash")
    await scenario.responses.release_key("k", "t1")
    await scenario.responses.store_response("k", "hash", "t1", RESPONSE)
    assert await scenario.responses.acquire_key("k", "hash") == KeyInProgress()


async def test_a_response_is_stored_after_the_key_has_expired(scenario: IdempotentResponseScenario) -> None:
    await scenario.responses.acquire_key("k", "hash")
    await scenario.client.execute(lambda redis: redis.delete(IDEMPOTENCY.build_key(scenario.client.prefix, "k")))
    await scenario.responses.store_response("k", "hash", "t1", RESPONSE)
    assert await scenario.responses.acquire_key("k", "hash") == RESPONSE


async def test_each_request_acquires_the_key_while_redis_is_unavailable(scenario: IdempotentResponseScenario) -> None:
    await scenario.proxy.disable()
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
    await scenario.responses.store_response("k", "hash", "t1", RESPONSE)
    await scenario.responses.release_key("k", "t1")
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t2")


async def test_an_invalid_value_is_treated_as_a_new_key(scenario: IdempotentResponseScenario) -> None:
    await scenario.client.execute(lambda redis: redis.set(IDEMPOTENCY.build_key(scenario.client.prefix, "k"), b"\xc1"))
    assert await scenario.responses.acquire_key("k", "hash") == KeyAcquired("t1")
