"""CPU of the HTTP client and of the twins against each other: `python -m tests.bench.http_pair [requests] [in flight]`, one JSON line."""

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

from agents.providers.http import Limits, PoolClient
from schemas.ids import DELIVERY, new_id
from schemas.ports import Answer, Answered, Prepared

_TICK = os.sysconf("SC_CLK_TCK")
_TEXT = "Your order has left our house. " * 20
_HEAD = (
    b"POST /v3/mail/send HTTP/1.1\r\nHost: twin\r\nAuthorization: Bearer SG.key\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


def calibration() -> float:
    """CPU seconds of a fixed piece of work: how fast this host is just now."""
    begun = time.thread_time()
    rows = {str(number): (number, [number]) for number in range(4000)}
    json.loads(json.dumps(rows))
    return time.thread_time() - begun


def cpu_of(pid: int) -> float:
    """CPU seconds, user and system, of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def mail(origin: str, number: int) -> Prepared:
    """A SendGrid request of about 900 bytes with a delivery id of its own."""
    delivery = new_id(DELIVERY, time.time(), number)
    body = json.dumps(
        {
            "personalizations": [{"to": [{"email": f"user{number}@example.org"}], "custom_args": {"delivery_id": delivery}}],
            "from": {"email": "shop@example.org"},
            "subject": "Shipped",
            "content": [{"type": "text/plain", "value": _TEXT}],
        }
    ).encode()
    return Prepared(origin, _HEAD % len(body), body)


class Run:
    """Keeps a number of requests in flight until all are answered."""

    def __init__(self, client: PoolClient, requests: list[Prepared]) -> None:
        self._client, self._requests = client, iter(requests)
        self._left = len(requests)
        self.accepted = 0
        self.calibrations: list[float] = []
        self.ended = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """Send the next request, if there is one."""
        following = next(self._requests, None)
        if following is not None:
            self._client.send(following, self._on_answer)

    def _on_answer(self, answer: Answer) -> None:
        self.accepted += isinstance(answer, Answered) and answer.status == 202
        self._left -= 1
        if self._left % 10_000 == 0:
            self.calibrations.append(calibration())
        if self._left:
            self.begin()
        else:
            self.ended.set_result(None)


async def measure(origin: str, twin: int, requests: int, in_flight: int) -> dict[str, object]:
    """Send them all and say what it cost."""
    client = PoolClient(Limits(connections=in_flight))
    await client.warm(origin, in_flight)
    run = Run(client, [mail(origin, number) for number in range(requests)])
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    before, begun, own = cpu_of(twin), time.perf_counter(), time.process_time()
    for _ in range(in_flight):
        run.begin()
    await run.ended
    seconds = time.perf_counter() - begun
    client_us = (time.process_time() - own - sum(run.calibrations)) / requests * 1e6
    twin_us = (cpu_of(twin) - before) / requests * 1e6
    await client.close()
    return {
        "requests": requests,
        "accepted": run.accepted,
        "in_flight": in_flight,
        "client_us": round(client_us, 1),
        "twin_us": round(twin_us, 1),
        "per_s": round(requests / seconds),
        "calibration_ms": round(median(run.calibrations) * 1000, 2),
    }


def main() -> None:
    """Start a twin, measure, print, end the twin."""
    requests, in_flight = (int(text) for text in (*sys.argv[1:], *("100000", "256")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "twins", "--port", "0", "--ledger", f"{folder}/ledger.jsonl"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as twin:
            try:
                assert twin.stdout is not None
                origin = twin.stdout.readline().split()[-1]
                print(json.dumps(uvloop.run(measure(origin, twin.pid, requests, in_flight))))
            finally:
                twin.terminate()


if __name__ == "__main__":
    main()
