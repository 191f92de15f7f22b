"""Workers as processes, topics on a real broker, and what is in them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rocksdict
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

ROOT = Path(__file__).parents[3]
LANES = ("high", "medium", "low")
PARTITIONS = 2
OFFSET = b"__faust\0offset__"


@dataclass
class Worker:
    """A worker process; `ready` is how often it has finished a rebalance."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _ready: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if line.startswith("READY"):
                self._ready.release()

    def wait_ready(self) -> None:
        """Until one more rebalance is finished."""
        if not self._ready.acquire(timeout=150):
            raise TimeoutError("".join(self.lines))

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal if it still runs; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.wait()

    def wait(self) -> int:
        """The exit code, once it has ended."""
        code = self.process.wait(timeout=150)
        self._reader.join(timeout=10)
        return code


class Scene:
    """One test's topics and workers."""

    def __init__(self, kafka: str, prefix: str, folder: Path) -> None:
        self.kafka, self.prefix, self.folder = kafka, prefix, folder
        self.workers: list[Worker] = []

    def start(self, kind: str = "copy", name: str = "one", **more: Any) -> Worker:
        """A worker with a data directory of its own name."""
        told = {"kafka": self.kafka, "prefix": self.prefix, "kind": kind, "datadir": str(self.datadir(name)), **more}
        env = {**os.environ, "TEST_WORKER": json.dumps(told), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "faust", "-A", "tests.integration.streaming.worker:app", "worker", "-l", "info"]
        out = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.workers.append(Worker(out))
        return self.workers[-1]

    def datadir(self, name: str) -> Path:
        """Where the worker of that name keeps its tables."""
        return self.folder / name / "data"

    def close(self) -> None:
        """End what still runs."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.end(signal.SIGKILL)
            assert worker.process.stderr is not None
            worker.process.stderr.close()

    async def make_topics(self, partitions: int = PARTITIONS) -> None:
        """The inputs of the three lanes and the output."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            names = [*(f"{self.prefix}in.{lane}" for lane in LANES), f"{self.prefix}out"]
            await admin.create_topics([NewTopic(name, partitions, 1) for name in names])
        finally:
            await admin.close()

    async def send(self, lane: str, first: int, last: int) -> set[bytes]:
        """Records with the values lane-first to lane-(last - 1), over all partitions; gives the values."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, linger_ms=20)
        await producer.start()
        try:
            values = {f"{lane}-{number}".encode(): number % PARTITIONS for number in range(first, last)}
            sent = [await producer.send(f"{self.prefix}in.{lane}", value, partition=partition) for value, partition in values.items()]
            await asyncio.gather(*sent)
        finally:
            await producer.stop()
        return set(values)

    async def written(self, topic: str = "out") -> list[tuple[int, bytes, bytes | None]]:
        """All records of a topic: partition, key, value."""
        return [(record.partition, record.key, record.value) for record in await self._records(topic)]

    async def changelog(self) -> dict[int, dict[bytes, bytes]]:
        """What a replay of the changelog gives, for each partition."""
        rows: dict[int, dict[bytes, bytes]] = {number: {} for number in range(PARTITIONS)}
        for record in await self._records("copy-seen-changelog"):
            rows[record.partition].pop(record.key, None)
            if record.value is not None:
                rows[record.partition][record.key] = record.value
        return rows

    async def values(self) -> list[bytes]:
        """The values in the output."""
        return [value or b"" for _, _, value in await self.written()]

    async def until_written(self, count: int) -> None:
        """Until so many different values are in the output."""
        found = set[bytes]()
        async with asyncio.timeout(150), self._reader("out") as (consumer, _):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found.update(record.value for record in records)
                self._still_running()

    def _still_running(self) -> None:
        if all(worker.process.poll() is not None for worker in self.workers):
            raise AssertionError("no worker runs any more:\n" + "".join(self.workers[-1].lines))

    async def committed(self) -> dict[tuple[str, int], int]:
        """The offsets that the group has committed for its inputs."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(f"{self.prefix}copy")
        finally:
            await admin.close()
        return {(place.topic.removeprefix(self.prefix), place.partition): found.offset for place, found in offsets.items()}

    async def _records(self, topic: str) -> list[Any]:
        records: list[Any] = []
        async with self._reader(topic) as (consumer, places):
            ends = await consumer.end_offsets(places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for found in (await consumer.getmany(timeout_ms=1000)).values():
                    records += found
        return records

    @asynccontextmanager
    async def _reader(self, topic: str) -> AsyncIterator[tuple[Any, list[TopicPartition]]]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            places = [TopicPartition(self.prefix + topic, number) for number in range(PARTITIONS)]
            consumer.assign(places)
            yield consumer, places
        finally:
            await consumer.stop()

    def rows(self, name: str, partition: int) -> dict[bytes, bytes]:
        """The rows in a stopped worker's table, without the changelog offset."""
        (path,) = self.datadir(name).glob(f"v1/tables/seen-{partition}.db")
        database = rocksdict.Rdict(str(path), options=rocksdict.Options(raw_mode=True))
        found = {bytes(key): bytes(row) for key, row in database.items() if key != OFFSET}
        database.close()
        return found


@contextmanager
def scene(kafka: str, prefix: str, folder: Path) -> Iterator[Scene]:
    """A scene whose workers end with it."""
    made = Scene(kafka, prefix, folder)
    try:
        yield made
    finally:
        made.close()
