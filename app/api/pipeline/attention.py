"""What needs somebody: each finding is a sentence with the page that shows it, the worst first; pure."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from app.api.pipeline.bodies import AttentionItem, Severity
from app.api.pipeline.offsets import sum_lags
from app.api.pipeline.snapshot import Snapshot
from app.api.pipeline.topology import find_role_lag
from app.api.pipeline.workers import build_role, find_role_problem
from app.topology import ROLES, TOPOLOGY
from schemas.channels import CHANNEL_NAMES
from schemas.enums import Priority
from schemas.topics import parse_priority

DASHBOARD: Final = "/dashboard"
SEVERITIES: Final[tuple[Severity, ...]] = ("critical", "warning", "notice")
TARGETS: Final[dict[Priority, float]] = {"high": 1.0, "medium": 5.0, "low": 30.0}
"""Seconds that a priority allows until the hand-over to the provider."""

PAUSED_BY_HAND: Final = "operator"  # the cause of a breaker
GRACE: Final = 10.0  # seconds beyond its target after which what waits is worth a look: it is measured every few seconds
REBALANCE_SECONDS: Final = 30.0
LOOP_LAG: Final = 0.5  # seconds after which an event loop is blocked
HELD_UP_SECONDS: Final = 60.0  # of the recorder and the scheduler, whose records have no target


def list_attention(snapshot: Snapshot) -> list[AttentionItem]:
    """All that needs somebody."""
    items = [
        *_check_sources(snapshot),
        *(item for role in ROLES for item in _check_role(snapshot, role)),
        *_check_lag(snapshot),
        *_check_accounts(snapshot),
        *_check_dead_letters(snapshot),
        *_check_versions(snapshot),
    ]
    return sorted(items, key=lambda item: SEVERITIES.index(item.severity))


def _check_sources(snapshot: Snapshot) -> Iterator[AttentionItem]:
    if snapshot.kafka.problem:
        yield _build("critical", "kafka", "Kafka does not answer the gateway: lag and rates are those of before", "/topology")
    if snapshot.reports.problem:
        yield _build("warning", "workers", f"What workers say is not known: {snapshot.reports.problem}", "/workers")
    if snapshot.accounts.problem:
        yield _build("warning", "redis", "Redis does not answer: which breakers are open is not known", "/providers")
    if snapshot.dead_letters.problem:
        yield _build("critical", "postgres", "PostgreSQL does not answer: the history stands still, and cannot be read", "/dead-letters")


def _check_role(snapshot: Snapshot, role: str) -> Iterator[AttentionItem]:
    page, problem = f"/workers?role={role}", find_role_problem(snapshot, role)
    since = snapshot.rebalancing_since.get(role, snapshot.now)
    if problem is None:
        pass
    elif problem.kind == "no_worker":
        yield _build("critical", "no_worker", f"No worker of the role {role} runs: what it reads waits", page)
    elif problem.kind == "unassigned":
        yield _build("critical", "unassigned", f"The role {role} does not read all: {problem.text}", page)
    elif problem.kind == "recovering":
        yield _build("notice", "recovering", f"The role {role} starts: {problem.text}", page)
    elif snapshot.now - since > REBALANCE_SECONDS:
        text = f"The partitions of the role {role} have been reassigned for {_describe_seconds(snapshot.now - since)}"
        yield _build("warning", "rebalancing", text, page)
    silent = {member.url for member in snapshot.list_silent_members(role)}
    for answer in snapshot.list_answers(role):
        if answer.report is None and silent & {answer.url, ""}:  # one that has stopped is no member any more
            yield _build("warning", "silent_worker", f"A worker of the role {role} has partitions, and {answer.problem}", page)
        elif answer.report and answer.report.loop_lag > LOOP_LAG:
            text = f"The event loop of a worker of the role {role} was blocked for {answer.report.loop_lag:.1f} s"
            yield _build("warning", "loop_lag", text, page)


def _check_lag(snapshot: Snapshot) -> Iterator[AttentionItem]:
    if snapshot.series.latest is None:
        return
    for spec in TOPOLOGY:
        if spec.role in ("router", *CHANNEL_NAMES):
            yield from (item for topic in spec.source_topics for item in _check_topic(snapshot, spec.role, topic))
            continue
        lag = find_role_lag(snapshot, spec)
        if lag and lag.seconds > HELD_UP_SECONDS:
            text = f"{lag.messages:,} records have waited for the {spec.role} {_describe_seconds(lag.seconds)} or longer"
            yield _build("warning", "lag", text, f"/topology?node=role:{spec.role}")


def _check_topic(snapshot: Snapshot, role: str, topic: str) -> Iterator[AttentionItem]:
    priority, (messages, seconds) = parse_priority(topic), sum_lags(snapshot.series.list_lags(role, topic, snapshot.now))
    if seconds > TARGETS[priority] + GRACE:
        records = f"{messages:,} records of priority {priority}"
        text = f"{records} have waited for the role {role} {_describe_seconds(seconds)} or longer"
        yield _build("critical" if priority == "high" else "warning", "lag", text, f"/topology?node=topic:{topic}")


def _check_accounts(snapshot: Snapshot) -> Iterator[AttentionItem]:
    for account in snapshot.list_accounts():
        page = f"/providers?account={quote(account.name, safe='')}"
        if account.breaker is None:
            continue
        if account.breaker.cause == PAUSED_BY_HAND:
            yield _build("notice", "pause", f"{account.name} ({account.channel}) is paused by an operator", page)
        else:
            text = f"The breaker of {account.name} ({account.channel}) is open: {account.breaker.cause.replace('_', ' ')}"
            yield _build("warning", "breaker", text, page)


def _check_dead_letters(snapshot: Snapshot) -> Iterator[AttentionItem]:
    counts = snapshot.dead_letters.value
    if counts is not None and counts.open and counts.last_hour:
        is_growing = counts.last_hour > counts.hour_before
        trend = "more than in the hour before" if is_growing else "not more than in the hour before"
        text = f"{counts.last_hour:,} dead letters in the last hour, {trend}; {counts.open:,} are open"
        yield _build("warning" if is_growing else "notice", "dead_letters", text, "/dead-letters")


def _check_versions(snapshot: Snapshot) -> Iterator[AttentionItem]:
    versions = sorted({worker.version for role in ROLES for worker in build_role(snapshot, role).workers if worker.version})
    if len(versions) > 1:
        yield _build("notice", "versions", f"Workers of the versions {' and '.join(versions)} run at the same time", "/workers")


def _describe_seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _build(severity: Severity, kind: str, text: str, page: str) -> AttentionItem:
    return AttentionItem(severity, kind, text, DASHBOARD + page)
