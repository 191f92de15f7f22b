"""The gateway while its broker freezes, and while it is killed."""

import asyncio
import gc
import warnings
from collections.abc import Iterator
from contextlib import AsyncExitStack

import httpx
import msgspec
import pytest

from app.settings import Settings
from tests.integration.api.gateway_client import build_settings, create_topics, open_client, read_notifications
from tests.server_processes import KafkaBroker

URL = "/v1/notifications"
SUBMISSION = {"user_id": "u-42", "type": "order.shipped"}


@pytest.fixture(autouse=True)
def _collect_leaked_connections() -> Iterator[None]:
    """Collects the connections that aiokafka 0.14 leaves open when connecting to a frozen broker is cancelled.

    Otherwise a later test would fail with their ResourceWarning.
    """
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
async def gateway_settings(broker: KafkaBroker, prefix: str) -> Settings:
    """The settings of a gateway on a broker that the test may freeze or kill."""
    await broker.wait_until_available()
    await create_topics(broker.url, prefix)
    return build_settings(broker.url, topic_prefix=prefix, produce_timeout=1.0)


async def post_until_accepted(client: httpx.AsyncClient) -> str:
    """The id of the first accepted notification; every response before it is a 503."""
    while True:
        response = await client.post(URL, json=SUBMISSION)
        if response.status_code == 202:
            return str(response.json()["id"])
        assert response.status_code == 503
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_notifications_are_503_while_the_broker_is_frozen(broker: KafkaBroker, gateway_settings: Settings) -> None:
    async with open_client(gateway_settings) as client:
        accepted = [await post_until_accepted(client)]
        async with broker.freeze():
            responses = await asyncio.gather(*(client.post(URL, json=SUBMISSION) for _ in range(20)))
            late = await client.post(URL, json=SUBMISSION)
        accepted.append(await post_until_accepted(client))
    assert {response.status_code for response in (*responses, late)} == {503}
    await assert_written_once(gateway_settings, accepted)


@pytest.mark.slow
async def test_a_gateway_shuts_down_while_the_broker_is_frozen(broker: KafkaBroker, gateway_settings: Settings) -> None:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(open_client(gateway_settings))
        accepted = [await post_until_accepted(client)]
        async with broker.freeze():
            assert (await client.post(URL, json=SUBMISSION)).status_code == 503
            await stack.aclose()
    await assert_written_once(gateway_settings, accepted)


@pytest.mark.slow
async def test_a_restarted_broker_is_used_again(broker: KafkaBroker, gateway_settings: Settings) -> None:
    async with open_client(gateway_settings) as client:
        accepted = [await post_until_accepted(client)]
        requests = [asyncio.create_task(client.post(URL, json=SUBMISSION)) for _ in range(20)]
        broker.kill()
        responses = await asyncio.gather(*requests)
        accepted += [response.json()["id"] for response in responses if response.status_code == 202]
        accepted.append(await post_until_accepted(client))
    assert {response.status_code for response in responses} <= {202, 503}
    await assert_written_once(gateway_settings, accepted)


@pytest.mark.slow
async def test_nobody_waits_for_a_broker_that_is_away(broker: KafkaBroker, gateway_settings: Settings) -> None:
    """With a time limit that the test would not survive, the requests end by what the gateway finds out."""
    patient = msgspec.structs.replace(gateway_settings, gateway=msgspec.structs.replace(gateway_settings.gateway, produce_timeout=3600.0))
    async with open_client(patient) as client:
        accepted = [await post_until_accepted(client)]
        async with broker.freeze():
            responses = await asyncio.gather(*(client.post(URL, json=SUBMISSION) for _ in range(20)))
            late = await client.post(URL, json=SUBMISSION)
        accepted.append(await post_until_accepted(client))
    assert {response.status_code for response in (*responses, late)} == {503}
    assert late.headers["retry-after"] == str(late.json()["retry_after"])
    await assert_written_once(gateway_settings, accepted)


async def assert_written_once(settings: Settings, accepted: list[str]) -> None:
    """Check that Kafka has the accepted notifications, and no notification twice: one with a 503 may be written once."""
    kafka = settings.kafka
    written = [notification.id for _, _, notification in await read_notifications(kafka.bootstrap_servers, kafka.topic_prefix)]
    assert set(accepted) <= set(written)
    assert len(written) == len(set(written))
