"""Measures the CPU of the HTTP client and of the simulators per request; prints one JSON line.

Run: python -m tests.bench.http_client_simulator [requests] [in flight]
"""

import asyncio
import gc
import json
import subprocess
import sys
import tempfile
import time
from statistics import median

import uvloop

from agents.providers.http import PooledHttpClient
from schemas.http import HttpRequest, HttpResponse, HttpResult
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.bench.cpu_meter import measure_calibration, read_own_cpu_seconds
from tests.settings_builders import build_http_limits

_TEXT = "Your order has left our house. " * 20
_HEAD = (
    b"POST /v3/mail/send HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer SG.key\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def build_mail_request(origin: str, number: int) -> HttpRequest:
    """Build a SendGrid request of about 900 bytes with a unique delivery id."""
    delivery_id = make_id(DELIVERY_PREFIX, time.time(), number)
    body = json.dumps(
        {
            "personalizations": [{"to": [{"email": f"user{number}@example.org"}], "custom_args": {"delivery_id": delivery_id}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": _TEXT}],
        }
    ).encode()
    return HttpRequest(origin, _HEAD % len(body), body)


class ClosedLoopLoad:
    """Keeps a number of requests in flight until all have a result."""

    def __init__(self, client: PooledHttpClient, requests: list[HttpRequest]) -> None:
        self._client, self._requests = client, iter(requests)
        self._pending = len(requests)
        self.accepted = 0
        self.calibrations: list[float] = []
        self.completion = asyncio.get_running_loop().create_future()

    def send_next(self) -> None:
        """Send the next request, if any is left."""
        request = next(self._requests, None)
        if request is not None:
            self._client.send(request, self._on_result)

    def _on_result(self, result: HttpResult) -> None:
        self.accepted += isinstance(result, HttpResponse) and result.status_code == 202
        self._pending -= 1
        if self._pending % 10_000 == 0:
            self.calibrations.append(measure_calibration())
        if self._pending:
            self.send_next()
        else:
            self.completion.set_result(None)


async def measure(origin: str, simulator_pid: int, requests: int, in_flight: int) -> dict[str, object]:
    """Send all requests and compute the CPU microseconds per request."""
    client = PooledHttpClient(build_http_limits(max_connections=in_flight))
    await client.preconnect(origin, in_flight)
    load = ClosedLoopLoad(client, [build_mail_request(origin, number) for number in range(requests)])
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    simulator_start, client_start, started_at = read_own_cpu_seconds(simulator_pid), time.process_time(), time.perf_counter()
    for _ in range(in_flight):
        load.send_next()
    await load.completion
    seconds = time.perf_counter() - started_at
    client_us = (time.process_time() - client_start - sum(load.calibrations)) / requests * 1e6
    simulator_us = (read_own_cpu_seconds(simulator_pid) - simulator_start) / requests * 1e6
    await client.close()
    return {
        "requests": requests,
        "accepted": load.accepted,
        "in_flight": in_flight,
        "client_us": round(client_us, 1),
        "simulator_us": round(simulator_us, 1),
        "per_s": round(requests / seconds),
        "calibration_ms": round(median(load.calibrations) * 1000, 2),
    }


def main() -> None:
    """Start the simulators, measure, print the figures, stop the simulators."""
    requests, in_flight = (int(text) for text in (*sys.argv[1:], *("100000", "256")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "dev.simulators", "--port", "0", "--request-log", f"{directory}/requests.jsonl"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
            try:
                assert simulator.stdout is not None
                origin = simulator.stdout.readline().split()[-1]
                print(json.dumps(uvloop.run(measure(origin, simulator.pid, requests, in_flight))))
            finally:
                simulator.terminate()


if __name__ == "__main__":
    main()
