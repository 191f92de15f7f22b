"""The bodies of responses about the pipeline. Times in epoch seconds, rates in records per second."""

from typing import Any, Literal

from msgspec import Struct

from schemas.dead_letters import DeadLetterCounts
from schemas.enums import Priority
from schemas.worker_reports import WorkerActivity

NodeKind = Literal["producers", "topic", "role", "table", "store", "provider"]
Severity = Literal["critical", "warning", "notice"]
SourceName = Literal["kafka", "workers", "breakers", "dead_letters"]


class SourceState(Struct, frozen=True):
    """Where a part of the response comes from. `as_of`: when it was read; null if never, and then that part is missing.

    `problem`: why it is not current, and `since` when; empty and null if it is.
    """

    as_of: float | None
    problem: str = ""
    since: float | None = None


class Lag(Struct, frozen=True):
    """What waits: records, and the seconds that the first of them has waited at least."""

    messages: int
    seconds: float


class PartitionState(Struct, frozen=True):
    """A partition of a topic: its end, the offset from which its role goes on, what waits, and the worker that reads it."""

    partition: int
    end_offset: int
    committed_offset: int
    lag: Lag
    worker: str | None


class TopologyNode(Struct, frozen=True):
    """A place in the pipeline. `group` is what it is drawn with: topics of three priorities, the tables of a role.

    Rates and lag are null if they are not known, or not measured there. `workers`: those that read it, or that are it. `problem` says what
    is wrong.
    """

    id: str
    kind: NodeKind
    label: str
    group: str
    rate_in: float | None = None
    rate_out: float | None = None
    lag: Lag | None = None
    partitions: list[PartitionState] = []
    workers: list[str] = []
    problem: str = ""
    details: dict[str, str | int | float] = {}


class TopologyEdge(Struct, frozen=True):
    """A way of records from a node to another one. `rate` is null if it is not known."""

    source: str
    target: str
    rate: float | None = None


class TopologyResponse(Struct, frozen=True):
    """The pipeline with what flows through it. `sources` says of Kafka, workers and breakers whether what is shown is current."""

    read_at: float
    sources: dict[SourceName, SourceState]
    nodes: list[TopologyNode]
    edges: list[TopologyEdge]


class RecoveryState(Struct, frozen=True):
    """The recovery of a worker's tables: changelog records that remain of `total`, the seconds so far and, once known, those left."""

    total: int
    remaining: int
    seconds: float
    seconds_left: float | None


class WorkerState(Struct, frozen=True):
    """A worker, by its address within the installation.

    `activity` is `silent` if it does not say, with the reason in `problem`; then only its partitions are known, from Kafka.
    `loop_lag` in seconds: how late its event loop was at worst in the last ten. `ordered_waiting`: deliveries to ordered webhook endpoints
    that wait behind another one, of a worker of webhooks.
    """

    worker: str
    name: str
    activity: WorkerActivity | Literal["silent"]
    activity_since: float | None
    version: str
    started_at: float | None
    memory_bytes: int | None
    loop_lag: float | None
    partitions: list[int]
    standby_partitions: list[int]
    recovery: RecoveryState | None
    problem: str = ""
    ordered_waiting: int = 0


class RoleWorkers(Struct, frozen=True):
    """The workers of a role. `group_state` is Kafka's word for its consumer group, empty if Kafka does not say.

    `unassigned`: partitions that nobody reads. `rebalancing_since`: null while its group is stable.
    """

    role: str
    group_state: str
    rebalancing_since: float | None
    unassigned: list[int]
    workers: list[WorkerState]
    problem: str = ""


class WorkersResponse(Struct, frozen=True):
    """All workers, with the gateway that answers. `versions`: all that run; more than one during an upgrade."""

    read_at: float
    sources: dict[SourceName, SourceState]
    gateway: WorkerState
    roles: list[RoleWorkers]
    versions: list[str]
    partition_count: int


class TableState(Struct, frozen=True):
    """A table of a role. `row_count` and `size_bytes`, which has standbys too, are estimates over all workers.

    `changelog_lag` and `standby_lag`: changelog records that are not applied yet. `lifetime`: of a row in seconds, null without an end.
    """

    role: str
    table: str
    row_count: int
    size_bytes: int
    lifetime: int | None
    workers: list[str]
    partitions: list[int]
    standby_partitions: list[int]
    changelog_lag: int
    standby_lag: int
    recovery: RecoveryState | None
    problem: str = ""


class TablesResponse(Struct, frozen=True):
    """The tables of all workers."""

    read_at: float
    sources: dict[SourceName, SourceState]
    items: list[TableState]
    partition_count: int


class TableRow(Struct, frozen=True):
    """A row of a table: its key, where it is, and its fields, which differ from table to table."""

    table: str
    role: str
    user_id: str
    key: str
    partition: int
    worker: str
    row: dict[str, Any]


class PriorityQueue(Struct, frozen=True):
    """What waits of a priority: at the router, and at the delivery workers, with the first of each."""

    priority: Priority
    router: Lag
    deliveries: Lag


class RoleSummary(Struct, frozen=True):
    """A role: what waits for it, null if Kafka does not say, and its workers that run, null if they are not known."""

    role: str
    lag: Lag | None
    workers: int | None
    problem: str = ""


class AccountBreaker(Struct, frozen=True):
    """A breaker that is open: deliveries by this account wait until a probe is permitted."""

    account: str
    channel: str
    cause: str
    open_until: float


class AttentionItem(Struct, frozen=True):
    """What needs somebody, in a sentence, with the page of the dashboard that shows it."""

    severity: Severity
    kind: str
    text: str
    url: str


class OverviewResponse(Struct, frozen=True):
    """Whether the installation is well. A part whose source has never answered is null, and `sources` says why."""

    read_at: float
    sources: dict[SourceName, SourceState]
    queues: list[PriorityQueue] | None
    held: int | None
    roles: list[RoleSummary]
    breakers: list[AccountBreaker] | None
    dead_letters: DeadLetterCounts | None
    attention: list[AttentionItem]
