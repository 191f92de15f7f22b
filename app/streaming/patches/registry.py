"""Every private method or attribute of Faust, mode and aiokafka that is overridden or relied on: where, why, and what it looked like.

A fingerprint is taken from the source of what is named. If a test finds another one, the library has changed underneath: read the new
source, adapt the place named, and only then take the new fingerprint (`python -m app.streaming.patches.registry` prints all).
"""

from __future__ import annotations

import ast
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, cast

CONSUMER = "faust.transport.consumer:Consumer"
DRIVER = "faust.transport.drivers.aiokafka"
THREAD = f"{DRIVER}:AIOKafkaConsumerThread"
FETCHER = "aiokafka.consumer.fetcher"
COORDINATOR = "aiokafka.consumer.group_coordinator:GroupCoordinator"


class Override(NamedTuple):
    """What is overridden or relied on, as `module:name`; our module, seen from app.streaming; why, and the attributes; a fingerprint."""

    target: str
    module: str
    reason: str
    fingerprint: str


OVERRIDES: tuple[Override, ...] = (
    # ---- overridden
    Override(
        f"{CONSUMER}.__init__",
        "consumer.batch_consumer",
        "settings and priorities from the transport; ack tracker, room, watchdog; its _active_partitions",
        "98de5b3b169c",
    ),
    Override(
        f"{CONSUMER}._drain_messages", "consumer.batch_consumer", "one event per batch instead of per record; fetch by pull", "8308d11bc7a2"
    ),
    Override(f"{CONSUMER}.ack", "consumer.batch_consumer", "acks in any order, kept by AckTracker; wakes the fetch", "6341c682b9ca"),
    Override(
        f"{CONSUMER}._new_offset",
        "consumer.batch_consumer",
        "commit the acknowledged prefix; Faust skips holes (Faust issue 606)",
        "7524555f309a",
    ),
    Override(
        f"{CONSUMER}._filter_tps_with_pending_acks", "consumer.batch_consumer", "the partitions that AckTracker knows", "e4480bd5f48a"
    ),
    Override(f"{CONSUMER}.perform_seek", "consumer.batch_consumer", "after a seek all batches in hand come again", "b2fa31dd2a87"),
    Override(f"{CONSUMER}.on_partitions_revoked", "consumer.batch_consumer", "forget the batches of revoked partitions", "1119883ef88f"),
    Override(f"{CONSUMER}.wait_empty", "consumer.batch_consumer", "Faust waits without limit for batches in hand", "f29971a4a89c"),
    Override(f"{CONSUMER}.stop_flow", "consumer.batch_consumer", "a fetch that waits comes back when a rebalance begins", "1719f69952d1"),
    Override(
        f"{CONSUMER}.resume_partitions", "consumer.batch_consumer", "not before resume_flow, which ends each rebalance", "0ce68544cb09"
    ),
    Override(f"{CONSUMER}.resume_flow", "consumer.batch_consumer", "then partitions are fetched, at once", "db5ac4ea999e"),
    Override("mode.utils.queues:FlowControlEvent.resume", "consumer.batch_consumer", "empties the agents' queues", "90d74eddd2aa"),
    Override(
        f"{CONSUMER}.verify_all_partitions_active", "consumer.batch_consumer", "compares epoch with monotonic time: noise", "f27c0f9dd479"
    ),
    Override(f"{DRIVER}:Consumer._new_consumer_thread", "consumer.batch_consumer", "our thread", "e3e2675bb60b"),
    Override(f"{THREAD}.__post_init__", "consumer.consumer_thread", "the priority selector and the fetch pacer", "f1b304d50c87"),
    Override(f"{THREAD}.on_start", "consumer.consumer_thread", "sets the pace, listens for heartbeats", "03715c3bd9ce"),
    Override(f"{THREAD}.on_thread_stop", "consumer.consumer_thread", "an error while Kafka is away hangs Faust's stop", "08913f186d43"),
    Override(
        "faust.transport.consumer:ConsumerThread.on_partitions_assigned",
        "consumer.consumer_thread",
        "counts as a heartbeat",
        "98ad90529d90",
    ),
    Override(
        f"{FETCHER}:Fetcher._get_actions_per_node",
        "consumer.consumer_thread",
        "how long a fetch parks depends on what it asks for",
        "ac50ec79eb3f",
    ),
    Override(f"{COORDINATOR}._do_heartbeat", "consumer.consumer_thread", "notes when the coordinator was last heard", "657c48cf5315"),
    Override(f"{FETCHER}:PartitionRecords._consumer_record", "patches.tuning", "no frozen dataclass around each record", "d8ace8ffb7f6"),
    Override(
        "aiokafka.conn:AIOKafkaConnection.send",
        "patches.connections",
        "uvloop's RuntimeError ends aiokafka's metadata task; a cancelled start leaks",
        "3587057dfb1e",
    ),
    Override(
        f"{FETCHER}:PartitionRecords._unpack_records",
        "patches.header_decoding",
        "reads batches by MemoryRecords, which is ours",
        "40c81a2a6aac",
    ),
    Override("aiokafka.record.memory_records:_MemoryRecordsPy", "patches.header_decoding", "how batches follow each other", "1bf7bf6fee82"),
    Override(
        "aiokafka.record.default_records:_DefaultRecordBatchPy._maybe_uncompress",
        "patches.header_decoding",
        "leaves the records in _buffer, which is made readable",
        "bc138c394b5d",
    ),
    Override(
        "aiokafka.record.default_records:_DefaultRecordBatchPy._read_msg",
        "patches.header_decoding",
        "takes names as slices of _buffer",
        "e3885fc47bc5",
    ),
    Override("aiokafka.codec:lz4_encode", "patches.tuning", "level 1: eight times cheaper than 9, 15 % larger", "92e3b154d9d7"),
    Override(f"{DRIVER}:Producer._settings_extra", "producer", "idempotence without transactions cannot be set", "dc0ef076b07a"),
    Override(
        f"{DRIVER}:Producer.on_start",
        "producer",
        "metadata of all topics, and their partition counts, before the first record",
        "f2b1967deaef",
    ),
    Override(f"{DRIVER}:Transport.__init__", "transport", "carries settings and priorities to the consumer", "f6f87c44afb3"),
    Override("faust.tables.base:Collection.__init__", "rocksdb_table", "remembers where its changelog partitions end", "212630584ba4"),
    Override("faust.tables.base:Collection._new_store", "rocksdb_table", "opens its databases with our options", "f87a8c4e8866"),
    Override("faust.stores.rocksdb:RocksDBOptions.as_options", "rocksdb_table", "a filter for the rows in memory", "ec2bbbeab574"),
    Override(
        "faust.tables.base:Collection.apply_changelog_batch", "rocksdb_table", "recovery and standby by whole batches", "75bbb158de7b"
    ),
    Override("faust.tables.base:Collection.on_rebalance", "rocksdb_table", "where the changelogs end is known anew", "7596cf773c8d"),
    Override(
        "faust.app.base:BootStrategy._should_enable_web", "application", "the worker command turns the web on by default", "77ba7adf46c6"
    ),
    Override("faust.app.base:App.on_first_start", "application", "checks, and the parents of the data directory", "a4b79f5d5d08"),
    Override("faust.app.base:App.on_stop", "application", "a stop may wait for ever while Kafka is away", "81c33bf50695"),
    Override(
        "faust.tables.recovery:Recovery._wait", "recovery", "takes a timeout for a stop: the worker would never read again", "794be6e54ea5"
    ),
    Override("faust.tables.manager:TableManager.recovery", "recovery", "makes our recovery", "2d1f5444084d"),
    # ---- relied on
    Override(
        f"{FETCHER}:Fetcher.__init__",
        "consumer.consumer_thread",
        "_records, _subscriptions, _closed; its pace: _fetch_max_wait_ms, _prefetch_backoff, _fetcher_timeout",
        "843a68f444af",
    ),
    Override(
        "aiokafka.consumer.consumer:AIOKafkaConsumer.start", "consumer.consumer_thread", "makes _fetcher and _coordinator", "4b4c2a7c4187"
    ),
    Override("aiokafka.consumer.consumer:AIOKafkaConsumer.stop", "consumer.coordinator_watchdog", "sets _closed", "8528931e883a"),
    Override(
        "aiokafka.conn:AIOKafkaConnection.__init__",
        "patches.connections",
        "_writer, and _on_close_cb, which the bootstrap's connection lacks",
        "408b5d611e63",
    ),
    Override(
        "aiokafka.producer.sender:Sender._fail_all",
        "..api.services.publisher",
        "called back by _sender's task when a producer is abandoned",
        "d4f609ba3d77",
    ),
    Override("aiokafka.producer.producer:AIOKafkaProducer.__init__", "..api.services.publisher", "makes _sender", "d3cf03de4fca"),
    Override(f"{DRIVER}:Producer._ensure_producer", "application", "aiokafka's own producer, for the outbox", "4444c75c31a0"),
    Override(
        f"{THREAD}._ensure_consumer", "consumer.consumer_thread", "aiokafka's own consumer; _consumer without the check", "ab708b087b34"
    ),
    Override(
        "mode.services:Service.__init__",
        "consumer.failure_policy",
        "_crashed and _stopped, the events that a service waits for",
        "40375040f451",
    ),
    Override(
        "aiokafka.client:AIOKafkaClient.bootstrap", "patches.connections", "makes the one connection without on_close", "345e4c29fc22"
    ),
    Override(
        f"{FETCHER}:Fetcher.fetched_records",
        "consumer.consumer_thread",
        "takes buffered records of one partition, never waiting with timeout 0",
        "002f5b2f4ca3",
    ),
    Override(f"{FETCHER}:Fetcher._create_fetch_waiter", "consumer.consumer_thread", "a future that new data resolves", "76ffca2bb1e8"),
    Override(
        f"{FETCHER}:FetchResult",
        "consumer.consumer_thread",
        "checks that position and assignment are still those of the fetch",
        "fa61b3894a7f",
    ),
    Override(f"{THREAD}._fetch_records", "consumer.consumer_thread", "what a fetch checks first; ours checks the same", "4ba572180fc6"),
    Override(f"{THREAD}._seek_wait", "consumer.batch_consumer", "sets _read_offset to where a changelog is read from", "d1806d189d8f"),
    Override(f"{CONSUMER}._commit_offsets", "consumer.batch_consumer", "asks _new_offset, drops revoked partitions", "01d713e6896c"),
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
        "what becomes of an agent that raises, is cancelled or returns",
        "2ed6747a236c",
    ),
    Override("mode.worker:Worker._shutdown_loop", "consumer.failure_policy", "raises crash_reason at the end: exit code 1", "cf58fc8b2378"),
    Override(f"{COORDINATOR}.check_errors", "consumer.coordinator_watchdog", "raises what the group told aiokafka", "5e7d4bba90bf"),
    Override(
        f"{COORDINATOR}.reset_generation",
        "consumer.consumer_thread",
        "generation is -1 once the group no longer knows this member",
        "c4d505a67237",
    ),
    Override(
        "aiokafka.producer.message_accumulator:BatchBuilder",
        "commit.outbox",
        "records go to its _builder at once, and _relative_offset says how many",
        "99aef2c7e968",
    ),
    Override(
        "aiokafka.producer.message_accumulator:MessageAccumulator.add_batch",
        "commit.outbox",
        "KafkaTimeoutError means: not queued",
        "fc649d205899",
    ),
    Override(
        "aiokafka.producer.sender:SendProduceReqHandler._can_retry",
        "commit.outbox",
        "the idempotent producer repeats for as long as it takes",
        "a6cd75e33880",
    ),
    Override(
        "faust.stores.rocksdb:Store._db_for_partition",
        "rocksdb_table",
        "the database of a partition; those that are open are its _dbs",
        "e5e138d3d163",
    ),
    Override("faust.stores.rocksdb:Store.persisted_offset", "rocksdb_table", "how the changelog offset is stored", "b2bed8c216d0"),
    Override(
        "faust.tables.recovery:Recovery._build_highwaters",
        "rocksdb_table",
        "active_highwaters: the last offset before recovery",
        "881584f42842",
    ),
    Override("faust.tables.recovery:Recovery._slurp_changelogs", "rocksdb_table", "what it reads of an event", "2e29833a409e"),
    Override(
        "faust.app.base:App._update_assignment", "consumer.batch_consumer", "_assignment: the partitions of this worker", "eb689b857732"
    ),
)


def compute_fingerprint(target: str) -> str:
    """A hash of the source of `module:name`, read from its file: what runs may have been replaced. Raises LookupError if it is gone."""
    module, _, name = target.partition(":")
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no module {module}")
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
    raise LookupError(f"there is no {target}")


if __name__ == "__main__":
    for override in OVERRIDES:
        print(override.target, compute_fingerprint(override.target))
