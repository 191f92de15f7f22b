"""CPU of the gateway per notification, posted singly and in bulk: `python -m tests.bench.gateway_posts [singles] [bulks]`, one JSON line.

Kafka is real; PostgreSQL and Redis are not there, so rules are not applied and nothing is remembered. The client is the providers' one.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import uvloop

from agents.providers.http import HttpLimits, PooledHttpClient
from app.admin.topics import apply_topics
from dev.stack.herold_services import probe_http
from dev.stack.stack_state import pick_free_port
from schemas.ports import HttpRequest, HttpResponse, HttpResult
from tests.bench.cpu_meter import CpuMeter, measure_calibration
from tests.server_processes import create_session_dir, get_or_start_server, get_sessions_dir

API_KEY = "bench" * 8
BULK_ITEMS = 100  # of a bulk request
IN_FLIGHT = 64
ROUNDS = 3
BODY = {
    "user_id": "u-42",
    "type": "order.shipped",
    "channels": ["email", "push"],
    "data": {"name": "Ann", "order": 17, "items": ["lamp", "chair"], "link": "https://shop.example.org/orders/17"},
    "to": {"email": "ann@example.org"},
    "locale": "de-AT",
    "priority": "low",
}


def build_request(origin: str, path: str, body: object) -> HttpRequest:
    """A POST of JSON with the key."""
    encoded = json.dumps(body).encode()
    lines = (f"POST {path} HTTP/1.1", f"Host: {origin.removeprefix('http://')}", f"X-API-Key: {API_KEY}", f"Content-Length: {len(encoded)}")
    return HttpRequest(origin, ("\r\n".join(lines) + "\r\n\r\n").encode(), encoded)


async def post_all(client: PooledHttpClient, request: HttpRequest, number: int) -> list[int]:
    """The HTTP statuses of so many equal requests, so many in flight at a time; 0 for one without answer."""
    statuses: list[int] = []
    done = asyncio.Event()
    left = number

    def again(answer: HttpResult) -> None:
        nonlocal left
        statuses.append(answer.status_code if isinstance(answer, HttpResponse) else 0)
        if len(statuses) == number:
            done.set()
        elif left:
            left -= 1
            client.send(request, again)

    left -= min(IN_FLIGHT, number)
    for _ in range(min(IN_FLIGHT, number)):
        client.send(request, again)
    await done.wait()
    return statuses


async def measure(pid: int, origin: str, singles: int, bulks: int) -> dict[str, object]:
    """CPU microseconds of the gateway per notification, medians of three rounds after one to warm up."""
    jobs = {"single": (build_request(origin, "/v1/notifications", BODY), singles, 1)}
    jobs["bulk"] = (build_request(origin, "/v1/notifications/bulk", [BODY] * BULK_ITEMS), bulks, BULK_ITEMS)
    client = PooledHttpClient(HttpLimits(max_connections=IN_FLIGHT))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    calibration = []
    for _ in range(ROUNDS + 1):
        for name, (prepared, number, items) in jobs.items():
            spent = CpuMeter({"gateway": pid})
            statuses = await post_all(client, prepared, number)
            assert set(statuses) == {202}, f"{name}: {sorted(set(statuses))}"
            found[name].append((spent.compute_us_per_item(number * items)["gateway"], number * items / spent.wall_seconds))
            calibration.append(measure_calibration() * 1000)
    await client.close()
    each = {
        name: {"us": median(us for us, _ in rounds[1:]), "per_s": round(median(rate for _, rate in rounds[1:]))}
        for name, rounds in found.items()
    }
    return {**each, "bulk_of": BULK_ITEMS, "calibration_ms": round(median(calibration), 2)}


@contextmanager
def run_gateway(kafka: str, port: int) -> Iterator[int]:
    """The process id of a gateway on that port."""
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "HEROLD_GATEWAY_PORT": str(port),
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_SERVICE_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "app.api"], env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def run(kafka: str, singles: int, bulks: int) -> dict[str, object]:
    """Topics, a gateway, and the figures."""
    await apply_topics(kafka, "", 4, 1, 1)
    port = pick_free_port(set())
    with run_gateway(kafka, port) as pid:
        while True:
            try:
                await probe_http(port, "/readyz")
                break
            except OSError:
                await asyncio.sleep(0.1)
        return await measure(pid, f"http://127.0.0.1:{port}", singles, bulks)


def main() -> None:
    """Print the figures as one JSON object."""
    singles, bulks = (int(word) for word in (*sys.argv[1:], "4000", "200")[:2])
    with create_session_dir(get_sessions_dir()) as folder, get_or_start_server("kafka", folder) as kafka:
        print(json.dumps(uvloop.run(run(kafka, singles, bulks))))


if __name__ == "__main__":
    main()
