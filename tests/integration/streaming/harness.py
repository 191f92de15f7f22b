"""Starts workers as processes and reads topics of a real broker and tables of stopped workers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import InvalidReplicationFactorError

from tests.table_comparison import PartitionComparison, compare_tables

ROOT = Path(__file__).parents[3]
PRIORITIES = ("high", "medium", "low")
PARTITIONS = 2


@dataclass
class WorkerProcess:
    """A worker process and the lines of its standard error."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    _ready_count: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __post_init__(self) -> None:
        self._stderr_thread = threading.Thread(target=self._read_stderr, daemon=True)
        self._stderr_thread.start()

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            if line.startswith("READY"):
                self._ready_count.release()

    def wait_until_ready(self) -> None:
        """Wait until one more rebalance is complete."""
        if not self._ready_count.acquire(timeout=150):
            raise TimeoutError("".join(self.lines))

    async def wait_for_line(self, text: str) -> None:
        """Wait until a line contains the text."""
        async with asyncio.timeout(150):
            while not any(text in line for line in list(self.lines)):
                await asyncio.sleep(0.01)

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal if the process still runs; returns the exit code. SIGTERM waits until the worker can take it."""
        deadline = time.monotonic() + 150
        while signal_number == signal.SIGTERM and self.process.poll() is None and not self._catches(signal_number):
            assert time.monotonic() < deadline, "".join(self.lines)
            time.sleep(0.01)
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.wait()

    def _catches(self, signal_number: signal.Signals) -> bool:
        """Whether the process has a handler of the signal (proc(5), SigCgt)."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return False
        mask = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(mask.split()[1], 16) >> (signal_number - 1) & 1)

    def wait(self) -> int:
        """Wait for the process to exit; returns the exit code."""
        code = self.process.wait(timeout=150)
        self._stderr_thread.join(timeout=10)
        return code


class StreamingHarness:
    """One test's topics and workers."""

    def __init__(self, kafka: str, prefix: str, folder: Path, partitions: int = PARTITIONS) -> None:
        self.kafka, self.prefix, self.folder, self.partitions = kafka, prefix, folder, partitions
        self.workers: list[WorkerProcess] = []

    def start_worker(self, kind: str = "copy", name: str = "one", **options: Any) -> WorkerProcess:
        """Start a worker with a data directory of that name."""
        topics = {"kafka": self.kafka, "prefix": self.prefix, "partitions": self.partitions}
        worker_options = {**topics, "kind": kind, "datadir": str(self.get_data_dir(name)), **options}
        env = {**os.environ, "TEST_WORKER": json.dumps(worker_options), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "faust", "-A", "tests.integration.streaming.faust_app:app", "worker", "-l", "info"]
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.workers.append(WorkerProcess(process))
        return self.workers[-1]

    def get_data_dir(self, name: str) -> Path:
        """The directory of a worker's tables."""
        return self.folder / name / "data"

    def close(self) -> None:
        """Kill workers that still run."""
        for worker in self.workers:
            if worker.process.poll() is None:
                worker.stop(signal.SIGKILL)
            assert worker.process.stderr is not None
            worker.process.stderr.close()

    async def create_topics(self, partitions: int | None = None) -> None:
        """Create the source topics of the three priorities and the output topic."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            names = [*(f"{self.prefix}in.{priority}" for priority in PRIORITIES), f"{self.prefix}out"]
            async with asyncio.timeout(60):
                while names := await self._try_to_create(admin, [NewTopic(name, partitions or self.partitions, 1) for name in names]):
                    await asyncio.sleep(0.1)
        finally:
            await admin.close()

    async def _try_to_create(self, admin: Any, topics: list[NewTopic]) -> list[str]:
        """Create topics; returns those that were not: a broker that was frozen is fenced for a moment, and takes no replicas."""
        response = await admin.create_topics(topics)
        return [name for name, code, *_ in response.topic_errors if code == InvalidReplicationFactorError.errno]

    async def produce_records(self, priority: str, first: int, last: int) -> set[bytes]:
        """Produce records with the values priority-first to priority-(last - 1), over all partitions; returns the values."""
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, linger_ms=20)
        await producer.start()
        try:
            values = {f"{priority}-{number}".encode(): number % self.partitions for number in range(first, last)}
            futures = [
                await producer.send(f"{self.prefix}in.{priority}", value, partition=partition) for value, partition in values.items()
            ]
            await asyncio.gather(*futures)
        finally:
            await producer.stop()
        return set(values)

    async def read_topic(self, topic: str = "out") -> list[tuple[int, bytes, bytes | None]]:
        """All records of a topic: partition, key, value."""
        return [(record.partition, record.key, record.value) for record in await self._read_records(topic)]

    async def read_output_values(self) -> list[bytes]:
        """The values in the output topic."""
        return [value or b"" for _, _, value in await self.read_topic()]

    async def wait_for_outputs(self, count: int) -> None:
        """Wait until so many different values are in the output topic."""
        values = set[bytes]()
        async with asyncio.timeout(150), self._open_consumer("out") as (consumer, _):
            while len(values) < count:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    values.update(record.value for record in records)
                self._check_workers_running()

    def _check_workers_running(self) -> None:
        if all(worker.process.poll() is not None for worker in self.workers):
            raise AssertionError("no worker is running:\n" + "".join(self.workers[-1].lines))

    async def get_committed_offsets(self) -> dict[tuple[str, int], int]:
        """The committed offsets of the source topics."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(f"{self.prefix}copy")
        finally:
            await admin.close()
        return {(tp.topic.removeprefix(self.prefix), tp.partition): committed.offset for tp, committed in offsets.items()}

    async def _read_records(self, topic: str) -> list[Any]:
        records: list[Any] = []
        async with self._open_consumer(topic) as (consumer, partitions):
            end_offsets = await consumer.end_offsets(partitions)
            while any([await consumer.position(tp) < end_offsets[tp] for tp in partitions]):
                for partition_records in (await consumer.getmany(timeout_ms=1000)).values():
                    records += partition_records
        return records

    @asynccontextmanager
    async def _open_consumer(self, topic: str) -> AsyncIterator[tuple[Any, list[TopicPartition]]]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, auto_offset_reset="earliest", enable_auto_commit=False)
        await consumer.start()
        try:
            partitions = [TopicPartition(self.prefix + topic, number) for number in range(self.partitions)]
            consumer.assign(partitions)
            yield consumer, partitions
        finally:
            await consumer.stop()

    async def compare_tables(self, name: str) -> list[PartitionComparison]:
        """The partitions of a stopped worker's table against replays of its changelog."""
        return await compare_tables(self.kafka, f"{self.prefix}copy", self.get_data_dir(name))

    async def check_tables(self, name: str) -> None:
        """The table of a worker that stopped in order has every row of its changelog, in every partition."""
        comparisons = await self.compare_tables(name)
        assert [comparison.partition for comparison in comparisons] == list(range(self.partitions))
        assert [comparison for comparison in comparisons if not (comparison.is_equal and comparison.is_complete)] == []


@contextmanager
def open_harness(kafka: str, prefix: str, folder: Path, partitions: int = PARTITIONS) -> Iterator[StreamingHarness]:
    """A harness whose workers are killed at the end."""
    harness = StreamingHarness(kafka, prefix, folder, partitions)
    try:
        yield harness
    finally:
        harness.close()
