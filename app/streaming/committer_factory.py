"""Builds what commits the batches of an app."""

from __future__ import annotations

from functools import partial
from time import monotonic

from faust.exceptions import NotReady

from app.streaming.application import StreamApp
from app.streaming.broker_clock import ObservedProducer
from app.streaming.commit.committers import CommitEngine, PipelinedCommitter, PipelinedOutbox
from app.streaming.commit.fencing import GenerationFence
from app.streaming.commit.outbox import BatchOutbox, UnbatchedOutbox
from app.streaming.commit.pipeline import PipelinePolicy
from app.streaming.consumer.failure_policy import ShutdownOnFailure
from app.streaming.rocksdb_table import RocksDBTable
from schemas.errors import UnavailableError

DEFAULT_MAX_MESSAGE_BYTES = 1_048_588  # Kafka's default of max.message.bytes
ROW_LINGER_RATIO = 4.0  # to that of the results, so that the next request comes first and takes the rows


def build_batch_committer(app: StreamApp, *, linger: float) -> PipelinedCommitter:
    """The committer of an app whose batches end in order (schemas.ports.BatchCommitter).

    `linger`: seconds that the rows of a batch wait for the next batch, so that one request takes both.
    """
    return PipelinedCommitter(_build_engine(app, PipelinePolicy(row_linger=linger)))


def build_shared_outbox(app: StreamApp, table: RocksDBTable, *, linger: float, max_records: int) -> PipelinedOutbox:
    """The one outbox of an app whose batches end in any order (schemas.ports.SharedOutbox); its rows go to `table`.

    `linger`: seconds that a group is open; its rows wait somewhat longer for the next group. `max_records`: records and rows of a worker
    that are not committed.
    """
    policy = PipelinePolicy(row_linger=linger * ROW_LINGER_RATIO, group_linger=linger, max_size=max_records, keep_fenced_outputs=True)
    return PipelinedOutbox(_build_engine(app, policy), table)


def build_unbatched_outbox(app: StreamApp) -> UnbatchedOutbox:
    """An outbox for records that belong to no batch (schemas.ports.FlushedOutbox). Raises UnavailableError before the app has started."""
    try:
        return UnbatchedOutbox(BatchOutbox(_get_producer(app), partial(_get_size_limit, app)))
    except NotReady as error:
        raise UnavailableError("the producer has not started") from error


def _build_engine(app: StreamApp, policy: PipelinePolicy) -> CommitEngine:
    return CommitEngine(
        partial(_get_producer, app),
        partial(_get_size_limit, app),
        # Faust creates the consumer when the worker starts, so the fence asks for it at its first use.
        GenerationFence(lambda: app.consumer.membership, session_timeout=app.settings.session_timeout, monotonic=monotonic),
        policy,
        ShutdownOnFailure(app, app.settings.shutdown_timeout),
    )


def _get_producer(app: StreamApp) -> ObservedProducer:
    return ObservedProducer(app.producer._ensure_producer(), app.broker_clock)


def _get_size_limit(app: StreamApp, topic: str) -> int:
    return app.settings.max_message_bytes.get(topic, DEFAULT_MAX_MESSAGE_BYTES)
