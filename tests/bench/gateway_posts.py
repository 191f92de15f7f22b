"""Measures the CPU of the gateway per notification, in single and bulk requests: `python -m tests.bench.gateway_posts [singles] [bulks]`.

Prints one JSON line. Kafka is real; PostgreSQL and Redis are unavailable, so rules and idempotency keys are not checked. The client is
that of the delivery workers.
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

from agents.providers.http import PooledHttpClient
from app.admin.topics import apply_topics
from dev.stack.herold_services import probe_http
from dev.stack.stack_state import pick_free_port
from schemas.http import HttpRequest, HttpResponse, HttpResult
from tests.bench.cpu_meter import CpuMeter, measure_calibration
from tests.server_processes import create_session_dir, get_or_start_server, get_sessions_dir
from tests.settings_builders import build_http_limits, build_kafka_section

API_KEY = "bench" * 8
BULK_ITEMS = 100  # per bulk request
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
    """Build a POST of JSON with the API key."""
    encoded = json.dumps(body).encode()
    lines = (f"POST {path} HTTP/1.1", f"Host: {origin.removeprefix('http://')}", f"X-API-Key: {API_KEY}", f"Content-Length: {len(encoded)}")
    return HttpRequest(origin, ("\r\n".join(lines) + "\r\n\r\n").encode(), encoded)


async def post_all(client: PooledHttpClient, request: HttpRequest, count: int) -> list[int]:
    """Send a request `count` times, IN_FLIGHT at a time; return the status codes, 0 for a request without a response."""
    status_codes: list[int] = []
    done = asyncio.Event()
    unsent = count

    def on_result(result: HttpResult) -> None:
        nonlocal unsent
        status_codes.append(result.status_code if isinstance(result, HttpResponse) else 0)
        if len(status_codes) == count:
            done.set()
        elif unsent:
            unsent -= 1
            client.send(request, on_result)

    unsent -= min(IN_FLIGHT, count)
    for _ in range(min(IN_FLIGHT, count)):
        client.send(request, on_result)
    await done.wait()
    return status_codes


async def measure(pid: int, origin: str, singles: int, bulks: int) -> dict[str, object]:
    """Measure the CPU microseconds of the gateway per notification: the median of three rounds after one to warm up."""
    jobs = {"single": (build_request(origin, "/v1/notifications", BODY), singles, 1)}
    jobs["bulk"] = (build_request(origin, "/v1/notifications/bulk", [BODY] * BULK_ITEMS), bulks, BULK_ITEMS)
    client = PooledHttpClient(build_http_limits(max_connections=IN_FLIGHT))
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    calibrations_ms = []
    for _ in range(ROUNDS + 1):
        for name, (request, count, items) in jobs.items():
            meter = CpuMeter({"gateway": pid})
            status_codes = await post_all(client, request, count)
            assert set(status_codes) == {202}, f"{name}: {sorted(set(status_codes))}"
            measured[name].append((meter.compute_us_per_item(count * items)["gateway"], count * items / meter.wall_seconds))
            calibrations_ms.append(measure_calibration() * 1000)
    await client.close()
    figures = {
        name: {"us": median(us for us, _ in rounds[1:]), "per_s": round(median(rate for _, rate in rounds[1:]))}
        for name, rounds in measured.items()
    }
    return {**figures, "bulk_of": BULK_ITEMS, "calibration_ms": round(median(calibrations_ms), 2)}


@contextmanager
def run_gateway(kafka: str, port: int) -> Iterator[int]:
    """Run a gateway on a port; yields its pid."""
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
    """Create the topics, start a gateway and measure it."""
    await apply_topics(build_kafka_section(kafka, topic_partitions=4))
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
    with create_session_dir(get_sessions_dir()) as directory, get_or_start_server("kafka", directory) as kafka:
        print(json.dumps(uvloop.run(run(kafka, singles, bulks))))


if __name__ == "__main__":
    main()
