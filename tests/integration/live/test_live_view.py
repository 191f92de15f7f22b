"""The live view over WebSocket and server-sent events, on a running gateway with a real Kafka and Valkey."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dev.stack.stack import ServerUrls
from tables.redis.keys import LIVE_SESSION
from tests.cluster import HeroldCluster, wait_until
from tests.integration.live.live_client import (
    TIMEOUT,
    get_headers,
    get_numbers,
    get_ticket,
    open_socket,
    produce_statuses,
    read_frame,
    read_rows,
)

BUFFER = 2000  # records


@pytest.fixture
async def cluster(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> AsyncIterator[HeroldCluster]:
    cluster = HeroldCluster(
        tmp_path, ServerUrls(kafka_url, database_url, redis_url), prefix, HEROLD_GATEWAY_LIVE_BUFFER_RECORDS=str(BUFFER)
    )
    await cluster.create_topics()
    await cluster.start_gateway()
    try:
        yield cluster
    finally:
        await cluster.close()


async def test_a_client_sees_what_it_asked_for(cluster: HeroldCluster) -> None:
    everything, first = await open_socket(cluster, await get_ticket(cluster), sampling=False)
    failed, _ = await open_socket(cluster, filter={"statuses": ["FAILED"], "user_id": "user-7"}, sampling=False)
    assert first["type"] == "subscribed"
    await produce_statuses(cluster, 0, 20, status="FAILED", reason="retries_exhausted")
    rows, _ = await read_rows(everything, 20)
    assert sorted(get_numbers(rows)) == list(range(20))
    (row,), _ = await read_rows(failed, 1)
    assert (row["delivery_id"], row["status"], row["reason"], row["channel"]) == ("dlv_7", "FAILED", "retries_exhausted", "email")
    await failed.send(json.dumps({"filter": {"user_id": "user-101"}, "sampling": False}))
    assert (await read_frame(failed))["type"] == "subscribed"
    await produce_statuses(cluster, 100, 3)
    assert get_numbers((await read_rows(failed, 1))[0]) == [101]
    for socket in (everything, failed):
        await socket.close()


async def test_a_ticket_opens_one_connection(cluster: HeroldCluster) -> None:
    ticket = await get_ticket(cluster)
    socket, _ = await open_socket(cluster, ticket)
    await socket.close()
    for wrong in (ticket, "x" * 64):
        with pytest.raises(InvalidStatus) as refused:
            await open_socket(cluster, wrong)
        assert refused.value.response.status_code == 401
        assert b"/docs#unauthorized" in (refused.value.response.body or b"")


@pytest.mark.parametrize("message", ["nothing", '{"filters": {}}', '{"cursor": "x"}', '{"filter": {"channels": ["fax"]}}'])
async def test_a_message_with_a_mistake_says_which(cluster: HeroldCluster, message: str) -> None:
    socket, _ = await open_socket(cluster)
    await socket.send(message)
    with pytest.raises(ConnectionClosed) as closed:
        await read_frame(socket)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400
    assert closed.value.rcvd.reason


async def test_after_a_kill_of_the_gateway_nothing_is_missing_and_nothing_comes_twice(cluster: HeroldCluster) -> None:
    socket, _ = await open_socket(cluster, sampling=False)
    await produce_statuses(cluster, 0, 500)
    rows, cursor = await read_rows(socket, 300)
    cluster.kill_process("gateway")
    await produce_statuses(cluster, 500, 500)
    await cluster.start_gateway()
    socket, _ = await open_socket(cluster, cursor=cursor, sampling=False)
    await produce_statuses(cluster, 1000, 100)
    rest, _ = await read_rows(socket, 1100 - len(rows))
    assert sorted(get_numbers(rows + rest)) == list(range(1100))
    await socket.close()


async def test_a_client_that_was_away_too_long_learns_how_much_it_missed(cluster: HeroldCluster) -> None:
    socket, first = await open_socket(cluster, sampling=False)
    await socket.close()
    for start in range(0, 5000, 1000):
        await produce_statuses(cluster, start, 1000)
    watcher, _ = await open_socket(cluster, sampling=False)
    await produce_statuses(cluster, 5000, 1)
    # until the gateway has read everything; this client, too, may be too slow for the buffer
    while 5000 not in get_numbers((await read_frame(watcher)).get("rows", [])):
        pass
    socket, _ = await open_socket(cluster, cursor=first["cursor"], sampling=False)
    gap = await read_frame(socket)
    rows, _ = await read_rows(socket, 5001 - gap["missed"])
    assert gap["type"] == "gap"
    assert len(rows) == BUFFER == 5001 - gap["missed"]
    for one in (socket, watcher):
        await one.close()


async def test_a_session_is_taken_up_where_it_was_saved(cluster: HeroldCluster) -> None:
    socket, first = await open_socket(cluster, sampling=False)
    await produce_statuses(cluster, 0, 50)
    _, cursor = await read_rows(socket, 50)
    redis = Redis.from_url(cluster.urls.redis)

    async def is_saved() -> bool:
        value = await redis.get(LIVE_SESSION.build_key(cluster.prefix, first["session"]))
        return value is not None and json.loads(value)["cursor"] == cursor

    await wait_until(is_saved, TIMEOUT, "the session is saved, as it is with each ping", interval=0.1)
    await redis.aclose()
    await socket.close()
    await produce_statuses(cluster, 50, 5)
    socket, _ = await open_socket(cluster, session=first["session"], sampling=False)
    rows, _ = await read_rows(socket, 5)
    assert sorted(get_numbers(rows)) == list(range(50, 55))
    await socket.close()


async def test_a_script_reads_the_events_as_a_stream(cluster: HeroldCluster) -> None:
    url, params = cluster.build_url("gateway", "/v1/live/events"), [("channels", "email"), ("channels", "sms")]
    events: list[dict[str, str]] = []
    async with (
        asyncio.timeout(TIMEOUT),
        httpx.AsyncClient(headers=get_headers(cluster), timeout=TIMEOUT) as client,
        client.stream("GET", url, params=params) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        async for line in response.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "id":
                events.append({})
            if name:
                events[-1][name] = value
            if name == "data" and events[-1]["event"] == "subscribed":
                await produce_statuses(cluster, 0, 3, channel="push")
                await produce_statuses(cluster, 3, 3, channel="sms")
            if sum(len(json.loads(event["data"]).get("rows", [])) for event in events if "data" in event) >= 3:
                break
    rows = [row for event in events for row in json.loads(event["data"]).get("rows", [])]
    assert sorted(get_numbers(rows)) == [3, 4, 5]
    assert all(json.loads(event["data"])["cursor"] == event["id"] for event in events)


async def test_a_wrong_query_and_no_key_are_problems(cluster: HeroldCluster) -> None:
    url = cluster.build_url("gateway", "/v1/live/events")
    async with httpx.AsyncClient(timeout=TIMEOUT) as client:
        assert (await client.get(url)).status_code == 401
        wrong = await client.get(url, params={"chanels": "email"}, headers=get_headers(cluster))
        assert (wrong.status_code, wrong.json()["type"]) == (422, "/docs#invalid")
        assert (await client.get(cluster.build_url("gateway", "/ws"), headers=get_headers(cluster))).status_code == 404
