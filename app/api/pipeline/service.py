"""The sources of the pipeline's pages, and what is built from them. All of them may be down: what was known last is shown then."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from app.api.pipeline.bodies import OverviewResponse, TablesResponse, TopologyResponse, WorkersResponse, WorkerState
from app.api.pipeline.groups import Groups
from app.api.pipeline.offsets import Offsets, OffsetSeries
from app.api.pipeline.overview import build_overview
from app.api.pipeline.reports import FleetReports
from app.api.pipeline.snapshot import Snapshot
from app.api.pipeline.source import Answer, CachedSource
from app.api.pipeline.tables import build_tables
from app.api.pipeline.topology import build_topology
from app.api.pipeline.workers import build_workers
from app.api.provider_bodies import ProviderAccounts
from app.process_facts import LoopLag, read_memory_bytes, read_version
from schemas.dead_letters import DeadLetterCounts
from schemas.ports import Clock

OFFSETS_AGE: Final = 5.0  # seconds; how often Kafka is read while somebody asks; the readiness reads it every 10 s
GROUPS_AGE: Final = 3.0
REPORTS_AGE: Final = 1.5  # less than the 2 s of a page that refreshes itself
COUNTS_AGE: Final = 5.0


class Readers(NamedTuple):
    """What reads each source."""

    read_offsets: Callable[[], Awaitable[Offsets]]
    read_groups: Callable[[], Awaitable[Groups]]
    read_reports: Callable[[], Awaitable[FleetReports]]
    read_accounts: Callable[[], Awaitable[ProviderAccounts]]
    count_dead_letters: Callable[[], Awaitable[DeadLetterCounts]]
    close: Callable[[], Awaitable[None]]


class PipelineService:
    """Builds the responses. Each waits for a source for a second at most."""

    def __init__(self, readers: Readers, partitions: int, clock: Clock, monotonic: Clock = time.monotonic) -> None:
        """`partitions`: of each topic; `clock`: epoch seconds."""
        self._close, self._partitions, self._clock, self._monotonic = readers.close, partitions, clock, monotonic
        self._series = OffsetSeries()
        self._offsets = CachedSource(self._build_offsets_reader(readers.read_offsets), OFFSETS_AGE, clock)
        self._groups = CachedSource(self._build_groups_reader(readers.read_groups), GROUPS_AGE, clock)
        self._reports = CachedSource(readers.read_reports, REPORTS_AGE, clock)
        self._accounts = CachedSource(readers.read_accounts, COUNTS_AGE, clock)
        self._dead_letters = CachedSource(readers.count_dead_letters, COUNTS_AGE, clock)
        self._rebalancing_since: dict[str, float] = {}
        self._loop_lag, self._started_at = LoopLag(monotonic), clock()
        self._sampler: asyncio.Task[None] | None = None

    async def wait_for_offsets(self) -> Offsets:
        """A reading of the offsets that is current. Raises UnavailableError."""
        return await self._offsets.wait_for_reading()

    async def stop(self) -> None:
        """End all readings and close the connections."""
        if self._sampler is not None:
            self._sampler.cancel()
        for source in (self._offsets, self._groups, self._reports, self._accounts, self._dead_letters):
            await source.close()
        await self._close()

    async def build_topology(self) -> TopologyResponse:
        """The pipeline's picture."""
        return build_topology(await self._take_snapshot())

    async def build_workers(self, gateway_name: str) -> WorkersResponse:
        """All workers, and this gateway with this name, whose event loop is watched from the first time on."""
        self._sampler = self._sampler or asyncio.create_task(self._loop_lag.sample_forever())
        return build_workers(await self._take_snapshot(), self._describe_gateway(gateway_name))

    async def build_tables(self) -> TablesResponse:
        """All tables."""
        return build_tables(await self._take_snapshot())

    async def build_overview(self) -> OverviewResponse:
        """Whether the installation is well."""
        return build_overview(await self._take_snapshot())

    async def _take_snapshot(self) -> Snapshot:
        offsets, groups, reports, accounts, dead_letters = await asyncio.gather(
            self._offsets.get(), self._groups.get(), self._reports.get(), self._accounts.get(), self._dead_letters.get()
        )
        return Snapshot(
            now=self._clock(),
            partitions=self._partitions,
            series=self._series,
            offsets=offsets,
            groups=groups,
            reports=reports,
            accounts=mark_unknown_breakers(accounts),
            dead_letters=dead_letters,
            rebalancing_since=dict(self._rebalancing_since),
        )

    def _describe_gateway(self, name: str) -> WorkerState:
        return WorkerState(
            worker=name,
            name="gateway",
            activity="running",
            activity_since=self._started_at,
            version=read_version(),
            started_at=self._started_at,
            memory_bytes=read_memory_bytes(),
            loop_lag=self._loop_lag.worst,
            partitions=[],
            standby_partitions=[],
            recovery=None,
        )

    def _build_offsets_reader(self, read: Callable[[], Awaitable[Offsets]]) -> Callable[[], Awaitable[Offsets]]:
        async def read_offsets() -> Offsets:
            offsets = await read()
            self._series.add(offsets)
            return offsets

        return read_offsets

    def _build_groups_reader(self, read: Callable[[], Awaitable[Groups]]) -> Callable[[], Awaitable[Groups]]:
        async def read_groups() -> Groups:
            groups, now = await read(), self._clock()
            busy = {role for role, group in groups.items() if group.is_rebalancing}
            self._rebalancing_since = {role: self._rebalancing_since.get(role, now) for role in busy}
            return groups

        return read_groups


def mark_unknown_breakers(answer: Answer[ProviderAccounts]) -> Answer[ProviderAccounts]:
    """The accounts, with a problem if it is not known which of their breakers are open."""
    if answer.problem or answer.value is None or answer.value.knows_breakers:
        return answer
    return answer._replace(problem="Redis does not answer", since=answer.as_of)
