"""The registry of all methods and attributes of Faust, mode and aiokafka that are overridden or, if private, relied on.

Each entry has a fingerprint of the library's source. If a test computes another one, the library has changed: read its new source, adapt
the module named, and only then take the new fingerprint (`python -m app.streaming.library_overrides` prints all).
"""

from __future__ import annotations

from typing import NamedTuple

from app.streaming.patches.fingerprint import compute_fingerprint

CONSUMERS = "faust.transport.consumer"
CONSUMER = f"{CONSUMERS}:Consumer"
DRIVER = "faust.transport.drivers.aiokafka"
THREAD = f"{DRIVER}:AIOKafkaConsumerThread"
FETCHER = "aiokafka.consumer.fetcher"
COORDINATOR = "aiokafka.consumer.group_coordinator:GroupCoordinator"


class Override(NamedTuple):
    """One entry. `target`: the library's `module:name`. `module`: our module, relative to app.streaming.

    `reason`: why, with the private attributes used. `fingerprint`: of the target's source.
    """

    target: str
    module: str
    reason: str
    fingerprint: str


OVERRIDES: tuple[Override, ...] = (
    # ---- overridden
    Override(
        f"{CONSUMER}.__init__",
        "consumer.batch_consumer",
        "settings and priorities from the transport; ack tracker and watchdog; _active_partitions",
        "98de5b3b169c",
    ),
    Override(
        f"{CONSUMER}._drain_messages", "consumer.batch_consumer", "one event per batch instead of per record; fetch by pull", "8308d11bc7a2"
    ),
    Override(f"{CONSUMER}.ack", "consumer.batch_consumer", "acks in any order, by OffsetTracker; wakes the fetch", "6341c682b9ca"),
    Override(
        f"{CONSUMER}._new_offset",
        "consumer.batch_consumer",
        "commits the acknowledged prefix; Faust commits past unacknowledged batches (Faust issue 606)",
        "7524555f309a",
    ),
    Override(f"{CONSUMER}._filter_tps_with_pending_acks", "consumer.batch_consumer", "the partitions of OffsetTracker", "e4480bd5f48a"),
    Override(f"{CONSUMER}.perform_seek", "consumer.batch_consumer", "after a seek all batches in flight are redelivered", "b2fa31dd2a87"),
    Override(
        f"{CONSUMERS}:ThreadDelegateConsumer.seek_wait",
        "consumer.batch_consumer",
        "the offsets at which changelogs continue, which position_check compares",
        "36f330ed3699",
    ),
    Override(f"{CONSUMERS}:ThreadDelegateConsumer._commit", "consumer.batch_consumer", "what this process has committed", "894c0a0af4ae"),
    Override(f"{CONSUMER}.on_partitions_revoked", "consumer.batch_consumer", "clears the batches of revoked partitions", "1119883ef88f"),
    Override(f"{CONSUMER}.wait_empty", "consumer.batch_consumer", "Faust waits without limit for batches in flight", "f29971a4a89c"),
    Override(f"{CONSUMER}.stop_flow", "consumer.batch_consumer", "a waiting fetch returns when a rebalance begins", "1719f69952d1"),
    Override(
        f"{CONSUMER}.resume_partitions", "consumer.batch_consumer", "takes effect in resume_flow, which ends each rebalance", "0ce68544cb09"
    ),
    Override(f"{CONSUMER}.pause_partitions", "consumer.batch_consumer", "also pauses partitions that wait for resume_flow", "a51f7bdf316a"),
    Override(f"{CONSUMER}.resume_flow", "consumer.batch_consumer", "fetches the resumed partitions at once", "db5ac4ea999e"),
    Override("mode.utils.queues:FlowControlEvent.resume", "consumer.batch_consumer", "empties the agents' queues", "90d74eddd2aa"),
    Override(f"{CONSUMER}.verify_all_partitions_active", "consumer.batch_consumer", "compares epoch with monotonic time", "f27c0f9dd479"),
    Override(f"{DRIVER}:Consumer._new_consumer_thread", "consumer.batch_consumer", "PriorityConsumerThread", "e3e2675bb60b"),
    Override(f"{THREAD}.__post_init__", "consumer.consumer_thread", "the priority selector and the fetch pacer", "f1b304d50c87"),
    Override(f"{THREAD}._create_worker_consumer", "consumer.consumer_thread", "isolation level read_committed", "684c167041ff"),
    Override(f"{THREAD}.on_start", "consumer.consumer_thread", "paces fetches, records heartbeats", "03715c3bd9ce"),
    Override(f"{THREAD}.on_thread_stop", "consumer.consumer_thread", "without Kafka it raises, or waits without limit", "08913f186d43"),
    Override(
        "faust.transport.consumer:ConsumerThread.on_partitions_assigned",
        "consumer.consumer_thread",
        "counts as a heartbeat",
        "98ad90529d90",
    ),
    Override(
        f"{FETCHER}:Fetcher._get_actions_per_node",
        "consumer.consumer_thread",
        "how long a fetch waits at the broker depends on its partitions",
        "ac50ec79eb3f",
    ),
    Override(
        f"{COORDINATOR}._do_fetch_commit_offsets",
        "aiokafka_patches",
        "takes the error of a whole response, and an unknown topic, for no commit",
        "6881270a8b7c",
    ),
    Override(f"{COORDINATOR}._do_heartbeat", "consumer.consumer_thread", "records the last confirmed heartbeat", "657c48cf5315"),
    Override(f"{FETCHER}:PartitionRecords._consumer_record", "aiokafka_patches", "no frozen dataclass around each record", "d8ace8ffb7f6"),
    Override(
        "aiokafka.conn:AIOKafkaConnection.send",
        "aiokafka_patches",
        "uvloop's RuntimeError ends aiokafka's metadata task; a cancelled start leaks a connection",
        "3587057dfb1e",
    ),
    Override("aiokafka.conn:OAuthAuthenticator.step", "..kafka.oauth_token", "aiokafka does not notice a rejected token", "23f2b22df2fb"),
    Override(
        f"{FETCHER}:PartitionRecords._unpack_records",
        "aiokafka_patches",
        "reads batches by MemoryRecords, which is replaced; takes the one record of a control batch by next()",
        "40c81a2a6aac",
    ),
    Override("aiokafka.record.memory_records:_MemoryRecordsPy", "aiokafka_patches", "how batches follow each other", "1bf7bf6fee82"),
    Override(
        "aiokafka.record.default_records:_DefaultRecordBatchPy._maybe_uncompress",
        "aiokafka_patches",
        "leaves the records in _buffer, which becomes LenientBytes",
        "bc138c394b5d",
    ),
    Override(
        "aiokafka.record.default_records:_DefaultRecordBatchPy._read_msg",
        "aiokafka_patches",
        "decodes header names from slices of _buffer",
        "e3885fc47bc5",
    ),
    Override("aiokafka.codec:lz4_encode", "aiokafka_patches", "level 1 costs an eighth of level 9; output is 15 % larger", "92e3b154d9d7"),
    Override(f"{DRIVER}:Producer._settings_extra", "producer", "Faust has no setting for idempotence without transactions", "dc0ef076b07a"),
    Override(f"{DRIVER}:Producer.flush", "producer", "waits for partitions without a leader; all sends are awaited", "38ff8817068a"),
    Override(f"{DRIVER}:Producer.on_stop", "producer", "without Kafka it waits without limit", "ebaa422ae2e6"),
    Override(
        f"{DRIVER}:Producer.on_start",
        "producer",
        "loads metadata and checks partition counts before the first record",
        "f2b1967deaef",
    ),
    Override(f"{DRIVER}:Transport.__init__", "application", "passes settings and priorities to the consumer", "f6f87c44afb3"),
    Override(
        "faust.tables.base:Collection.__init__", "rocksdb_table", "next offsets of its changelog partitions; pending rows", "212630584ba4"
    ),
    Override("faust.tables.base:Collection._new_store", "rocksdb_table", "opens its databases with BloomFilterOptions", "f87a8c4e8866"),
    Override("faust.stores.rocksdb:RocksDBOptions.as_options", "rocksdb_table", "a Bloom filter for the memtable", "ec2bbbeab574"),
    Override(
        "faust.tables.base:Collection.apply_changelog_batch", "rocksdb_table", "recovery and standby by whole batches", "75bbb158de7b"
    ),
    Override("faust.tables.base:Collection.on_rebalance", "rocksdb_table", "next changelog offsets are read again", "7596cf773c8d"),
    Override(
        "faust.app.base:BootStrategy._should_enable_web",
        "faust_config",
        "the worker command turns the web server on by default",
        "77ba7adf46c6",
    ),
    Override(
        "faust.app.base:App.on_first_start", "application", "start-up checks; creates the data directory with its parents", "a4b79f5d5d08"
    ),
    Override("faust.app.base:App._on_partitions_assigned", "application", "checks partition counts before recovery starts", "af4c4d9f5752"),
    Override(
        "faust.app.base:App.on_stop", "application", "bounds a stop, which may wait forever while Kafka is unreachable", "81c33bf50695"
    ),
    Override("faust.tables.recovery:Recovery._wait", "recovery", "Faust never fetches again after a timeout", "794be6e54ea5"),
    Override("faust.tables.manager:TableManager.recovery", "recovery", "creates StrictRecovery", "2d1f5444084d"),
    Override("faust.tables.manager:TableManager.changelog_queue", "recovery", "resuming the flow must not empty it", "602f139f79ac"),
    Override("faust.tables.recovery:Recovery.on_rebalance", "recovery", "drops all that was fetched before", "34055a49383f"),
    Override("faust.tables.recovery:Recovery.on_stop", "recovery", "a failed write must not stop the stop", "2bb1cbd96760"),
    Override("faust.tables.recovery:Recovery._set_recovery_started", "recovery", "resets signal_recovery_end", "63f8f6f87bdb"),
    Override(
        "faust.tables.recovery:Recovery._build_highwaters",
        "recovery",
        "active_highwaters: ends of changelogs; checks stored offsets",
        "881584f42842",
    ),
    Override("faust.tables.recovery:Recovery._seek_offsets", "recovery", "seeks to the offset after the last applied one", "b50747ac17bf"),
    Override("faust.tables.recovery:Recovery.on_recovery_completed", "recovery", "also called after an early end", "2720e26cb703"),
    Override("faust.tables.recovery:Recovery._slurp_changelogs", "recovery", "swallows errors; misapplies events", "2e29833a409e"),
    # ---- relied on
    Override(
        f"{FETCHER}:Fetcher.__init__",
        "consumer.consumer_thread",
        "_records, _subscriptions, _closed; for pacing: _fetch_max_wait_ms, _prefetch_backoff, _fetcher_timeout",
        "843a68f444af",
    ),
    Override(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.start",
        "consumer.consumer_thread",
        "creates _fetcher, with _isolation_level, and _coordinator, on _client, for _subscription",
        "4b4c2a7c4187",
    ),
    Override("aiokafka.consumer.consumer:AIOKafkaConsumer.stop", "consumer.coordinator_watchdog", "sets _closed", "8528931e883a"),
    Override(
        "aiokafka.conn:AIOKafkaConnection.__init__",
        "aiokafka_patches",
        "_writer; _on_close_cb, which is None for the bootstrap connection",
        "408b5d611e63",
    ),
    Override(
        "aiokafka.producer.sender:Sender._fail_all",
        "..api.services.producer_connection",
        "called back by _sender's task when a producer is closed by force",
        "d4f609ba3d77",
    ),
    Override(
        "aiokafka.producer.producer:AIOKafkaProducer.__init__", "..api.services.producer_connection", "creates _sender", "d3cf03de4fca"
    ),
    Override(f"{DRIVER}:Producer._ensure_producer", "committer_factory", "aiokafka's producer, for the outbox", "4444c75c31a0"),
    Override(
        f"{THREAD}._ensure_consumer",
        "consumer.consumer_thread",
        "aiokafka's consumer; _consumer is the same without the check",
        "ab708b087b34",
    ),
    Override(
        "mode.services:Service.__init__",
        "consumer.failure_policy",
        "_crashed and _stopped, the events that a service waits on",
        "40375040f451",
    ),
    Override("aiokafka.client:AIOKafkaClient.bootstrap", "aiokafka_patches", "creates the one connection without on_close", "345e4c29fc22"),
    Override(
        f"{FETCHER}:Fetcher.fetched_records",
        "consumer.consumer_thread",
        "takes buffered records of one partition; does not wait with timeout 0",
        "002f5b2f4ca3",
    ),
    Override(
        f"{FETCHER}:Fetcher._update_fetch_positions",
        "consumer.consumer_thread",
        "without auto_offset_reset, NoOffsetForPartitionError among the _records",
        "4401abb57665",
    ),
    Override(
        f"{FETCHER}:Fetcher._proc_fetch_request",
        "consumer.consumer_thread",
        "without auto_offset_reset, OffsetOutOfRangeError among the _records",
        "be217e037d90",
    ),
    Override(f"{FETCHER}:Fetcher._create_fetch_waiter", "consumer.consumer_thread", "a future that new data resolves", "76ffca2bb1e8"),
    Override(
        f"{FETCHER}:FetchResult",
        "consumer.consumer_thread",
        "checks that position and assignment are those of the fetch",
        "fa61b3894a7f",
    ),
    Override(f"{THREAD}._fetch_records", "consumer.consumer_thread", "checks before a fetch; poll makes the same ones", "4ba572180fc6"),
    Override(f"{CONSUMER}._commit_offsets", "consumer.batch_consumer", "calls _new_offset, drops revoked partitions", "01d713e6896c"),
    Override(
        "faust.transport.conductor:Conductor._update_tp_index",
        "consumer.batch_consumer",
        "_tp_index: the channel of each partition",
        "ce84a2729031",
    ),
    Override(
        "faust.streams:Stream._c_aiter",
        "consumer.batch_handle",
        "enable_acks False: neither an exception nor a cancellation acknowledges",
        "f5885937567a",
    ),
    Override(
        "faust.agents.agent:Agent._execute_actor",
        "consumer.failure_policy",
        "handles an agent that raises, is cancelled or returns",
        "2ed6747a236c",
    ),
    Override("mode.worker:Worker._shutdown_loop", "consumer.failure_policy", "raises crash_reason at the end: exit code 1", "cf58fc8b2378"),
    Override(f"{COORDINATOR}.check_errors", "consumer.coordinator_watchdog", "raises the errors of the group", "5e7d4bba90bf"),
    Override(
        f"{COORDINATOR}.reset_generation",
        "consumer.consumer_thread",
        "generation is -1 once the group no longer knows this member",
        "c4d505a67237",
    ),
    Override(
        "aiokafka.producer.message_accumulator:BatchBuilder",
        "commit.outbox",
        "records are appended to its _builder; _relative_offset is their count",
        "99aef2c7e968",
    ),
    Override(
        "aiokafka.producer.message_accumulator:MessageAccumulator.add_batch",
        "commit.outbox",
        "KafkaTimeoutError means that the batch was not queued",
        "fc649d205899",
    ),
    Override(
        "aiokafka.producer.sender:SendProduceReqHandler._can_retry",
        "commit.outbox",
        "the idempotent producer retries without limit",
        "a6cd75e33880",
    ),
    Override(
        "faust.stores.rocksdb:Store._db_for_partition",
        "rocksdb_table",
        "the database of a partition; _dbs are the open ones",
        "e5e138d3d163",
    ),
    Override("faust.stores.rocksdb:Store.persisted_offset", "rocksdb_table", "how the changelog offset is stored", "b2bed8c216d0"),
    Override("faust.app.base:App._update_assignment", "consumer.membership", "_assignment: the partitions of this worker", "eb689b857732"),
)


if __name__ == "__main__":
    for override in OVERRIDES:
        print(override.target, compute_fingerprint(override.target))
