"""The installation that the faults hit: two routers and two schedulers with standbys, and the roles after them."""

import asyncio
import shutil
import subprocess
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from aiokafka.errors import KafkaError

from app.admin.policy import apply_document, parse_document
from dev.stack.stack import ServerUrls
from schemas.enums import PRIORITIES
from schemas.users import ChangeOrigin
from tests.chaos.workload import HELD_POLICY
from tests.cluster import HeroldCluster, wait_until
from tests.faults.evidence import PositionAlarm
from tests.faults.log_contents import AlarmReader, LogContents
from tests.server_processes import KafkaBroker
from tests.table_comparison import PartitionComparison, compare_tables
from tests.topic_reader import TopicReader

ROUTERS = ("router-a", "router-b")
SCHEDULERS = ("scheduler-a", "scheduler-b")
WORKERS = {**dict.fromkeys(ROUTERS, "router"), **dict.fromkeys(SCHEDULERS, "scheduler"), "email": "email", "recorder": "recorder"}
"""The role of each worker by its name."""
WITH_TABLES = (*ROUTERS, *SCHEDULERS, "email")
WITH_STANDBYS = (*ROUTERS, *SCHEDULERS)
MAX_BATCH_RECORDS = 50  # of a router
MAX_RELEASE_ENTRIES = 10  # of a partition of a scheduler
MAX_CALLS = 64  # of the e-mail worker
MAX_GROUP_RECORDS = 256  # of the e-mail worker: results that are committed together
STOP_SECONDS = 60  # until a worker that does not stop is killed


