"""The stand of a bench: real servers, topics with a prefix of their own, a database of its own, and roles as processes by name."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from app import database, topics
from app.local.processes import Processes
from app.local.stack import Urls
from app.local.state import State
from app.up import environment

HOST = "127.0.0.1"
ROOT = Path(__file__).parents[2]
PARTITIONS = 4


class Stand:
    """One installation under a prefix; its roles run until `close`."""

    def __init__(self, home: Path, urls: Urls, prefix: str) -> None:
        self.prefix, self.urls, self.state = prefix, urls, State(home)
        self.home, self._processes = home, Processes(home)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        own = {"HEROLD_HEROLD_TOPIC_PREFIX": prefix, "HEROLD_HEROLD_DATA_DIR": str(home / prefix), "HEROLD_HEROLD_LOG_LEVEL": "warning"}
        self.env = {**os.environ, **environment(self.state, urls, {}), **own}

    async def prepare(self) -> None:
        """Topics, and a database with schema, partitions and rules."""
        name = self.prefix.strip(".").replace("-", "_")
        admin = await asyncpg.connect(self.urls.database)
        await admin.execute(f'CREATE DATABASE "{name}"')
        await admin.close()
        self.env["DATABASE_URL"] = self.urls.database.rsplit("/", 1)[0] + f"/{name}"
        await topics.apply(self.urls.kafka, self.prefix, PARTITIONS, 1, 1)
        await database.upgrade(self.env["DATABASE_URL"], time.time())

    def start(self, name: str, argv: tuple[str, ...], **env: str) -> None:
        """Start a process under this name; its output goes to a file of the home."""
        with (self.home / f"{self.prefix}{name}.log").open("ab") as output:
            self.running[name] = subprocess.Popen(argv, env={**self.env, **env}, stdout=output, stderr=output, start_new_session=True)

    async def worker(self, role: str, **env: str) -> None:
        """Start a worker of a role and wait until it is ready."""
        port = self.state.port(f"{self.prefix}{role}.web")
        faust = str(Path(sys.executable).with_name("faust"))
        argv = (faust, "--quiet", "-A", f"app.main:{role}", "worker", "-l", "info")
        self.start(role, argv, HEROLD_STREAMING_WEB_PORT=str(port), **env)
        await self.until(role, f"http://{HOST}:{port}/ready")

    async def stock_router(self) -> None:
        """Start the router's step on stock Faust; it is ready when it answers a first notification."""
        faust = str(Path(sys.executable).with_name("faust"))
        argv = (faust, "--quiet", "-A", "tests.bench.stock_router", "worker", "-l", "warn", "--without-web")
        self.start("stock", argv, PYTHONPATH=str(ROOT))

    async def twins(self) -> None:
        """Start the twins."""
        port, ledger = self.state.port("twins"), self.home / f"{self.prefix}ledger.log"
        self.start("twins", (sys.executable, "-m", "twins", "--host", HOST, "--port", str(port), "--ledger", str(ledger)))
        await self.until("twins", f"http://{HOST}:{port}/healthz")

    async def until(self, name: str, url: str, seconds: float = 120.0) -> None:
        """Wait until the process answers 200. Raises RuntimeError with the end of its output if it does not."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.running[name].poll() is None:
            try:
                await asyncio.to_thread(read, url)
                return
            except OSError:
                await asyncio.sleep(0.02)
        raise RuntimeError(f"{name} is not ready:\n" + (self.home / f"{self.prefix}{name}.log").read_text()[-3000:])

    def pids(self, *names: str) -> dict[str, int]:
        """The pids of these processes and servers, by name."""
        servers = self._processes.read()
        return {name: self.running[name].pid if name in self.running else servers[name].pid for name in names}

    def metric(self, role: str, wanted: str) -> float:
        """The sum of a worker's samples whose line begins so."""
        page = read(f"http://{HOST}:{self.state.port(f'{self.prefix}{role}.web')}/metrics").decode()
        return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(wanted))

    async def until_metric(self, role: str, wanted: str, least: float, seconds: float = 300.0) -> None:
        """Wait until a worker has counted so much. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while (await asyncio.to_thread(self.metric, role, wanted)) < least:
                await asyncio.sleep(0.1)

    def ledger(self) -> dict[str, Any]:
        """The twins' counts."""
        return dict(json.loads(read(f"http://{HOST}:{self.state.port('twins')}/ledger")))

    def entries(self, after: int) -> list[dict[str, Any]]:
        """The next requests in the twins' ledger, 10,000 at most."""
        lines = read(f"http://{HOST}:{self.state.port('twins')}/ledger/entries?after={after}&limit=10000")
        return [json.loads(line) for line in lines.splitlines()]

    async def written(self, topic: str) -> int:
        """How many records a topic of this stand holds."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.urls.kafka)
        await consumer.start()
        try:
            ends = await consumer.end_offsets([TopicPartition(self.prefix + topic, number) for number in range(PARTITIONS)])
            return sum(ends.values())
        finally:
            await consumer.stop()

    async def fetch(self, query: str) -> Any:
        """The value of a query on the stand's database."""
        connection = await asyncpg.connect(self.env["DATABASE_URL"])
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The process stands still inside this block (for less than its session), so that work piles up before it."""
        self.running[name].send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.running[name].send_signal(signal.SIGCONT)

    def stop(self, name: str) -> None:
        """End a process in order."""
        process = self.running.pop(name)
        process.terminate()
        process.wait(60)

    def close(self) -> None:
        """End whatever still runs, in order."""
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(60)
        self.running.clear()


def read(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> bytes:
    """The body of an answer."""
    request = urllib.request.Request(url, data=data, headers=dict(headers or {}))
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bytes(answer.read())
