"""The settings of a Faust app that works on batches, and Faust's configuration built from them.

Their values come from faust.yml (app/workers/worker_builder.py).
"""

from __future__ import annotations

import os
import ssl
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import Any

import faust
from faust.app.base import BootStrategy

from app.streaming.consumer.fetch_scheduling import PriorityLimits
from app.streaming.recovery import StrictTableManager
from app.streaming.rocksdb_table import RocksDBTable

MAX_HEARTBEAT_INTERVAL = 3.0  # seconds; Kafka's default
REBALANCE_TIMEOUT = 60.0  # seconds
REQUEST_TIMEOUT = 60.0  # seconds
MAX_POLL_INTERVAL = 600.0  # seconds
MAX_FETCH_SIZE = 512 * 1024  # bytes of one partition in one fetch
MAX_BATCH_SIZE = 240 * 1024  # bytes of one produced batch
STREAM_BUFFER_MAXSIZE = 4096  # batches; never reached: PriorityLimits bounds the batches in flight
DEFAULT_WEB_PORT = 6066  # Faust's; Faust requires a port although the web server is off


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
    `security`: aiokafka's keyword arguments for TLS and SASL. `web_ssl_context`: with it the web server has TLS.
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
    web_ssl_context: ssl.SSLContext | None = None


class SettingsBootStrategy(BootStrategy):
    """Starts the web server only if `web_port` is set; the `worker` command starts it by default."""

    def _should_enable_web(self) -> bool:
        return bool(self.app.settings.web_port)


def build_conf(settings: StreamSettings) -> dict[str, Any]:
    """The keyword arguments of faust.App."""
    return {**_build_broker_conf(settings), **_build_producer_conf(settings), **_build_web_conf(settings), **_build_table_conf(settings)}


def _build_broker_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        # In Faust, environment variables override these arguments. The prefix excludes variables that were set for other programs.
        "env_prefix": "HEROLD_FAUST",
        "broker": [f"kafka://{address}" for address in settings.bootstrap_servers.split(",")],
        "broker_credentials": _build_credentials(settings.security),
        "broker_commit_interval": settings.commit_interval,
        "broker_session_timeout": settings.session_timeout,
        "broker_heartbeat_interval": min(MAX_HEARTBEAT_INTERVAL, settings.session_timeout / 3),
        "broker_rebalance_timeout": REBALANCE_TIMEOUT,
        "broker_request_timeout": REQUEST_TIMEOUT,
        "broker_max_poll_interval": MAX_POLL_INTERVAL,
        "consumer_max_fetch_size": MAX_FETCH_SIZE,
        # A position is set anew only by `_reset_position` in consumer/buffered_records.py, and reported.
        "consumer_auto_offset_reset": "none",
        "stream_buffer_maxsize": STREAM_BUFFER_MAXSIZE,
        "worker_redirect_stdouts": False,
    }


def _build_credentials(security: Mapping[str, Any]) -> Any:
    """Faust's form of aiokafka's keyword arguments: its consumer and its producer connect with the same as all other clients."""
    ssl_context = security.get("ssl_context")
    if "sasl_oauth_token_provider" in security:
        return faust.OAuthCredentials(oauth_cb=security["sasl_oauth_token_provider"], ssl_context=ssl_context)
    if "sasl_mechanism" in security:
        return faust.SASLCredentials(
            username=security["sasl_plain_username"],
            password=security["sasl_plain_password"],
            mechanism=security["sasl_mechanism"],
            ssl_context=ssl_context,
        )
    return faust.SSLCredentials(ssl_context) if ssl_context else None


def _build_producer_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "producer_acks": -1,
        "producer_linger": 0,
        "producer_max_batch_size": MAX_BATCH_SIZE,
        "producer_compression_type": "lz4",
        "producer_request_timeout": settings.produce_timeout,
        "producer_partitioner": _select_partition,
    }


def _select_partition(key: bytes | None, all_partitions: Sequence[int], available: Sequence[int]) -> int:
    """crc32 of the key, the default of librdkafka; schemas.ids.compute_partition gives the same partition."""
    return all_partitions[zlib.crc32(key or b"") % len(all_partitions)]


def _build_table_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "store": "rocksdb://",
        "datadir": str(settings.datadir),
        "Table": RocksDBTable,
        "TableManager": StrictTableManager,
        "table_standby_replicas": settings.standby_replicas,
        "topic_partitions": settings.topic_partitions,
        "topic_replication_factor": settings.topic_replication_factor,
        "topic_allow_declare": settings.topic_allow_declare,
        "topic_disable_leader": True,
    }


def _build_web_conf(settings: StreamSettings) -> dict[str, Any]:
    return {
        "web_enabled": bool(settings.web_port),
        "web_bind": settings.web_bind,
        "web_port": settings.web_port or DEFAULT_WEB_PORT,
        "web_ssl_context": settings.web_ssl_context,
        # The group's leader identifies workers by this URL. It must be unique, and reachable if the web server is on.
        "canonical_url": _build_canonical_url(settings),
        "web_tables_enabled": False,
        "web_router_enabled": False,
    }


def _build_canonical_url(settings: StreamSettings) -> str:
    host = gethostname() if settings.web_bind == "0.0.0.0" else settings.web_bind
    scheme = "https" if settings.web_ssl_context else "http"
    return f"{scheme}://{host}:{settings.web_port}" if settings.web_port else f"http://{gethostname()}/{os.getpid()}"
