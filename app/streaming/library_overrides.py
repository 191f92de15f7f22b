"""All methods and attributes of Faust, mode and aiokafka that are overridden or, if private, relied on.

Each entry has a fingerprint of the library's source. If a test computes another one, the library has changed: read its new source, adapt
the module named, and only then take the new fingerprint (`python -m app.streaming.library_overrides` prints all).
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, cast

CONSUMERS = "faust.transport.consumer"
CONSUMER = f"{CONSUMERS}:Consumer"
DRIVER = "faust.transport.drivers.aiokafka"
THREAD = f"{DRIVER}:AIOKafkaConsumerThread"
APP = "faust.app.base:App"
COLLECTION = "faust.tables.base:Collection"
RECOVERY = "faust.tables.recovery:Recovery"
FETCHER = "aiokafka.consumer.fetcher"
COORDINATOR = "aiokafka.consumer.group_coordinator:GroupCoordinator"
RECORD_BATCH = "aiokafka.record.default_records:_DefaultRecordBatchPy"

# By our module, relative to app.streaming: the library's `module:name`, the fingerprint of its source, and why, with the private
# attributes used.
Overrides = Mapping[str, tuple[tuple[str, str, str], ...]]

# Overridden or replaced here, or dependent on what is replaced.
OVERRIDDEN: Overrides = {
    "consumer.batch_consumer": (
        (
            f"{CONSUMER}.__init__",
            "98de5b3b169c",
            "settings and priorities from the transport; ack tracker and watchdog; _active_partitions",
        ),
        (f"{CONSUMER}._drain_messages", "8308d11bc7a2", "one event per batch instead of per record; fetch by pull"),
        (f"{CONSUMER}.ack", "6341c682b9ca", "acks in any order, by OffsetTracker; wakes the fetch"),
        (
            f"{CONSUMER}._new_offset",
            "7524555f309a",
            "commits the acknowledged prefix; Faust commits past unacknowledged batches (Faust issue 606)",
        ),
        (f"{CONSUMER}._should_commit", "b3181fcc8ee8", "commits lower offsets too, after a jump back"),
        (f"{CONSUMER}._filter_tps_with_pending_acks", "e4480bd5f48a", "the partitions of OffsetTracker"),
        (f"{CONSUMER}.perform_seek", "b2fa31dd2a87", "after a seek all batches in flight are redelivered"),
        (
            f"{CONSUMERS}:ThreadDelegateConsumer.seek_wait",
            "36f330ed3699",
            "the offsets at which changelogs continue, which position_check compares",
        ),
        (f"{CONSUMERS}:ThreadDelegateConsumer._commit", "894c0a0af4ae", "what this process has committed"),
        (f"{CONSUMER}.on_partitions_revoked", "1119883ef88f", "clears the batches of revoked partitions"),
        (f"{CONSUMER}.wait_empty", "f29971a4a89c", "Faust waits without limit for batches in flight"),
        (f"{CONSUMER}.stop_flow", "1719f69952d1", "a waiting fetch returns when a rebalance begins"),
        (f"{CONSUMER}.resume_partitions", "0ce68544cb09", "takes effect in resume_flow, which ends each rebalance"),
        (f"{CONSUMER}.pause_partitions", "a51f7bdf316a", "also pauses partitions that wait for resume_flow"),
        (f"{CONSUMER}.resume_flow", "db5ac4ea999e", "fetches the resumed partitions at once"),
        ("mode.utils.queues:FlowControlEvent.resume", "90d74eddd2aa", "empties the agents' queues"),
        (f"{CONSUMER}.verify_all_partitions_active", "f27c0f9dd479", "compares epoch with monotonic time"),
        (f"{DRIVER}:Consumer._new_consumer_thread", "e3e2675bb60b", "ConsumerDelegate"),
    ),
    "consumer.commit_pacing": ((f"{CONSUMER}._commit_handler", "e55b93967595", "commits less often in quiet traffic"),),
    "consumer.consumer_delegate": (
        (f"{THREAD}.__post_init__", "f1b304d50c87", "the priority selector and the fetch pacer"),
        (f"{THREAD}._create_worker_consumer", "684c167041ff", "isolation level read_committed"),
        (f"{THREAD}.on_start", "03715c3bd9ce", "paces fetches, records heartbeats"),
        (f"{THREAD}.on_thread_stop", "08913f186d43", "without Kafka it raises, or waits without limit"),
        (
            "mode.threads:ServiceThread",
            "428f5ccd4450",
            "Service's own _stopped_set, _stop_children, _stop_futures and _stop_exit_stacks: its own are for a thread",
        ),
        ("mode.threads:QueueServiceThread.call_thread", "b40fd95d4d49", "calls at once"),
        ("mode.services:Service._get_tasks", "55477e0f8d3f", "not the task that keeps the thread alive"),
        (f"{CONSUMERS}:ConsumerThread.__init__", "69ba3f5214d0", "thread_loop is the loop of the worker"),
        ("mode.services:ServiceCallbacks.on_stop", "e40138bc15d4", "stops aiokafka's consumer; in a thread on_thread_stop does"),
        (f"{THREAD}.close", "4c71cf3a48fb", "closes the connections in a rebalance during a stop"),
        (f"{CONSUMERS}:ConsumerThread.on_partitions_revoked", "4ab891f28851", "a rebalance waits for a stop"),
        (f"{CONSUMERS}:ConsumerThread.on_partitions_assigned", "98ad90529d90", "counts as a heartbeat"),
        (f"{FETCHER}:Fetcher._get_actions_per_node", "ac50ec79eb3f", "what a fetch includes, and how long it waits at the broker"),
        (f"{COORDINATOR}._do_heartbeat", "657c48cf5315", "records the last confirmed heartbeat"),
    ),
    "aiokafka_patches": (
        (
            f"{COORDINATOR}._do_fetch_commit_offsets",
            "6881270a8b7c",
            "takes the error of a whole response, and an unknown topic, for no commit",
        ),
        (f"{FETCHER}:PartitionRecords._consumer_record", "d8ace8ffb7f6", "no frozen dataclass around each record"),
        (
            "aiokafka.conn:AIOKafkaConnection.send",
            "3587057dfb1e",
            "uvloop's RuntimeError ends aiokafka's metadata task; a cancelled start leaks a connection",
        ),
        (
            f"{FETCHER}:PartitionRecords._unpack_records",
            "40c81a2a6aac",
            "reads batches by MemoryRecords, which is replaced; takes the one record of a control batch by next()",
        ),
        ("aiokafka.record.memory_records:_MemoryRecordsPy", "1bf7bf6fee82", "how batches follow each other"),
        (f"{RECORD_BATCH}._maybe_uncompress", "bc138c394b5d", "leaves the records in _buffer, which becomes LenientBytes"),
        (f"{RECORD_BATCH}._read_msg", "e3885fc47bc5", "decodes header names from slices of _buffer"),
        ("aiokafka.codec:lz4_encode", "92e3b154d9d7", "level 1 costs an eighth of level 9; output is 15 % larger"),
    ),
    "compiled_schemas": (
        (
            "aiokafka.protocol.struct:Struct",
            "df87d5f470b9",
            "each message; _original_encode and _original_decode are its own",
        ),
        ("aiokafka.protocol.types:Schema", "424a557e3901", "encodes and decodes each field by itself; fields, names"),
        ("aiokafka.protocol.types:Array", "ae2eff0f5d50", "the same for each item; array_of"),
        ("aiokafka.protocol.types:String", "87c34fd97c7c", "None has the length -1"),
        ("aiokafka.protocol.types:Bytes", "59aa147c34c2", "None has the length -1"),
    ),
    "..kafka.oauth_token": (("aiokafka.conn:OAuthAuthenticator.step", "23f2b22df2fb", "aiokafka does not notice a rejected token"),),
    "producer": (
        (f"{DRIVER}:Producer._settings_extra", "dc0ef076b07a", "Faust has no setting for idempotence without transactions"),
        (f"{DRIVER}:Producer.flush", "38ff8817068a", "waits for partitions without a leader; all sends are awaited"),
        (f"{DRIVER}:Producer.on_stop", "ebaa422ae2e6", "without Kafka it waits without limit"),
        (f"{DRIVER}:Producer.on_start", "f2b1967deaef", "loads metadata and checks partition counts before the first record"),
        (f"{DRIVER}:Producer._producer_type", "39dfa6da4dbb", "aiokafka's producer, which counts records"),
        ("aiokafka.producer.producer:AIOKafkaProducer.send_batch", "cfaf7859ba4e", "counts the records that are queued"),
    ),
    "application": (
        (f"{DRIVER}:Transport.__init__", "f6f87c44afb3", "passes settings and priorities to the consumer"),
        (f"{APP}.on_first_start", "a4b79f5d5d08", "start-up checks; creates the data directory with its parents"),
        (f"{APP}._on_partitions_assigned", "af4c4d9f5752", "checks partition counts before recovery starts"),
        (f"{APP}.on_stop", "81c33bf50695", "bounds a stop, which may wait forever while Kafka is unreachable"),
    ),
    "rocksdb_table": (
        (f"{COLLECTION}.__init__", "212630584ba4", "next offsets of its changelog partitions; pending rows"),
        (f"{COLLECTION}._new_store", "f87a8c4e8866", "opens its databases with BloomFilterOptions"),
        ("faust.stores.rocksdb:RocksDBOptions.as_options", "ec2bbbeab574", "a Bloom filter for the memtable"),
        (f"{COLLECTION}.apply_changelog_batch", "75bbb158de7b", "recovery and standby by whole batches"),
        (f"{COLLECTION}.on_rebalance", "7596cf773c8d", "next changelog offsets are read again"),
    ),
    "faust_config": (
        ("faust.app.base:BootStrategy._should_enable_web", "77ba7adf46c6", "the worker command turns the web server on by default"),
    ),
    "recovery": (
        (f"{RECOVERY}._wait", "794be6e54ea5", "Faust never fetches again after a timeout"),
        ("faust.tables.manager:TableManager.recovery", "2d1f5444084d", "creates StrictRecovery"),
        ("faust.tables.manager:TableManager.changelog_queue", "602f139f79ac", "resuming the flow must not empty it"),
        (f"{RECOVERY}.on_rebalance", "34055a49383f", "drops all that was fetched before"),
        (f"{RECOVERY}.on_stop", "2bb1cbd96760", "a failed write must not stop the stop"),
        (f"{RECOVERY}._set_recovery_started", "63f8f6f87bdb", "resets signal_recovery_end"),
        (f"{RECOVERY}._build_highwaters", "881584f42842", "active_highwaters: ends of changelogs; checks stored offsets"),
        (f"{RECOVERY}._seek_offsets", "b50747ac17bf", "seeks to the offset after the last applied one"),
        (f"{RECOVERY}.on_recovery_completed", "2720e26cb703", "also called after an early end"),
        (f"{RECOVERY}._slurp_changelogs", "2e29833a409e", "swallows errors; misapplies events"),
    ),
}

# Called or read here although it is private, or taken for granted.
RELIED_ON: Overrides = {
    "consumer.buffered_records": (
        (f"{FETCHER}:Fetcher.fetched_records", "002f5b2f4ca3", "takes buffered records of one partition; does not wait with timeout 0"),
        (
            f"{FETCHER}:Fetcher._update_fetch_positions",
            "4401abb57665",
            "without auto_offset_reset, NoOffsetForPartitionError among the _records",
        ),
        (f"{FETCHER}:Fetcher._proc_fetch_request", "be217e037d90", "without auto_offset_reset, OffsetOutOfRangeError among the _records"),
    ),
    "consumer.consumer_delegate": (
        ("mode.services:Service.stop", "94657521c5da", "calls on_stop, stops the children and tasks"),
        (f"{APP}._on_rebalance_when_stopped", "7f75f638221f", "only calls close"),
        (f"{COORDINATOR}._on_join_prepare", "e9ff01a42cfa", "awaits the listener in the coordinator's task; a cancellation ends it"),
        (f"{COORDINATOR}.close", "5fabf3bc861f", "awaits that task unless it has ended, then leaves the group"),
        (
            f"{FETCHER}:Fetcher.__init__",
            "843a68f444af",
            "_records, _subscriptions, _closed; for pacing: _fetch_max_wait_ms, _prefetch_backoff, _fetcher_timeout, _in_flight",
        ),
        (
            "aiokafka.consumer.consumer:AIOKafkaConsumer.start",
            "4b4c2a7c4187",
            "creates _fetcher, with _isolation_level, and _coordinator, on _client, for _subscription",
        ),
        (
            f"{FETCHER}:Fetcher._fetch_requests_routine",
            "aa6b3ee60a22",
            "_pending_tasks loses a task that has ended before _in_flight loses its node",
        ),
        (f"{THREAD}._ensure_consumer", "ab708b087b34", "aiokafka's consumer; _consumer is the same without the check"),
        (f"{FETCHER}:Fetcher._create_fetch_waiter", "76ffca2bb1e8", "a future that new data resolves"),
        (f"{FETCHER}:FetchResult", "fa61b3894a7f", "checks that position and assignment are those of the fetch; _created"),
        (f"{THREAD}._fetch_records", "4ba572180fc6", "checks before a fetch; poll makes the same ones"),
        (f"{COORDINATOR}.reset_generation", "c4d505a67237", "generation is -1 once the group no longer knows this member"),
    ),
    "consumer.membership": (
        (f"{APP}._update_assignment", "eb689b857732", "_assignment: the partitions of this worker"),
        ("aiokafka.consumer.consumer:AIOKafkaConsumer.stop", "8528931e883a", "sets _closed"),
        (f"{COORDINATOR}.check_errors", "5e7d4bba90bf", "raises the errors of the group"),
    ),
    "aiokafka_patches": (
        ("aiokafka.conn:AIOKafkaConnection.__init__", "408b5d611e63", "_writer; _on_close_cb, which is None for the bootstrap connection"),
        ("aiokafka.client:AIOKafkaClient.bootstrap", "345e4c29fc22", "creates the one connection without on_close"),
    ),
    "..kafka.acl_requests": (
        (
            "aiokafka.admin.client:AIOKafkaAdminClient._send_request",
            "f22c6873ed66",
            "_send_request: aiokafka has no method for these requests",
        ),
    ),
    "..api.services.producer_connection": (
        ("aiokafka.producer.sender:Sender._fail_all", "d4f609ba3d77", "called back by _sender's task when a producer is closed by force"),
        ("aiokafka.producer.producer:AIOKafkaProducer.__init__", "d3cf03de4fca", "creates _sender"),
    ),
    "committer_factory": ((f"{DRIVER}:Producer._ensure_producer", "4444c75c31a0", "aiokafka's producer, for the outbox"),),
    "consumer.failure_policy": (
        ("mode.services:Service.__init__", "40375040f451", "_crashed and _stopped, the events that a service waits on"),
        ("faust.agents.agent:Agent._execute_actor", "2ed6747a236c", "handles an agent that raises, is cancelled or returns"),
        ("mode.worker:Worker._gather_all", "381360535285", "waits for tasks that still run; counts in the limits of a stop"),
        ("mode.worker:Worker._shutdown_loop", "cf58fc8b2378", "raises crash_reason at the end: exit code 1"),
    ),
    "consumer.batch_consumer": (
        (f"{CONSUMER}._commit_offsets", "01d713e6896c", "calls _new_offset, drops revoked partitions"),
        ("faust.transport.conductor:Conductor._update_tp_index", "ce84a2729031", "_tp_index: the channel of each partition"),
    ),
    "consumer.faust_batch": (
        ("faust.streams:Stream._c_aiter", "f5885937567a", "enable_acks False: neither an exception nor a cancellation acknowledges"),
    ),
    "commit.outbox": (
        (
            "aiokafka.producer.message_accumulator:BatchBuilder",
            "99aef2c7e968",
            "records are appended to its _builder; _relative_offset is their count",
        ),
        (
            "aiokafka.producer.message_accumulator:MessageAccumulator.add_batch",
            "fc649d205899",
            "KafkaTimeoutError means that the batch was not queued",
        ),
        ("aiokafka.producer.sender:SendProduceReqHandler._can_retry", "a6cd75e33880", "the idempotent producer retries without limit"),
    ),
    "rocksdb_table": (
        ("faust.stores.rocksdb:Store._db_for_partition", "e5e138d3d163", "the database of a partition; _dbs are the open ones"),
        ("faust.stores.rocksdb:Store.persisted_offset", "b2bed8c216d0", "how the changelog offset is stored"),
    ),
}


class Override(NamedTuple):
    """One entry."""

    module: str
    target: str
    fingerprint: str
    reason: str


OVERRIDES = tuple(
    Override(module, *entry) for overrides in (OVERRIDDEN, RELIED_ON) for module, entries in overrides.items() for entry in entries
)


def compute_fingerprint(target: str) -> str:
    """A hash of the source of `module:name`. It is read from the file, because the loaded object may be patched. Raises LookupError."""
    module, _, name = target.partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"no module {module}")
    source = Path(spec.origin).read_text(encoding="utf-8")
    node: ast.AST = ast.parse(source)
    for part in name.split("."):
        node = _find_child(node, part, target)
    segment = ast.get_source_segment(source, cast(ast.stmt, node)) or ""
    return sha256(segment.encode()).hexdigest()[:12]


def _find_child(node: ast.AST, name: str, target: str) -> ast.AST:
    for child in ast.walk(node):
        if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and child.name == name:
            return child
    raise LookupError(f"no {target}")


if __name__ == "__main__":
    for override in OVERRIDES:
        print(override.target, compute_fingerprint(override.target))
