"""The workers of each role, from two sources: their consumer groups in Kafka, and what they say of themselves; pure."""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from app.api.pipeline.bodies import RecoveryState, RoleWorkers, WorkersResponse, WorkerState
from app.api.pipeline.groups import GroupMember, list_unassigned
from app.api.pipeline.reports import WorkerAnswer
from app.api.pipeline.snapshot import Snapshot, describe_sources, name_worker
from app.topology import ROLES
from schemas.worker_reports import RecoveryReport

NOT_REGISTERED = "it is not registered in Redis: without a worker.web_port, and in the first seconds, it says nothing of itself"


def build_workers(snapshot: Snapshot, gateway: WorkerState) -> WorkersResponse:
    """The response with all workers."""
    roles = [build_role(snapshot, role) for role in ROLES]
    versions = {worker.version for worker in [gateway, *(worker for role in roles for worker in role.workers)] if worker.version}
    sources = describe_sources(snapshot, "kafka", "workers")
    return WorkersResponse(snapshot.now, sources, gateway, roles, sorted(versions), snapshot.partitions)


def build_role(snapshot: Snapshot, role: str) -> RoleWorkers:
    """The workers of a role."""
    group, answers = snapshot.get_group(role), snapshot.list_answers(role)
    workers = [build_worker(snapshot, answer) for answer in answers]
    known = {answer.url for answer in answers}
    workers += [build_silent_worker(member) for member in snapshot.list_silent_members(role) if member.url not in known]
    return RoleWorkers(
        role,
        group.state if group else "",
        snapshot.rebalancing_since.get(role),
        list_unassigned(group, snapshot.partitions) if group else [],
        workers,
        describe_role_problem(snapshot, role),
    )


def build_worker(snapshot: Snapshot, answer: WorkerAnswer) -> WorkerState:
    """A worker that is registered, with its report if it gave one."""
    group, report = snapshot.get_group(answer.role), answer.report
    member = next((one for one in group.members if one.url == answer.url), None) if group else None
    if report is None:
        partitions = list(member.partitions) if member else []
        return WorkerState(name_worker(answer.url), "", "silent", None, "", None, None, None, partitions, [], None, answer.problem)
    return WorkerState(
        worker=name_worker(answer.url),
        name=report.name,
        activity=report.activity,
        activity_since=snapshot.now - report.activity_seconds,
        version=report.version,
        started_at=snapshot.now - report.uptime,
        memory_bytes=report.memory_bytes,
        loop_lag=report.loop_lag,
        partitions=report.partitions,
        standby_partitions=sorted({partition for table in report.tables for partition in table.standby_partitions}),
        recovery=build_recovery([report.recovery] if report.recovery else []),
        ordered_waiting=report.ordered_waiting,
    )


def build_silent_worker(member: GroupMember) -> WorkerState:
    """A member of a group that is not registered."""
    worker = name_worker(member.url) or member.host
    return WorkerState(worker, "", "silent", None, "", None, None, None, list(member.partitions), [], None, NOT_REGISTERED)


def build_recovery(recoveries: Sequence[RecoveryReport]) -> RecoveryState | None:
    """Several recoveries as one, which ends with the last of them; None without one. The time left follows from the pace so far."""
    if not recoveries:
        return None
    left = [recovery.seconds * recovery.remaining / (recovery.total - recovery.remaining) for recovery in recoveries if has_pace(recovery)]
    return RecoveryState(
        sum(recovery.total for recovery in recoveries),
        sum(recovery.remaining for recovery in recoveries),
        max(recovery.seconds for recovery in recoveries),
        max(left) if len(left) == len(recoveries) else None,
    )


def has_pace(recovery: RecoveryReport) -> bool:
    """Whether a recovery has got far enough to say how long it takes."""
    return recovery.total > recovery.remaining and recovery.seconds > 0


class RoleProblem(NamedTuple):
    """What is wrong with the workers of a role: a word for code, and a clause for people."""

    kind: Literal["no_worker", "rebalancing", "unassigned", "recovering"]
    text: str


def find_role_problem(snapshot: Snapshot, role: str) -> RoleProblem | None:
    """What is wrong with the workers of a role; None if nothing is, or if Kafka does not say."""
    group = snapshot.get_group(role)
    if group is None or snapshot.groups.problem:
        return None
    if not group.members:
        return RoleProblem("no_worker", "no worker runs")
    if group.is_rebalancing:
        return RoleProblem("rebalancing", "its partitions are being reassigned")
    if unassigned := list_unassigned(group, snapshot.partitions):
        return RoleProblem("unassigned", f"nobody reads {describe_partitions(unassigned)}")
    if any(answer.report and answer.report.activity == "recovering" for answer in snapshot.list_answers(role)):
        return RoleProblem("recovering", "a worker recovers its tables")
    return None


def describe_role_problem(snapshot: Snapshot, role: str) -> str:
    """The problem as a clause, empty without one."""
    problem = find_role_problem(snapshot, role)
    return problem.text if problem else ""


def describe_partitions(partitions: Iterable[int]) -> str:
    """Partitions in words."""
    numbers = [str(partition) for partition in partitions]
    return f"partition {numbers[0]}" if len(numbers) == 1 else f"partitions {', '.join(numbers)}"
