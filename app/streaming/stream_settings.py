"""Settings of one Faust app that works on batches; the values come from faust.yml (app/workers/worker_builder.py)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.streaming.consumer.fetch_scheduling import PriorityLimits


@dataclass(frozen=True)
class StreamSettings:
    """Settings of one Faust app; times in seconds, sizes in bytes.

    `app_id`: application id and consumer group. `bootstrap_servers`: host:port, comma separated. `datadir`: directory for the tables of
    this process alone; created at start with its parents. `topic_partitions`: count of every topic. `topic_replication_factor` and
    `standby_replicas`: of changelogs and tables. `topic_allow_declare`: whether Faust creates missing changelogs. `drain_timeout`: how
    long a rebalance or stop waits for batches in flight. `shutdown_timeout`: how long an orderly stop after an error may take.
    `priority_limits`: one for each priority, highest first. `fetch_max_wait`: how long a fetch of all partitions may wait at the broker.
    `max_in_flight_bytes`: of unfinished records, shared equally by the partitions. `web_port`: 0 turns the web server off.
    `max_message_bytes`: largest batch, by topic. `stop_on_position_jump`: whether the worker ends if a position moves without reading.
    `security`: aiokafka's keyword arguments for TLS and SASL.
    """

    app_id: str
    bootstrap_servers: str
    security: Mapping[str, Any] = field(repr=False)
    datadir: Path
    topic_partitions: int
    topic_replication_factor: int
    standby_replicas: int
    topic_allow_declare: bool
    commit_interval: float
    session_timeout: float
    produce_timeout: float
    drain_timeout: float
    shutdown_timeout: float
    priority_limits: tuple[PriorityLimits, ...]
    fetch_max_wait: float
    max_in_flight_bytes: int
    web_port: int
    web_bind: str
    max_message_bytes: Mapping[str, int]
    stop_on_position_jump: bool
