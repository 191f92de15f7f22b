"""Whether the installation is well: queue depth by priority, roles, breakers, dead letters, and what needs attention; pure."""

from app.api.pipeline.attention import list_attention
from app.api.pipeline.bodies import AccountBreaker, Lag, OverviewResponse, PriorityQueue, RoleSummary
from app.api.pipeline.offsets import sum_lags
from app.api.pipeline.snapshot import Snapshot, describe_sources
from app.api.pipeline.topology import find_role_lag
from app.api.pipeline.workers import describe_role_problem
from app.topology import TOPOLOGY, RoleSpec
from schemas.channels import CHANNEL_NAMES
from schemas.enums import PRIORITIES, Priority
from schemas.topics import parse_priority
from tables import due

ROWS_PER_ENTRY = 2  # of the table due: the index row and the entry row


def build_overview(snapshot: Snapshot) -> OverviewResponse:
    """The response."""
    return OverviewResponse(
        read_at=snapshot.now,
        sources=describe_sources(snapshot, "kafka", "workers", "breakers", "dead_letters"),
        queues=[build_queue(snapshot, priority) for priority in PRIORITIES] if snapshot.series.latest else None,
        held=count_held(snapshot),
        roles=[build_summary(snapshot, spec) for spec in TOPOLOGY],
        breakers=list_breakers(snapshot),
        dead_letters=snapshot.dead_letters.value,
        attention=list_attention(snapshot),
    )


def build_queue(snapshot: Snapshot, priority: Priority) -> PriorityQueue:
    """What waits of a priority."""
    return PriorityQueue(priority, _sum_roles(snapshot, ("router",), priority), _sum_roles(snapshot, CHANNEL_NAMES, priority))


def count_held(snapshot: Snapshot) -> int | None:
    """How many notifications and retries the schedulers hold for later, about so if they are many; None if no scheduler says."""
    reports = [answer.report for answer in snapshot.list_answers("scheduler") if answer.report]
    tables = [table for report in reports for table in report.tables if table.name == due.TABLE.name]
    counts = [table.row_count // ROWS_PER_ENTRY if table.entry_count is None else table.entry_count for table in tables]
    return sum(counts) if counts else None


def build_summary(snapshot: Snapshot, spec: RoleSpec) -> RoleSummary:
    """A role in a line."""
    problem = describe_role_problem(snapshot, spec.role)
    return RoleSummary(spec.role, find_role_lag(snapshot, spec), snapshot.count_running(spec.role), problem)


def list_breakers(snapshot: Snapshot) -> list[AccountBreaker] | None:
    """The open breakers; None if they have never been known."""
    if snapshot.accounts.value is None:
        return None
    accounts = [(account, account.breaker) for account in snapshot.list_accounts()]
    return [AccountBreaker(one.name, one.channel, breaker.cause, breaker.open_until) for one, breaker in accounts if breaker is not None]


def _sum_roles(snapshot: Snapshot, roles: tuple[str, ...], priority: Priority) -> Lag:
    sources = [(spec.role, topic) for spec in TOPOLOGY if spec.role in roles for topic in spec.source_topics]
    topics = [(role, topic) for role, topic in sources if parse_priority(topic) == priority]
    return Lag(*sum_lags(lag for role, topic in topics for lag in snapshot.series.list_lags(role, topic, snapshot.now)))
