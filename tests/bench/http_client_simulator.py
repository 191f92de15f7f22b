"""CPU of the HTTP client and of the simulators against each other, as one JSON line.

Run: python -m tests.bench.http_client_simulator [requests] [in flight]
"""

import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from agents.providers.http import HttpLimits, PooledHttpClient
from schemas.ids import DELIVERY_PREFIX, make_id
from schemas.ports import HttpRequest, HttpResponse, HttpResult

_TICK = os.sysconf("SC_CLK_TCK")
_TEXT = "Your order has left our house. " * 20
_HEAD = (
    b"POST /v3/mail/send HTTP/1.1\r\nHost: simulator\r\nAuthorization: Bearer SG.key\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def measure_calibration() -> float:
    """CPU seconds of a fixed piece of work: how fast this host is just now."""
    begun = time.thread_time()
    rows = {str(number): (number, [number]) for number in range(4000)}
    json.loads(json.dumps(rows))
    return time.thread_time() - begun


def read_cpu_seconds(pid: int) -> float:
    """CPU seconds, user and system, of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def build_mail_request(origin: str, number: int) -> HttpRequest:
    """A SendGrid request of about 900 bytes with a delivery id of its own."""
    delivery = make_id(DELIVERY_PREFIX, time.time(), number)
    body = json.dumps(
        {
            "personalizations": [{"to": [{"email": f"user{number}@example.org"}], "custom_args": {"delivery_id": delivery}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": _TEXT}],
        }
    ).encode()
    return HttpRequest(origin, _HEAD % len(body), body)


class ClosedLoopLoad:
    """Keeps a number of requests in flight until all are answered."""

    def __init__(self, client: PooledHttpClient, requests: list[HttpRequest]) -> None:
        self._client, self._requests = client, iter(requests)
        self._left = len(requests)
        self.accepted = 0
        self.calibrations: list[float] = []
        self.completion = asyncio.get_running_loop().create_future()

    def send_next(self) -> None:
        """Send the next request, if there is one."""
        following = next(self._requests, None)
        if following is not None:
            self._client.send(following, self._on_result)

    def _on_result(self, answer: HttpResult) -> None:
        self.accepted += isinstance(answer, HttpResponse) and answer.status_code == 202
        self._left -= 1
        if self._left % 10_000 == 0:
            self.calibrations.append(measure_calibration())
        if self._left:
            self.send_next()
        else:
            self.completion.set_result(None)


async def measure(origin: str, simulator_pid: int, requests: int, in_flight: int) -> dict[str, object]:
    """Send them all and say what it cost."""
    client = PooledHttpClient(HttpLimits(max_connections=in_flight))
    await client.preconnect(origin, in_flight)
    run = ClosedLoopLoad(client, [build_mail_request(origin, number) for number in range(requests)])
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    before, begun, own = read_cpu_seconds(simulator_pid), time.perf_counter(), time.process_time()
    for _ in range(in_flight):
        run.send_next()
    await run.completion
    seconds = time.perf_counter() - begun
    client_us = (time.process_time() - own - sum(run.calibrations)) / requests * 1e6
    simulator_us = (read_cpu_seconds(simulator_pid) - before) / requests * 1e6
    await client.close()
    return {
        "requests": requests,
        "accepted": run.accepted,
        "in_flight": in_flight,
        "client_us": round(client_us, 1),
        "simulator_us": round(simulator_us, 1),
        "per_s": round(requests / seconds),
        "calibration_ms": round(median(run.calibrations) * 1000, 2),
    }


def main() -> None:
    """Start a simulator, measure, print, end the simulator."""
    requests, in_flight = (int(text) for text in (*sys.argv[1:], *("100000", "256")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "dev.simulators", "--port", "0", "--request-log", f"{folder}/requests.jsonl"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulator:
            try:
                assert simulator.stdout is not None
                origin = simulator.stdout.readline().split()[-1]
                print(json.dumps(uvloop.run(measure(origin, simulator.pid, requests, in_flight))))
            finally:
                simulator.terminate()


if __name__ == "__main__":
    main()
