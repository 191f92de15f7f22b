"""The scenario `sockets`: the memory and CPU of a gateway with 10,000 idle and 200 busy clients of the live view."""

import asyncio
import json
import time
from typing import Any

from schemas.enums import Status
from tests.bench.cpu_meter import CpuMeter, read_resident_mb
from tests.cluster import HeroldCluster
from tests.integration.live.live_client import produce_statuses

IDLE_CLIENTS = 10_000
BUSY_CLIENTS = 200
OPENED_AT_ONCE = 100
EVENTS = 20_000
SECONDS = 10.0
MASK = b"\0\0\0\0"  # masking with zeros leaves the text as it is


class LiveClient(asyncio.Protocol):
    """A WebSocket that sends its request and counts the bytes of its frames; `opened` is done with the first frame."""

    def __init__(self, api_key: str, request: dict[str, Any]) -> None:
        self._api_key, self._request = api_key, json.dumps(request).encode()
        self.opened: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.received = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the handshake."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        lines = (
            "GET /ws HTTP/1.1",
            "host: gateway",
            "upgrade: websocket",
            "connection: upgrade",
            "sec-websocket-version: 13",
            "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
            f"authorization: Bearer {self._api_key}",
        )
        transport.write("\r\n".join((*lines, "", "")).encode())

    def data_received(self, data: bytes) -> None:
        """Answer the handshake with the request, then count."""
        if self.received == 0:
            assert data.startswith(b"HTTP/1.1 101"), data
            self._transport.write(bytes((0x81, 0x80 | len(self._request))) + MASK + self._request)
        elif not self.opened.done():
            self.opened.set_result(data)
        self.received += len(data)

    def close(self) -> None:
        """Close the connection."""
        self._transport.abort()


async def measure_sockets(cluster: HeroldCluster, count: int) -> dict[str, Any]:
    """Open all clients, and let events flow at 2,000 per second; without `count`."""
    await cluster.start_gateway()
    started_mb = read_resident_mb(cluster.processes["gateway"].pid)
    idle = await _open_clients(cluster, IDLE_CLIENTS, {"filter": {"user_id": "nobody"}})
    idle_mb = read_resident_mb(cluster.processes["gateway"].pid)
    busy = await _open_clients(cluster, BUSY_CLIENTS, {})
    meter, before = CpuMeter(cluster.get_pids("gateway")), [client.received for client in busy]
    await _produce(cluster)
    await asyncio.sleep(2.0)
    cores, busy_mb = meter.compute_cores(), read_resident_mb(cluster.processes["gateway"].pid)
    received = [client.received - first for client, first in zip(busy, before, strict=True)]
    for client in idle + busy:
        client.close()
    return {
        "sockets": {
            "clients": len(idle) + len(busy),
            "resident_mb": {"without": started_mb, "idle": idle_mb, "busy": busy_mb},
            "cores_busy": cores["gateway"],
            "kb_per_busy_client": round(min(received) / 1024),
        }
    }


async def _open_clients(cluster: HeroldCluster, count: int, request: dict[str, Any]) -> list[LiveClient]:
    loop, port, key = asyncio.get_running_loop(), cluster.get_port("gateway"), cluster.state.get_secret("api_key")
    clients: list[LiveClient] = []
    for first in range(0, count, OPENED_AT_ONCE):
        opening = (
            loop.create_connection(lambda: LiveClient(key, request), "127.0.0.1", port) for _ in range(min(OPENED_AT_ONCE, count - first))
        )
        clients += [client for _, client in await asyncio.gather(*opening)]
        frames = await asyncio.wait_for(asyncio.gather(*(client.opened for client in clients[first:])), 60)
        assert all(b'"subscribed"' in frame for frame in frames), frames[0]
    return clients


async def _produce(cluster: HeroldCluster) -> None:
    started_at, step = time.monotonic(), EVENTS // 20
    for number in range(20):
        await asyncio.sleep(max(0.0, started_at + number * SECONDS / 20 - time.monotonic()))
        await produce_statuses(cluster, number * step, step, status=Status.DELIVERED)