class FaultInstallation:
    """The processes and topics of one run."""

    def __init__(self, cluster: HeroldCluster, broker: KafkaBroker) -> None:
        self.cluster, self.broker = cluster, broker
        self.contents = LogContents(cluster.prefix)
        self.requests: Counter[str] = Counter()
        self.send_times: dict[str, float] = {}
        """The `send_at` of each address that has one."""
        self.early: set[str] = set()
        self.problems: list[str] = []
        self._alarms = AlarmReader()
        self._last_request = 0
        self._read_before: dict[int, float] = {}  # records that a router has read, by pid

    async def start(self, *names: str) -> None:
        """Start workers, and wait until they are ready."""
        await asyncio.gather(
            *(
                self.cluster.start_worker(WORKERS[name], name, HEROLD_WORKER_STANDBY_REPLICAS="1" if name in WITH_STANDBYS else "0")
                for name in names
            )
        )

    async def stop(self, *names: str) -> None:
        """Stop workers in order; one that cannot is killed."""
        await asyncio.gather(*(self._stop(name) for name in names))

    async def _stop(self, name: str) -> None:
        process = self.cluster.processes[name]
        try:
            code = await self.cluster.stop_process(name)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code:
            self.problems.append(f"{name} ended with exit code {code} after SIGTERM")

    @contextmanager
    def freeze(self, names: Iterable[str]) -> Iterator[None]:
        """Freeze workers while the context is open."""
        with ExitStack() as frozen:
            for name in names:
                frozen.enter_context(self.cluster.freeze(name))
            yield

    async def restart_ended(self) -> None:
        """Restart workers that ended by themselves, as a supervisor does."""
        for name, process in list(self.cluster.processes.items()):
            if process.poll() is not None:
                self.problems.append(f"{name} ended by itself with exit code {process.returncode}")
                await self.start(name)

    def remove_tables(self, name: str) -> None:
        """Remove the tables of a worker that does not run: it then recovers all of them."""
        shutil.rmtree(self.find_data_dir(name))

    def find_data_dir(self, name: str) -> Path:
        """The directory of a worker's tables."""
        return self.cluster.data_dir / f"{WORKERS[name]}-{name}"

    async def settle(self, reader: TopicReader, group: str, topics: Collection[str], seconds: float) -> None:
        """Wait until a group has committed everything that its topics have."""

        uncommitted: Mapping[str, str] = {}

        async def is_committed() -> bool:
            nonlocal uncommitted
            await self.restart_ended()
            try:
                uncommitted = await self._find_uncommitted(reader, group, topics)
            except KafkaError:  # a broker that was frozen may be fenced for a moment
                return False
            return not uncommitted

        try:
            await wait_until(is_committed, seconds, f"{group} has committed all", interval=0.2)
        except TimeoutError as error:
            self.problems.append(f"{error}; not committed: {uncommitted}")

    async def _find_uncommitted(self, reader: TopicReader, group: str, topics: Collection[str]) -> Mapping[str, str]:
        committed = await reader.get_committed_offsets(self.cluster.prefix + group, topics)
        ends = await reader.get_end_offsets(topics)
        return {f"{tp.topic} {tp.partition}": f"{committed[tp]} of {end}" for tp, end in ends.items() if committed[tp] != end}

    def read_alarms(self) -> list[PositionAlarm]:
        """The alarms since the last time."""
        return [alarm for name in WORKERS for alarm in self._alarms.read_new(name, self.cluster.get_log_path(name))]

    async def read_requests(self) -> int:
        """Add the new requests to the counts and the early ones to `early`; returns how many were not the first of their address."""
        before = self.requests.total() - len(self.requests)
        for entry in await asyncio.to_thread(lambda: list(self.cluster.fetch_request_log(self._last_request))):
            self.requests[entry["address"]] += 1
            if entry["at"] < self.send_times.get(entry["address"], 0.0):
                self.early.add(entry["address"])
            self._last_request = entry["seq"]
        return self.requests.total() - len(self.requests) - before

    async def count_read(self) -> int:
        """Count the records that the routers have read since the last time; those that a killed one read are not known."""
        before, self._read_before = self._read_before, {}
        for name in ROUTERS:
            counts = [self.cluster.read_metric(name, f'herold_router_records_total{{priority="{priority}"') for priority in PRIORITIES]
            self._read_before[self.cluster.processes[name].pid] = sum(counts)
        return int(sum(count - before.get(pid, 0.0) for pid, count in self._read_before.items()))

    async def compare_tables(self, *names: str) -> tuple[int, list[str]]:
        """Compare the tables of workers stopped in order with replays: how many partitions were compared, and what is wrong, in words.

        Each table equals a replay up to the offset it was written to, and one worker has each partition up to the changelog's end.
        """
        found: dict[tuple[str, str, int], list[PartitionComparison]] = defaultdict(list)
        failures = []
        for name in names:
            app_id = self.cluster.prefix + WORKERS[name]
            for comparison in await compare_tables(self.cluster.urls.kafka, app_id, self.find_data_dir(name)):
                found[WORKERS[name], comparison.table, comparison.partition].append(comparison)
                if not comparison.is_equal:
                    failures.append(f"a table of {name} differs from its changelog: {comparison}")
        incomplete = [copies for copies in found.values() if not any(comparison.is_complete for comparison in copies)]
        failures += [f"no worker has the end of a changelog: {copies}" for copies in incomplete]
        return sum(map(len, found.values())), failures


@asynccontextmanager
async def open_installation(
    home: Path, urls: ServerUrls, broker: KafkaBroker, prefix: str, **settings: str
) -> AsyncIterator[FaultInstallation]:
    """Create topics and schema, and run all processes; `settings` are environment variables of each."""
    cluster = HeroldCluster(
        home,
        urls,
        prefix,
        HEROLD_ROUTER_MAX_BATCH_RECORDS=str(MAX_BATCH_RECORDS),
        HEROLD_SCHEDULER_MAX_RELEASE_ENTRIES=str(MAX_RELEASE_ENTRIES),
        HEROLD_DELIVERY_MAX_CONCURRENT_CALLS=str(MAX_CALLS),
        HEROLD_DELIVERY_RESERVED_CALLS_HIGH="16",
        HEROLD_DELIVERY_LINGER_MAX_RECORDS=str(MAX_GROUP_RECORDS),
        **settings,
    )
    await cluster.create_schema()
    await apply_document(urls.database, parse_document(HELD_POLICY), ChangeOrigin("cli", "faults", ""), dry_run=False)
    installation = FaultInstallation(cluster, broker)
    try:
        await cluster.start_simulators()
        await installation.start(*WORKERS)
        yield installation
    finally:
        await cluster.close()
