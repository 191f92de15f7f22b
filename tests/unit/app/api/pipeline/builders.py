"""Snapshots of a pipeline, and its sources in memory."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec.structs import replace

from app.api.pipeline.groups import ConsumerGroup, GroupMember, Groups
from app.api.pipeline.offsets import Offsets, OffsetSeries
from app.api.pipeline.reports import FleetReports, Rates, WorkerAnswer
from app.api.pipeline.service import Readers
from app.api.pipeline.snapshot import Snapshot
from app.api.pipeline.source import Answer
from app.api.provider_bodies import OpenBreaker, ProviderAccount, ProviderAccounts
from app.topology import ROLES, TOPOLOGY
from schemas.dead_letters import DeadLetterCounts
from schemas.worker_reports import TableReport, WorkerReport

NOW, PARTITIONS = 1_760_000_000.0, 2
REPORT = WorkerReport("router", "1", "1.0", 600.0, 100_000_000, 0.01, "running", 500.0, [0, 1], [], {})
TABLE = TableReport("idempotency", 10, 4096, [0, 1], [])
ACCOUNT = ProviderAccount("sendgrid", "email", 1, False, None, None)
BROKEN = replace(ACCOUNT, breaker=OpenBreaker("account_fault", NOW + 60))


def build_offsets(at: float = NOW, ends: Mapping[str, tuple[int, ...]] | None = None, committed: int = 10) -> Offsets:
    """A reading in which each topic ends at 10 in each partition, and every role has committed so far."""
    topics = {topic: spec.role for spec in TOPOLOGY for topic in spec.source_topics}
    roles: dict[str, dict[str, tuple[int, ...]]] = {role: {} for role in ROLES}
    for topic, role in topics.items():
        roles[role][topic] = (committed,) * PARTITIONS
    return Offsets(at, dict.fromkeys(topics, (0, 0)), {**dict.fromkeys(topics, (10, 10)), **(ends or {})}, roles)


def build_series(*readings: Offsets) -> OffsetSeries:
    """The readings in their order."""
    series = OffsetSeries()
    for reading in readings:
        series.add(reading)
    return series


def build_groups(**groups: ConsumerGroup) -> dict[str, ConsumerGroup]:
    """A stable group of one worker for each role, except these."""
    return {role: groups.get(role, ConsumerGroup("Stable", (build_member(role, 0, 1),))) for role in ROLES}


def build_member(role: str, *partitions: int, name: str = "1") -> GroupMember:
    """A worker of a role with these partitions."""
    return GroupMember(f"{role}-{name}", "10.0.0.1", f"http://{role}-{name}:6066", partitions)


def build_answer(role: str, name: str = "1", **fields: Any) -> WorkerAnswer:
    """The report of a worker of a role."""
    return WorkerAnswer(role, f"http://{role}-{name}:6066", replace(REPORT, role=role, name=name, **fields))


def build_snapshot(
    *,
    series: OffsetSeries | None = None,
    groups: Groups | None = None,
    answers: list[WorkerAnswer] | None = None,
    rates: Mapping[str, Rates] | None = None,
    accounts: list[ProviderAccount] | None = None,
    dead_letters: DeadLetterCounts | None = None,
    rebalancing_since: dict[str, float] | None = None,
    problems: Mapping[str, str] | None = None,
) -> Snapshot:
    """A pipeline that is well, with these changes; `problems` of sources by name."""

    def answer(name: str, value: Any) -> Answer[Any]:
        problem = (problems or {}).get(name, "")
        return Answer(value, NOW - 60 if problem else NOW, problem, NOW - 30 if problem else None)

    fleet = FleetReports([build_answer(role) for role in ROLES] if answers is None else answers, rates or {})
    series = build_series(build_offsets()) if series is None else series
    return Snapshot(
        now=NOW,
        partitions=PARTITIONS,
        series=series,
        offsets=answer("offsets", series.latest),
        groups=answer("groups", build_groups() if groups is None else groups),
        reports=answer("reports", fleet),
        accounts=answer("accounts", ProviderAccounts([ACCOUNT] if accounts is None else accounts, knows_breakers=True)),
        dead_letters=answer("dead_letters", dead_letters or DeadLetterCounts(0, 0, 0)),
        rebalancing_since=rebalancing_since or {},
    )


def build_reader(value: Any) -> Callable[[], Awaitable[Any]]:
    """Reads the value, or raises it if it is an error."""

    async def read() -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return read


def build_readers(**values: Any) -> Readers:
    """Sources that say that all is well, except these."""
    well: dict[str, Any] = {
        "read_offsets": build_offsets(),
        "read_groups": build_groups(),
        "read_reports": FleetReports([build_answer(role) for role in ROLES], {}),
        "read_accounts": ProviderAccounts([ACCOUNT], knows_breakers=True),
        "count_dead_letters": DeadLetterCounts(0, 0, 0),
        "close": None,
    }
    return Readers(**{name: build_reader(values.get(name, value)) for name, value in well.items()})
