"""Measures the CPU of the gateway per notification, in single and bulk requests: `python -m tests.bench.gateway_posts [singles] [bulks]`.

Prints one JSON line. Kafka, PostgreSQL and Valkey are real, so rules, templates and Idempotency-Keys are checked. `bare` is an ASGI app
on the same server that responds without doing anything: what a request costs at least. The client is that of the delivery workers.
"""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import uvicorn
import uvloop

from agents.providers.http import PooledHttpClient
from app.admin.database import upgrade_database
from app.admin.topics import apply_topics
from app.api.http_protocol import build_protocol_class
from dev.stack.herold_services import probe_http
from dev.stack.stack_state import pick_free_port
from schemas.http import HttpRequest, HttpResponse, HttpResult
from tests.bench.cpu_meter import CpuMeter, measure_calibration
from tests.server_processes import create_session_dir, get_or_start_server, get_sessions_dir
from tests.settings_builders import DEFAULT_SETTINGS, build_http_limits, build_kafka_section

API_KEY = "bench" * 8
BULK_ITEMS = 100  # per bulk request
IN_FLIGHT = 32
ROUNDS = 3
BODY = {
    "user_id": "u-42",
    "type": "partner.order-webhook",
    "data": {"name": "Ann", "order": 17, "items": ["lamp", "chair"], "link": "https://shop.example.org/orders/17"},
    "to": {"webhook": "https://hooks.example.org/orders"},
    "locale": "de-AT",
}
_numbers = itertools.count()


def build_request(origin: str, path: str, body: object, *, has_key: bool = False) -> HttpRequest:
    """Build a POST of JSON with the API key, and with an Idempotency-Key that no other request has."""
    encoded = json.dumps(body).encode()
    host = origin.removeprefix("http://")
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"X-API-Key: {API_KEY}", "Content-Type: application/json"]
    lines.append(f"Content-Length: {len(encoded)}")
    if has_key:
        lines.append(f"Idempotency-Key: {os.getpid()}-{next(_numbers)}")
    return HttpRequest(origin, ("\r\n".join(lines) + "\r\n\r\n").encode(), encoded)


async def post_all(client: PooledHttpClient, requests: Sequence[HttpRequest]) -> list[int]:
    """Send the requests, IN_FLIGHT at a time; return the status codes, 0 for a request without a response."""
    status_codes: list[int] = []
    done = asyncio.Event()
    unsent = iter(requests)

    def send_next() -> None:
        if (request := next(unsent, None)) is not None:
            client.send(request, on_result)

    def on_result(result: HttpResult) -> None:
        status_codes.append(result.status_code if isinstance(result, HttpResponse) else 0)
        if len(status_codes) == len(requests):
            done.set()
        send_next()

    for _ in range(IN_FLIGHT):
        send_next()
    await done.wait()
    return status_codes


def build_jobs(origin: str, bare_origin: str, singles: int, bulks: int) -> dict[str, tuple[str, list[HttpRequest], int]]:
    """Build the jobs: the process that is measured, the requests, and the notifications of each."""
    path, users = "/v1/notifications", [{**BODY, "user_id": f"u-{n}"} for n in range(BULK_ITEMS)]
    bodies = [users[n % BULK_ITEMS] for n in range(singles)]
    return {
        "single": ("gateway", [build_request(origin, path, body) for body in bodies], 1),
        "single_with_key": ("gateway", [build_request(origin, path, body, has_key=True) for body in bodies], 1),
        "bulk": ("gateway", [build_request(origin, path + "/bulk", users)] * bulks, BULK_ITEMS),
        "bare": ("bare", [build_request(bare_origin, path, BODY)] * singles, 1),
    }


async def measure(pids: dict[str, int], origin: str, bare_origin: str, singles: int, bulks: int) -> dict[str, object]:
    """Measure the CPU microseconds per notification of each job: the median of three rounds after one to warm up."""
    client = PooledHttpClient(build_http_limits(max_connections=IN_FLIGHT))
    measured: dict[str, list[tuple[float, float]]] = {}
    calibrations_ms = []
    for _ in range(ROUNDS + 1):
        for name, (process, requests, items) in build_jobs(origin, bare_origin, singles, bulks).items():
            meter = CpuMeter(pids)
            status_codes = await post_all(client, requests)
            assert set(status_codes) == {202}, f"{name}: {sorted(set(status_codes))}"
            count = len(requests) * items
            measured.setdefault(name, []).append((meter.compute_us_per_item(count)[process], count / meter.wall_seconds))
            calibrations_ms.append(measure_calibration() * 1000)
    await client.close()
    figures = {
        name: {"us": median(us for us, _ in rounds[1:]), "per_s": round(median(rate for _, rate in rounds[1:]))}
        for name, rounds in measured.items()
    }
    return {**figures, "bulk_of": BULK_ITEMS, "calibration_ms": round(median(calibrations_ms), 2)}


@contextmanager
def run_process(*arguments: str, **env: str) -> Iterator[int]:
    """Run a Python process; yields its pid."""
    process = subprocess.Popen([sys.executable, *arguments], env={**os.environ, **env}, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def run(urls: dict[str, str], directory: Path, singles: int, bulks: int) -> dict[str, object]:
    """Create the topics and the schema, start a gateway and the bare app, and measure them."""
    await apply_topics(build_kafka_section(urls["kafka"], topic_partitions=4))
    await upgrade_database(urls["postgres"], time.time())
    port = pick_free_port(set())
    bare_port = pick_free_port({port})
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": urls["kafka"],
        "DATABASE_URL": urls["postgres"],
        "REDIS_URL": urls["valkey"],
        "HEROLD_GATEWAY_PORT": str(port),
        "HEROLD_GATEWAY_API_KEY": API_KEY,
        "HEROLD_WORKER_DATA_DIR": str(directory / "data"),
    }
    with run_process("-m", "app.api", **settings) as gateway_pid, run_process("-m", __spec__.name, "--bare", str(bare_port)) as bare_pid:
        for each, path in ((port, "/readyz"), (bare_port, "/")):
            while True:
                try:
                    await probe_http(each, path)
                    break
                except OSError:
                    await asyncio.sleep(0.1)
        pids = {"gateway": gateway_pid, "bare": bare_pid}
        return await measure(pids, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{bare_port}", singles, bulks)


async def respond(scope: Any, receive: Any, send: Any) -> None:
    """Read a request as the gateway does, and respond with a body of the size of its own."""
    while (await receive()).get("more_body"):
        pass
    body = b"x" * 85
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200 if scope["method"] == "GET" else 202, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    """Print the figures as one JSON object, or serve the bare app."""
    if sys.argv[1:2] == ["--bare"]:
        protocol = build_protocol_class(DEFAULT_SETTINGS.gateway)
        uvicorn.run(
            respond, port=int(sys.argv[2]), loop="uvloop", http=protocol, ws="none", lifespan="off", access_log=False, log_config=None
        )
        return
    singles, bulks = (int(word) for word in (*sys.argv[1:], "4000", "200")[:2])
    with create_session_dir(get_sessions_dir()) as directory, ExitStack() as stack:
        urls = {name: stack.enter_context(get_or_start_server(name, directory)) for name in ("kafka", "postgres", "valkey")}
        print(json.dumps(uvloop.run(run(urls, directory, singles, bulks))))


if __name__ == "__main__":
    main()
