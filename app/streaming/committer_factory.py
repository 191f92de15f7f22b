"""Builds what commits the batches of an app: a pipelined committer, or one shared outbox."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from app.streaming.application import StreamApp
from app.streaming.broker_clock import ObservedProducer
from app.streaming.commit.batch_committer import PipelinedCommitter
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import SizeLimit
from app.streaming.commit.shared_outbox import GroupCommitOutbox
from app.streaming.consumer.failure_policy import ShutdownOnFailure
from app.streaming.rocksdb_table import RocksDBTable

DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # Kafka's default of max.message.bytes


def build_batch_committer(app: StreamApp, *, linger: float) -> PipelinedCommitter:
    """The committer of an app whose batches end in order (schemas.ports.BatchCommitter).

    `linger`: seconds that the rows of a batch wait for the next batch, so that one request takes both.
    """
    return PipelinedCommitter(
        _build_producer_getter(app),
        _build_size_limit(app),
        _build_fence(app),
        linger=linger,
        on_failure=ShutdownOnFailure(app, app.settings.shutdown_timeout),
    )


def build_shared_outbox(app: StreamApp, table: RocksDBTable, *, linger: float, max_records: int) -> GroupCommitOutbox:
    """The one outbox of an app whose batches end in any order (schemas.ports.SharedOutbox); its rows go to `table`.

    `linger`: seconds that a group is open; `max_records`: records and rows that close it earlier.
    """
    return GroupCommitOutbox(
        _build_producer_getter(app),
        _build_size_limit(app),
        _build_fence(app),
        table,
        linger=linger,
        max_records=max_records,
        on_failure=ShutdownOnFailure(app, app.settings.shutdown_timeout),
    )


def _build_fence(app: StreamApp) -> GenerationFence:
    # Faust creates the consumer when the worker starts, so the fence asks for it at its first use.
    return GenerationFence(lambda: app.consumer.membership, session_timeout=app.settings.session_timeout, monotonic=monotonic)


def _build_size_limit(app: StreamApp) -> SizeLimit:
    limits = app.settings.max_message_bytes
    return lambda topic: limits.get(topic, DEFAULT_MAX_MESSAGE_BYTES)


def _build_producer_getter(app: StreamApp) -> Callable[[], Any]:
    return lambda: ObservedProducer(app.producer._ensure_producer(), app.broker_clock)
