"""Measures the costs of Herold on real servers: `make bench`. The last line is one JSON object, also appended to docs/benchmarks.md.

python -m tests.bench [--scenarios router,look_up,stock,pipeline,latency,load,hanging,workers,scheduler,retries,broadcast,sick,outage,
    sockets,page,lists,live] [--count 200000] [--dry]
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from dev.stack.background import start_supervisor, stop_supervisor, wait_until_ready
from dev.stack.stack import ServerUrls, resolve_server_urls
from dev.stack.stack_state import StackState
from tests.bench import broadcast, hanging_host, lists, live_clients, live_page, retries, scenarios, scheduler, sick_provider, worker_counts
from tests.bench.cpu_meter import CalibrationSampler, StealMeter
from tests.bench.live.report import build_table
from tests.bench.live.runs import RUNS, select_runs
from tests.bench.live.scenario import measure_live
from tests.cluster import HeroldCluster

SCENARIOS: dict[str, Callable[[HeroldCluster, int], Awaitable[dict[str, Any]]]] = {
    "router": scenarios.measure_router_and_recovery,
    "look_up": scenarios.measure_router_with_look_ups,
    "stock": scenarios.measure_stock_router,
    "pipeline": scenarios.measure_pipeline,
    "latency": scenarios.measure_latency,
    "load": scenarios.measure_cores,
    "hanging": hanging_host.measure_hanging_host,
    "workers": worker_counts.measure_worker_counts,
    "scheduler": scheduler.measure_scheduler,
    "retries": retries.measure_retries,
    "broadcast": broadcast.measure_broadcast,
    "sick": sick_provider.measure_sick_provider,
    "outage": sick_provider.measure_outages,
    "sockets": live_clients.measure_sockets,
    "page": live_page.measure_live_page,
    "lists": lists.measure_lists,
}
LIVE = "live"
COUNT = 200_000
COUNTS = {"lists": lists.COUNT}  # of scenarios with another default
ONLY_BY_NAME = frozenset({"lists"})  # half an hour, and 15 GB of disk
ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Start servers, run the scenarios one after the other, append and print the results."""
    options = _parse_options()
    results: dict[str, Any] = {}
    for is_live, names in groupby(options.scenarios.split(","), lambda name: name == LIVE):
        # in quiet traffic the C2 compiler would work for minutes, and its CPU would count as that of the broker
        results |= _run_scenarios(list(names), options, [] if is_live else ["--c2"])
    results = _add_derived_figures(results)
    if LIVE in results:
        print(build_table(results[LIVE]), file=sys.stderr)
    if not options.dry:
        _append_report(results)
    print(json.dumps(results))


def _run_scenarios(names: Sequence[str], options: argparse.Namespace, server_options: Sequence[str]) -> dict[str, Any]:
    """Run scenarios on servers of their own."""
    home = Path(tempfile.mkdtemp(prefix="herold-bench-"))
    home.chmod(0o711)
    results: dict[str, Any] = {}
    supervisor = start_supervisor(home, os.environ, server_options)
    try:
        wait_until_ready(home, supervisor)
        urls = resolve_server_urls(StackState(home), os.environ)
        for name in names:
            results.update(asyncio.run(_run_scenario(name, home, urls, options)))
    finally:
        stop_supervisor(home)
        shutil.rmtree(home, ignore_errors=True)
    return results


def _parse_options() -> argparse.Namespace:
    usual = [name for name in (*SCENARIOS, LIVE) if name not in ONLY_BY_NAME]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", default=",".join(usual), help="comma-separated names (default: %(default)s)")
    parser.add_argument(
        "--count", type=int, help=f"notifications of a backlog (default: {COUNT}), deliveries in lists (default: {lists.COUNT})"
    )
    parser.add_argument("--live-seconds", type=float, default=10.0, help="how long each run of live is measured (default: %(default)s)")
    parser.add_argument("--live-runs", default=",".join(RUNS), help="comma-separated runs of live (default: %(default)s)")
    parser.add_argument("--dry", action="store_true", help="do not append to docs/benchmarks.md")
    return parser.parse_args()


async def _run_scenario(name: str, home: Path, urls: ServerUrls, options: argparse.Namespace) -> dict[str, Any]:
    database_url = await _create_database(urls.database, f"bench_{name}")
    cluster = HeroldCluster(home, replace(urls, database=database_url), f"bench-{name}.")
    try:
        await cluster.create_schema()
        calibration, steal = CalibrationSampler(), StealMeter()
        with calibration.sample():
            if name == LIVE:
                figures = await measure_live(cluster, select_runs(options.live_runs), options.live_seconds)
            else:
                figures = await SCENARIOS[name](cluster, options.count or COUNTS.get(name, COUNT))
    finally:
        await cluster.close()
    figures |= {f"{name}_calibration_ms": calibration.median_ms, f"{name}_stolen": steal.share}
    print(f"{name}: {json.dumps(figures)}", file=sys.stderr, flush=True)
    return figures


async def _create_database(server: str, name: str) -> str:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
    finally:
        await admin.close()
    return f"{server.rsplit('/', 1)[0]}/{name}"


def _add_derived_figures(results: dict[str, Any]) -> dict[str, Any]:
    if "router_us" in results and "stock_us" in results:
        results["stock_ratio"] = round(results["stock_us"] / results["router_us"], 1)
    results["calibration_ms"] = median(figure for name, figure in results.items() if name.endswith("_calibration_ms"))
    return results


def _append_report(results: dict[str, Any]) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    machine = f"{os.cpu_count()} cores {_read_processor_name()}, Python {platform.python_version()}"
    with REPORT.open("a") as report:
        report.write(f"\n### {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, commit {commit}, {machine}\n\n")
        report.write("```json\n" + json.dumps(results, indent=1) + "\n```\n")


def _read_processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


if __name__ == "__main__":
    main()
