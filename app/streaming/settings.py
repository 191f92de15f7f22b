"""What one role of the pipeline needs to read and write Kafka in batches; times in seconds, sizes in bytes."""

from dataclasses import dataclass, field
from pathlib import Path

from app.streaming.consumer.priority_selector import PriorityLimits

# Low batches are small while a higher priority has traffic: a high batch waits for at most one of them on its partition.
DEFAULT_PRIORITY_LIMITS = (
    PriorityLimits(max_batch_records=500, max_batch_records_busy=500, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=0),
    PriorityLimits(max_batch_records=500, max_batch_records_busy=128, max_in_flight_batches=2, max_in_flight_batches_busy=2, max_skips=4),
    PriorityLimits(max_batch_records=500, max_batch_records_busy=64, max_in_flight_batches=1, max_in_flight_batches_busy=1, max_skips=16),
)


@dataclass(frozen=True)
class StreamSettings:
    """Settings of one Faust app.

    `app_id`: also the consumer group; `datadir`: one per process, its parents are made; `topic_partitions`: of every topic;
    `topic_replication_factor` and `standby_replicas`: of the changelogs and their tables; `drain_timeout`: how long a rebalance or stop
    waits for batches in hand; `shutdown_timeout`: how long an orderly end after an error may take. `busy_period`: how long a priority must
    be quiet before the priorities below get large batches. `fetch_max_wait`, `fetch_max_wait_partial`, `small_fetch_delay`,
    `small_fetch_records`: see fetch_pacing.py; `prefetch_backoff`: how long read and untaken records hold back others. `linger` and
    `linger_max_records` bound the shared outbox's groups. `max_message_bytes`: the most bytes of a batch, by topic.
    """

    app_id: str
    bootstrap_servers: str
    datadir: Path
    topic_partitions: int = 4
    topic_replication_factor: int = 1
    standby_replicas: int = 0
    topic_allow_declare: bool = False

    commit_interval: float = 1.0
    session_timeout: float = 15.0
    heartbeat_interval: float = 3.0
    rebalance_timeout: float = 60.0
    request_timeout: float = 60.0
    produce_timeout: float = 120.0
    max_poll_interval: float = 600.0
    drain_timeout: float = 30.0
    shutdown_timeout: float = 10.0
    watchdog_interval: float = 5.0

    priority_limits: tuple[PriorityLimits, ...] = DEFAULT_PRIORITY_LIMITS
    busy_period: float = 1.0
    max_fetch_size: int = 512 * 1024
    fetch_max_wait: float = 0.5
    fetch_max_wait_partial: float = 0.01
    prefetch_backoff: float = 0.005
    small_fetch_delay: float = 0.01
    small_fetch_records: int = 16
    max_batch_size: int = 240 * 1024
    linger: float = 0.005
    linger_max_records: int = 1024

    web_port: int = 0
    web_bind: str = "127.0.0.1"
    web_token: str = ""
    max_message_bytes: dict[str, int] = field(default_factory=dict)
    default_max_message_bytes: int = 1_048_588
