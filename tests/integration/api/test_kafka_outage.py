"""The gateway beside a broker that freezes and one that dies."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from app.api.settings import GatewaySettings
from tests.integration.api.gateway_client import build_settings, create_topics, open_client, read_notifications
from tests.server_processes import KafkaBroker

URL = "/v1/notifications"
GOOD = {"user_id": "u-42", "type": "order.shipped"}


@pytest.fixture(autouse=True)
def _collect_leaked_connections() -> Iterator[None]:
    """Collects, after the test's loop has ended, the connections that aiokafka 0.14 leaves open when they are given up while they are made.

    A broker that stands still lets them be made for seconds. Whichever test came next would be blamed for them.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
async def gateway_settings(broker: KafkaBroker, prefix: str) -> GatewaySettings:
    """The settings of a gateway on a broker that may be hurt."""
    await broker.wait_until_available()
    await create_topics(broker.url, prefix)
    return build_settings(broker.url, topic_prefix=prefix, produce_timeout=1.0)


async def post_until_accepted(client: httpx.AsyncClient) -> str:
    """The id of the first notification that is accepted; until then every answer is an honest 503."""
    while True:
        answer = await client.post(URL, json=GOOD)
        if answer.status_code == 202:
            return str(answer.json()["id"])
        assert answer.status_code == 503
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_frozen_broker_is_503_and_then_accepts_again(broker: KafkaBroker, gateway_settings: GatewaySettings) -> None:
    async with open_client(gateway_settings) as client:
        sure = [await post_until_accepted(client)]
        async with broker.freeze():
            answers = await asyncio.gather(*(client.post(URL, json=GOOD) for _ in range(20)))
            late = await client.post(URL, json=GOOD)
        sure.append(await post_until_accepted(client))
    assert {answer.status_code for answer in (*answers, late)} == {503}
    await assert_written_once(gateway_settings, sure)


@pytest.mark.slow
async def test_a_gateway_ends_beside_a_frozen_broker(broker: KafkaBroker, gateway_settings: GatewaySettings) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(gateway_settings))
        sure = [await post_until_accepted(client)]
        async with broker.freeze():
            assert (await client.post(URL, json=GOOD)).status_code == 503
            await stack.aclose()
    await assert_written_once(gateway_settings, sure)


@pytest.mark.slow
async def test_a_broker_that_died_and_came_back_is_used_again(broker: KafkaBroker, gateway_settings: GatewaySettings) -> None:
    async with open_client(gateway_settings) as client:
        sure = [await post_until_accepted(client)]
        asked = [asyncio.create_task(client.post(URL, json=GOOD)) for _ in range(20)]
        broker.kill()
        answers = await asyncio.gather(*asked)
        sure += [answer.json()["id"] for answer in answers if answer.status_code == 202]
        sure.append(await post_until_accepted(client))
    assert {answer.status_code for answer in answers} <= {202, 503}
    await assert_written_once(gateway_settings, sure)


async def assert_written_once(given: GatewaySettings, ids: list[str]) -> None:
    """What was answered 202 is in Kafka, once; what was answered 503 may be, at most once."""
    found = [notification.id for _, _, notification in await read_notifications(given.bootstrap_servers, given.topic_prefix)]
    assert set(ids) <= set(found)
    assert len(found) == len(set(found))
