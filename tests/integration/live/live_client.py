"""Clients of the live view of a running gateway."""

import asyncio
import json
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from schemas.enums import Status
from schemas.events import StatusEvent
from schemas.ids import compute_partition
from schemas.topics import STATUS_TOPIC
from tests.bench import load_generator
from tests.cluster import PARTITIONS, HeroldCluster

TIMEOUT = 60.0  # seconds, after which a test fails


def get_headers(cluster: HeroldCluster) -> dict[str, str]:
    """The header of the API key."""
    return {"authorization": f"Bearer {cluster.state.get_secret('api_key')}"}


async def get_ticket(cluster: HeroldCluster) -> str:
    """A ticket for one connection."""
    async with httpx.AsyncClient(headers=get_headers(cluster), timeout=TIMEOUT) as client:
        response = await client.post(cluster.build_url("gateway", "/v1/live/tickets"))
    return str(response.raise_for_status().json()["ticket"])


async def open_socket(cluster: HeroldCluster, ticket: str = "", **request: Any) -> tuple[ClientConnection, dict[str, Any]]:
    """A connection that has sent its request, and its first frame."""
    url = cluster.build_url("gateway", "/ws").replace("http:", "ws:")
    headers = None if ticket else get_headers(cluster)
    socket = await connect(f"{url}?ticket={ticket}" if ticket else url, additional_headers=headers, open_timeout=TIMEOUT, max_size=None)
    await socket.send(json.dumps(request))
    return socket, await read_frame(socket)


async def read_frame(socket: ClientConnection) -> dict[str, Any]:
    """The next frame that is not a ping."""
    async with asyncio.timeout(TIMEOUT):
        while (frame := json.loads(await socket.recv()))["type"] == "ping":
            pass
    return dict(frame)


async def read_rows(socket: ClientConnection, count: int) -> tuple[list[dict[str, Any]], str]:
    """At least so many rows, and the cursor after them; no frame may say that something is missing."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while len(rows) < count:
        frame = await read_frame(socket)
        assert (frame["type"], frame["skipped"], frame["replaced"]) == ("delta", 0, 0)
        rows += frame["rows"]
        cursor = frame["cursor"]
    return rows, cursor


async def produce_statuses(cluster: HeroldCluster, first: int, count: int, **changes: Any) -> None:
    """Events of deliveries with these numbers, in any order of partitions."""
    producer = load_generator.build_producer(cluster.urls.kafka)
    await producer.start()
    try:
        for number in range(first, first + count):
            fields = {"channel": "email", "status": Status.SENT, "occurred_at": 1.0, "created_at": 1.0, **changes}
            event = StatusEvent(f"dlv_{number}", f"ntf_{number}", f"user-{number}", **fields)
            value, partition = load_generator.encode(event), compute_partition(event.user_id, PARTITIONS)  # type: ignore[arg-type]
            await producer.send(cluster.prefix + STATUS_TOPIC, value, key=event.user_id.encode(), partition=partition)
        await producer.flush()
    finally:
        await producer.stop()


def get_numbers(rows: list[dict[str, Any]]) -> list[int]:
    """The numbers of the deliveries."""
    return [int(row["delivery_id"][4:]) for row in rows]
