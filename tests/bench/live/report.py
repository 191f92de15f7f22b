"""Shows the last results of the scenario `live` as a table, or writes the table and its chart to docs/.

Run: python -m tests.bench.live.report [FILE] [--write BLOCK]
"""

import argparse
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.channels import CHANNEL_NAMES
from tests.bench.live.chart import ChartRow, draw_chart

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "benchmarks.md"
WORKER = "worker"
PROCESSES = ("gateway", "router", WORKER, "recorder", "kafka", "postgres", "valkey")
JSON_BLOCK = re.compile(r"^```json\n(.*?)^```|^(\{\"live_seconds.*\})$", re.MULTILINE | re.DOTALL)


def find_last_results(page: str) -> dict[str, Any]:
    """Find the last results with the scenario in a page or in the output of the bench. Raises ValueError if there are none."""
    blocks = [json.loads(block or line) for block, line in JSON_BLOCK.findall(page)]
    results: list[dict[str, Any]] = [block for block in blocks if "live" in block]
    if not results:
        raise ValueError("no results of the scenario live: run python -m tests.bench --scenarios live first")
    return results[-1]


def merge_workers(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures by process, with the workers of all channels as one."""
    workers = sum(figures.get(channel, 0) for channel in CHANNEL_NAMES)
    return {process: workers if process == WORKER else figures.get(process, 0) for process in PROCESSES}


def build_table(runs: Mapping[str, Any]) -> str:
    """A table in Markdown, one row per run: CPU by process, per notification, and at rest in thousandths of a core."""
    names = (*PROCESSES, "total", "cores", "others", "per s", "p50 / p90 / p99 ms", "wake-ups per s", "calibration")
    rows = [f"| run | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    rows += [_build_row(name, run) for name, run in runs.items()]
    return "\n".join(rows)


def _build_row(name: str, run: Mapping[str, Any]) -> str:
    figures = run["us"] if "us" in run else {process: cores * 1000 for process, cores in run["cores"].items()}
    cells = [f"{figure:,.0f}" for figure in (*merge_workers(figures).values(), figures["total"])]
    latencies = " / ".join(f"{ms:,.0f}" for ms in run["ms"].values()) if "ms" in run else ""
    cells += [f"{run['cores']['total']:.2f}", f"{run['other_cores']:.2f}", f"{run['per_s']:,}" if "per_s" in run else "", latencies]
    cells += [f"{run['wakeups_per_s']['total']:,}", f"{run['calibration_ms']:.1f}"]
    return f"| {name} | {' | '.join(cells)} |"


def build_wakeups_table(runs: Mapping[str, Any]) -> str:
    """A table in Markdown of the wake-ups per second by process."""
    rows = [f"| run | {' | '.join(PROCESSES)} |", "|---" * (len(PROCESSES) + 1) + "|"]
    for name, run in runs.items():
        rows.append(f"| {name} | {' | '.join(f'{figure:,}' for figure in merge_workers(run['wakeups_per_s']).values())} |")
    return "\n".join(rows)


def build_chart_rows(runs: Mapping[str, Any]) -> Sequence[ChartRow]:
    """The rows of the chart."""
    rows = []
    for name, run in runs.items():
        text = f"{run['us']['total']:,} us each" if "us" in run else f"{run['cores']['total']:.2f} cores"
        rows.append(ChartRow(name, merge_workers(run["cores"]), text, list(run.get("ms", {}).values())))
    return rows


def replace_block(page: str, name: str, text: str) -> str:
    """Replace the text between the two comments of a block. Raises ValueError if the page has no such block."""
    start, end = f"<!-- live {name} -->\n", f"<!-- end of live {name} -->"
    if start not in page or end not in page:
        raise ValueError(f"add two lines where the table belongs: {start.strip()} and {end}")
    return page[: page.index(start) + len(start)] + text + page[page.index(end) :]


def main() -> None:
    """Print the tables, and write them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=PAGE, help="page, or output of the bench (default: %(default)s)")
    parser.add_argument("--write", metavar="BLOCK", help="the block of docs/benchmarks.md to replace: before, after, ...")
    options = parser.parse_args()
    runs = find_last_results(options.file.read_text())["live"]
    tables = f"{build_table(runs)}\n\n{build_wakeups_table(runs)}"
    print(tables)
    if options.write:
        chart = DOCS / f"benchmarks-live-{options.write}.svg"
        text = f"![Cores by process and latencies of each run]({chart.name})\n\n{tables}\n"
        PAGE.write_text(replace_block(PAGE.read_text(), options.write, text))
        chart.write_text(draw_chart(f"Single notifications as they come: {options.write}", build_chart_rows(runs)))


if __name__ == "__main__":
    main()
