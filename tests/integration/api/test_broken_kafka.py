"""The gateway beside a broker that freezes and one that dies."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil
import pytest

from app.local.launch import await_ready, launch
from app.local.processes import Processes
from app.local.stack import urls_of
from app.local.state import State
from tests.integration.api.live import client_of, make_topics, settings, written

URL = "/v1/notifications"
GOOD = {"user_id": "u-42", "type": "order.shipped"}


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The home of a broker that this test alone may hurt; it comes back after a crash."""
    home = tmp_path / "home"
    env = {name: value for name, value in os.environ.items() if name != "KAFKA_BOOTSTRAP_SERVERS"}
    with launch(home, env, ["--only", "kafka"], until_eof=True) as child:
        await_ready(home, child)
        yield home
        assert child.stdin is not None
        child.stdin.close()
        child.wait()


def broker(home: Path) -> psutil.Process:
    process = Processes(home).read()["kafka"].process()
    assert process is not None
    return process


async def accepted(client: httpx.AsyncClient) -> str:
    """The id of the first notification that is accepted; until then every answer is an honest 503."""
    while True:
        answer = await client.post(URL, json=GOOD)
        if answer.status_code == 202:
            return str(answer.json()["id"])
        assert answer.status_code == 503
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_a_frozen_broker_is_503_and_then_accepts_again(home: Path) -> None:
    kafka = urls_of(State(home), {}).kafka
    await make_topics(kafka, "")
    async with client_of(settings(kafka, produce_timeout=1.0)) as client:
        sure = [await accepted(client)]
        frozen = await freeze(home)
        try:
            answers = await asyncio.gather(*(client.post(URL, json=GOOD) for _ in range(20)))
            late = await client.post(URL, json=GOOD)
        finally:
            frozen.resume()
        sure.append(await accepted(client))
    assert {answer.status_code for answer in (*answers, late)} == {503}
    await all_once(kafka, sure)


@pytest.mark.slow
async def test_a_gateway_ends_beside_a_frozen_broker(home: Path) -> None:
    kafka = urls_of(State(home), {}).kafka
    await make_topics(kafka, "")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(client_of(settings(kafka, produce_timeout=1.0)))
        sure = [await accepted(client)]
        frozen = await freeze(home)
        try:
            assert (await client.post(URL, json=GOOD)).status_code == 503
            await stack.aclose()
        finally:
            frozen.resume()
    await all_once(kafka, sure)


@pytest.mark.slow
async def test_a_broker_that_died_and_came_back_is_used_again(home: Path) -> None:
    kafka = urls_of(State(home), {}).kafka
    await make_topics(kafka, "")
    async with client_of(settings(kafka, produce_timeout=1.0)) as client:
        sure = [await accepted(client)]
        asked = [asyncio.create_task(client.post(URL, json=GOOD)) for _ in range(20)]
        broker(home).kill()
        answers = await asyncio.gather(*asked)
        sure += [answer.json()["id"] for answer in answers if answer.status_code == 202]
        sure.append(await accepted(client))
    assert {answer.status_code for answer in answers} <= {202, 503}
    await all_once(kafka, sure)


async def freeze(home: Path) -> psutil.Process:
    """The broker, stopped in mid-air."""
    process = broker(home)
    process.suspend()
    while process.status() != psutil.STATUS_STOPPED:
        await asyncio.sleep(0)
    return process


async def all_once(kafka: str, ids: list[str]) -> None:
    """What was answered 202 is in Kafka, once; what was answered 503 may be, at most once."""
    found = [notification.id for _, _, notification in await written(kafka, "")]
    assert set(ids) <= set(found)
    assert len(found) == len(set(found))
