"""What Herold costs, on real servers: `make bench`; the last line is one JSON object, appended to docs/benchmarks.md as well.

python -m tests.bench [--parts router,stock,pipeline,latency,load] [--many 200000] [--dry]
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
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from app.local.launch import await_ready, bring_down, launch
from app.local.stack import Urls, urls_of
from app.local.state import State
from tests.bench import parts
from tests.bench.meter import Calibration, Stolen
from tests.stand import Stand

PARTS: dict[str, Callable[[Stand, int], Awaitable[dict[str, Any]]]] = {
    "router": parts.router_and_recovery,
    "stock": parts.stock,
    "pipeline": parts.pipeline,
    "latency": parts.latency,
    "load": parts.load,
}
ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "benchmarks.md"


def main() -> None:
    """Start servers, run the parts one after the other, say and append what came out."""
    options = _options()
    home = Path(tempfile.mkdtemp(prefix="herold-bench-"))
    home.chmod(0o711)
    results: dict[str, Any] = {}
    child = launch(home, os.environ, ["--c2"])
    try:
        await_ready(home, child)
        urls = urls_of(State(home), os.environ)
        for name in options.parts.split(","):
            results.update(asyncio.run(_part(name, home, urls, options.many)))
    finally:
        bring_down(home)
        shutil.rmtree(home, ignore_errors=True)
    results = _derived(results)
    if not options.dry:
        _append(results)
    print(json.dumps(results))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--many", type=int, default=200_000)
    parser.add_argument("--dry", action="store_true", help="do not append to docs/benchmarks.md")
    return parser.parse_args()


async def _part(name: str, home: Path, urls: Urls, many: int) -> dict[str, Any]:
    stand = Stand(home, replace(urls, database=await _own_database(urls.database, f"bench_{name}")), f"bench-{name}.")
    try:
        await stand.prepare()
        calibration, stolen = Calibration(), Stolen()
        with calibration.sampling():
            found = await PARTS[name](stand, many)
    finally:
        await stand.close()
    found |= {f"{name}_calibration_ms": calibration.milliseconds, f"{name}_stolen": stolen.share}
    print(f"{name}: {json.dumps(found)}", file=sys.stderr, flush=True)
    return found


async def _own_database(server: str, name: str) -> str:
    admin = await asyncpg.connect(server)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
    finally:
        await admin.close()
    return f"{server.rsplit('/', 1)[0]}/{name}"


def _derived(results: dict[str, Any]) -> dict[str, Any]:
    if "router_us" in results and "stock_us" in results:
        results["stock_ratio"] = round(results["stock_us"] / results["router_us"], 1)
    results["calibration_ms"] = median(figure for name, figure in results.items() if name.endswith("_calibration_ms"))
    return results


def _append(results: dict[str, Any]) -> None:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    machine = f"{os.cpu_count()} cores {_processor()}, Python {platform.python_version()}"
    with REPORT.open("a") as report:
        report.write(f"\n### {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, commit {commit}, {machine}\n\n")
        report.write("```json\n" + json.dumps(results, indent=1) + "\n```\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown processor")


if __name__ == "__main__":
    main()
