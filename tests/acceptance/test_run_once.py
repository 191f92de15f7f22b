"""`make run ONCE=1`: the sample passes the whole pipeline, every line ends as expected, and the last line is the result."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from dev.stack.stack import ServerUrls

KEYS = {"submitted", "final", "in_flight", "lost", "mismatches", "duplicates", "seconds"}


async def run_once(home: Path, *options: str, **env: str) -> tuple[int | None, list[str]]:
    """The exit code and the lines of `herold up --sample --once` with these options."""
    herold = Path(sys.executable).with_name("herold")
    process_env = {**os.environ, "HEROLD_HOME": str(home), **env}
    process = await asyncio.create_subprocess_exec(
        herold, "up", "--sample", "--once", *options, env=process_env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(400):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, output.decode().splitlines()


def check_output(exit_code: int | None, lines: list[str]) -> None:
    """The run succeeded, without a traceback, and its tables and its last line are complete."""
    output = "\n".join(lines)
    assert exit_code == 0, output[-6000:]
    assert "Traceback" not in output
    result = json.loads(lines[-1])
    assert set(result) == KEYS
    assert [result[key] for key in ("submitted", "in_flight", "lost", "mismatches", "duplicates")] == [1000, 0, 0, 0, 0]
    tables = "\n".join(line for line in lines[:-1] if "|" not in line)  # without the JSON and the logs of processes
    for word in ("routed", "rejected", "unprocessable", "replayed", "dead", "SENT", "p50", "p99"):
        assert word in tables, f"{word} is missing from the tables"
    assert "/docs" not in tables, "the stack has stopped: there is nothing to open"


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_embedded_servers_and_a_second_run_in_the_same_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        check_output(*await run_once(home))


@pytest.mark.slow
async def test_external_servers(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> None:
    urls = ServerUrls(kafka_url, database_url, redis_url)
    env = {"KAFKA_BOOTSTRAP_SERVERS": urls.kafka, "DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
    exit_code, lines = await run_once(tmp_path / "home", HEROLD_KAFKA_TOPIC_PREFIX=prefix, **env)
    check_output(exit_code, lines)
    processes = {line.partition("|")[0].strip() for line in lines if "|" in line}
    assert "router" in processes
    assert not processes & {"kafka", "postgres", "valkey"}, "embedded servers were started although all servers are external"


@pytest.mark.slow
async def test_a_rejected_sendgrid_key_makes_the_run_fail_and_names_notifications(tmp_path: Path) -> None:
    exit_code, lines = await run_once(tmp_path / "home", "--timeout", "40", HEROLD_PROVIDERS_SENDGRID_API_KEY="SG.revoked")
    output = "\n".join(lines)
    assert exit_code == 1, output[-6000:]
    assert "submissions did NOT end as docs/samples/shop.jsonl expects" in output
    assert "sendgrid rejected the credentials of " in output
    assert '"delivery.account_paused"' in output
    assert re.search(r"\d+ submissions were still in flight after \d+ s", output)
    assert json.loads(lines[-1])["mismatches"] > 400
