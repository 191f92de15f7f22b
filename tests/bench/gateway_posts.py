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

from agents.providers.http import Limits, PoolClient
from app.local.state import pick_port
from app.topics import apply
from app.up import answers
from schemas.ports import Answer, Answered, Prepared
from tests.bench.meter import Spent, fixed_work
from tests.servers import server, session_folder, sessions_folder

KEY = "bench" * 8
ITEMS = 100  # of a bulk request
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


def request(origin: str, path: str, body: object) -> Prepared:
    """A POST of JSON with the key."""
    encoded = json.dumps(body).encode()
    lines = (f"POST {path} HTTP/1.1", f"Host: {origin.removeprefix('http://')}", f"X-API-Key: {KEY}", f"Content-Length: {len(encoded)}")
    return Prepared(origin, ("\r\n".join(lines) + "\r\n\r\n").encode(), encoded)


async def posted(client: PoolClient, prepared: Prepared, number: int) -> list[int]:
    """The HTTP statuses of so many equal requests, so many in flight at a time; 0 for one without answer."""
    statuses: list[int] = []
    done = asyncio.Event()
    left = number

    def again(answer: Answer) -> None:
        nonlocal left
        statuses.append(answer.status if isinstance(answer, Answered) else 0)
        if len(statuses) == number:
            done.set()
        elif left:
            left -= 1
            client.send(prepared, again)

    left -= min(IN_FLIGHT, number)
    for _ in range(min(IN_FLIGHT, number)):
        client.send(prepared, again)
    await done.wait()
    return statuses


async def measured(pid: int, origin: str, singles: int, bulks: int) -> dict[str, object]:
    """CPU microseconds of the gateway per notification, medians of three rounds after one to warm up."""
    jobs = {"single": (request(origin, "/v1/notifications", BODY), singles, 1)}
    jobs["bulk"] = (request(origin, "/v1/notifications/bulk", [BODY] * ITEMS), bulks, ITEMS)
    client = PoolClient(Limits(connections=IN_FLIGHT))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    calibration = []
    for _ in range(ROUNDS + 1):
        for name, (prepared, number, items) in jobs.items():
            spent = Spent({"gateway": pid})
            statuses = await posted(client, prepared, number)
            assert set(statuses) == {202}, f"{name}: {sorted(set(statuses))}"
            found[name].append((spent.per(number * items)["gateway"], number * items / spent.wall))
            calibration.append(fixed_work() * 1000)
    await client.close()
    each = {
        name: {"us": median(us for us, _ in rounds[1:]), "per_s": round(median(rate for _, rate in rounds[1:]))}
        for name, rounds in found.items()
    }
    return {**each, "bulk_of": ITEMS, "calibration_ms": round(median(calibration), 2)}


@contextmanager
def gateway(kafka: str, port: int) -> Iterator[int]:
    """The process id of a gateway on that port."""
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "REDIS_URL": "redis://127.0.0.1:1",
        "HEROLD_GATEWAY_PORT": str(port),
        "HEROLD_GATEWAY_API_KEY": KEY,
        "HEROLD_HEROLD_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen([sys.executable, "-m", "app.api"], env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


async def run(kafka: str, singles: int, bulks: int) -> dict[str, object]:
    """Topics, a gateway, and the figures."""
    await apply(kafka, "", 4, 1, 1)
    port = pick_port(set())
    with gateway(kafka, port) as pid:
        while True:
            try:
                await answers(port, "/readyz")
                break
            except OSError:
                await asyncio.sleep(0.1)
        return await measured(pid, f"http://127.0.0.1:{port}", singles, bulks)


def main() -> None:
    """Print the figures as one JSON object."""
    singles, bulks = (int(word) for word in (*sys.argv[1:], "4000", "200")[:2])
    with session_folder(sessions_folder()) as folder, server("kafka", folder) as kafka:
        print(json.dumps(uvloop.run(run(kafka, singles, bulks))))


if __name__ == "__main__":
    main()
