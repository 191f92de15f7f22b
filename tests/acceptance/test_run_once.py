"""What `make run ONCE=1` promises: the sample goes through everything, each line is accounted for, and the last line says so."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from dev.stack.stack import ServerUrls

KEYS = {"submitted", "final", "in_flight", "lost", "duplicates", "seconds"}


async def run_once(home: Path, **env: str) -> tuple[int | None, list[str]]:
    """The exit code and the lines of `herold up --sample --once`."""
    herold = Path(sys.executable).with_name("herold")
    given = {**os.environ, "HEROLD_HOME": str(home), **env}
    process = await asyncio.create_subprocess_exec(
        herold, "up", "--sample", "--once", env=given, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(240):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    return process.returncode, said.decode().splitlines()


def check_output(code: int | None, lines: list[str]) -> bool:
    """Whether a run ended well and said all that it must, and nothing that would frighten a newcomer."""
    whole = "\n".join(lines)
    assert code == 0, whole[-6000:]
    assert "Traceback" not in whole
    told = json.loads(lines[-1])
    assert set(told) == KEYS
    assert (told["submitted"], told["in_flight"], told["lost"], told["duplicates"]) == (1000, 0, 0, 0)
    shown = "\n".join(line for line in lines[:-1] if "|" not in line)  # neither the JSON nor what processes log
    for wanted in ("routed", "rejected", "unprocessable", "replayed", "dead", "SENT", "p50", "p99", "/docs", "explain"):
        assert wanted in shown, f"the tables do not tell {wanted}"
    return True


@pytest.mark.slow
async def test_on_own_servers_and_again_in_the_same_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for _ in range(2):
        assert check_output(*await run_once(home))


@pytest.mark.slow
async def test_on_given_servers(tmp_path: Path, kafka_url: str, database_url: str, redis_url: str, prefix: str) -> None:
    urls = ServerUrls(kafka_url, database_url, redis_url)
    given = {"KAFKA_BOOTSTRAP_SERVERS": urls.kafka, "DATABASE_URL": urls.database, "REDIS_URL": urls.redis}
    code, lines = await run_once(tmp_path / "home", HEROLD_KAFKA_TOPIC_PREFIX=prefix, **given)
    assert check_output(code, lines)
    said_by = {line.partition("|")[0].strip() for line in lines if "|" in line}
    assert "router" in said_by
    assert not said_by & {"kafka", "postgres", "valkey"}, "own servers were started beside the given ones"
