"""What a worker says of itself at its web view `/report`: its state, its tables, and what it has produced; for the gateway."""

from typing import Literal

from msgspec import Struct

WorkerActivity = Literal["starting", "rebalancing", "recovering", "running", "stopping"]


class TableReport(Struct, frozen=True):
    """A table of a worker. `row_count` of its assigned partitions and `size_bytes` with standbys are RocksDB's estimates.

    `entry_count`: what people count, if a table has several rows for each; None if these are too many to be counted.
    `remaining` and `standby_remaining`: changelog records that are not applied yet, of assigned partitions and of standbys.
    """

    name: str
    row_count: int
    size_bytes: int
    partitions: list[int]
    standby_partitions: list[int]
    remaining: int = 0
    standby_remaining: int = 0
    entry_count: int | None = None


class RecoveryReport(Struct, frozen=True):
    """A recovery of tables: the changelog records that it began with, those that remain, and the seconds so far."""

    total: int
    remaining: int
    seconds: float


class WorkerReport(Struct, frozen=True):
    """A worker. Times in seconds; `activity_seconds`: since when it does what `activity` says.

    `loop_lag`: how late its event loop was at worst in the last seconds. `produced`: records by topic since the start, without the topic
    prefix. `calls`: provider calls, `rows`: rows written to PostgreSQL, both since the start. `ordered_waiting`: deliveries to ordered
    endpoints that wait behind another one now.
    """

    role: str
    name: str
    version: str
    uptime: float
    memory_bytes: int
    loop_lag: float
    activity: WorkerActivity
    activity_seconds: float
    partitions: list[int]
    tables: list[TableReport]
    produced: dict[str, int]
    calls: int = 0
    rows: int = 0
    ordered_waiting: int = 0
    recovery: RecoveryReport | None = None
