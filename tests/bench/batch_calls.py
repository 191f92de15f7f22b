"""Measures what calls for several e-mails save: CPU microseconds per e-mail of the deliverer with its HTTP client, and of the simulator.

In turns, with one content: a call for each, and calls for up to 500; and different contents with calls for up to 500. The least of each
counts. Kafka, tables and outbox are left out. Prints one JSON line.
Run: python -m tests.bench.batch_calls [e-mails]
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
from tests.bench.cpu_meter import measure_calibration, read_own_cpu_seconds
from tests.bench.delivery_step import CountingBatchHandle, build_batches, build_deliverer, iterate_handles
from tests.settings_builders import build_http_limits

TURNS = 3
CASES = {"single": (1, True), "together": (500, True), "different": (500, False)}


async def measure(url: str, simulator_pid: int, emails: int, max_per_call: int, is_same: bool) -> tuple[float, float]:
    """CPU microseconds per e-mail of this process and of the simulator."""
    handles, client = build_batches(emails, is_same=is_same), PooledHttpClient(build_http_limits())
    deliverer, acked = build_deliverer(max_per_call, client, url), CountingBatchHandle.acked
    gc.collect()
    simulator_before, before = read_own_cpu_seconds(simulator_pid), time.process_time()
    await deliverer.run(iterate_handles(handles))
    while CountingBatchHandle.acked - acked < len(handles):
        await asyncio.sleep(0.005)
    own = time.process_time() - before
    simulator = read_own_cpu_seconds(simulator_pid) - simulator_before
    await client.close()
    return own / emails * 1e6, simulator / emails * 1e6


def main() -> None:
    """Start the simulator, measure in turns, and print the figures."""
    emails = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    calibrations: list[float] = []
    least = {name: (float("inf"), float("inf")) for name in CASES}
    with tempfile.TemporaryDirectory() as directory:
        argv = [sys.executable, "-m", "dev.simulators", "--port", "0", "--request-log", f"{directory}/requests.jsonl"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as simulator:
            try:
                assert simulator.stdout is not None
                url = simulator.stdout.readline().split()[-1]
                gc.freeze()
                gc.set_threshold(100_000, 50, 100)
                for _ in range(TURNS):
                    calibrations += [measure_calibration() for _ in range(3)]
                    for name, (max_per_call, is_same) in CASES.items():
                        found = uvloop.run(measure(url, simulator.pid, emails, max_per_call, is_same))
                        least[name] = min(least[name][0], found[0]), min(least[name][1], found[1])
            finally:
                simulator.terminate()
    figures = {name: {"worker_us": round(own, 1), "simulator_us": round(other, 1)} for name, (own, other) in least.items()}
    print(json.dumps({"emails": emails, **figures, "calibration_ms": round(median(calibrations) * 1000, 2)}))


if __name__ == "__main__":
    main()
