"""What one role of the pipeline needs to read and write Kafka in batches; times in seconds, sizes in bytes."""

from dataclasses import dataclass, field
from pathlib import Path

from app.streaming.lanes import LaneRule

# Low batches are small while a higher lane has traffic: a high batch waits for at most one of them on its partition.
LANE_RULES = (
    LaneRule(records=500, records_busy=500, depth=2, depth_busy=2, patience=0),
    LaneRule(records=500, records_busy=128, depth=2, depth_busy=2, patience=4),
    LaneRule(records=500, records_busy=64, depth=1, depth_busy=1, patience=16),
)


@dataclass(frozen=True)
class StreamSettings:
    """Settings of one Faust app.

    `app_id`: also the consumer group; `datadir`: one per process, its parents are made; `partitions`: of every topic; `replication` and
    `standbys`: of the changelogs and their tables; `drain`: how long a rebalance or stop waits for batches in hand; `end_after`: how long
    an orderly end after an error may take. `lane_quiet`: how long a lane must be quiet before the lanes below get large batches.
    `fetch_idle`, `fetch_partial`, `gather`, `gather_below`: see pace.py; `fetch_hold`: how long read and untaken records hold back others.
    `linger` and `group_records` bound the shared outbox's groups. `topic_limits`: the most bytes of a batch, by topic.
    """

    app_id: str
    broker: str
    datadir: Path
    partitions: int = 4
    replication: int = 1
    standbys: int = 0
    declare_topics: bool = False

    commit_interval: float = 1.0
    session_timeout: float = 15.0
    heartbeat_interval: float = 3.0
    rebalance_timeout: float = 60.0
    request_timeout: float = 60.0
    produce_timeout: float = 120.0
    poll_interval: float = 600.0
    drain: float = 30.0
    end_after: float = 10.0
    watchdog_interval: float = 5.0

    lane_rules: tuple[LaneRule, ...] = LANE_RULES
    lane_quiet: float = 1.0
    fetch_bytes: int = 512 * 1024
    fetch_idle: float = 0.5
    fetch_partial: float = 0.01
    fetch_hold: float = 0.005
    gather: float = 0.01
    gather_below: int = 16
    batch_bytes: int = 240 * 1024
    linger: float = 0.005
    group_records: int = 1024

    web_port: int = 0
    web_bind: str = "127.0.0.1"
    web_token: str = ""
    topic_limits: dict[str, int] = field(default_factory=dict)
    default_limit: int = 1_048_588
