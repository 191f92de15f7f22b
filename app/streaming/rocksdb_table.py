"""A Faust table that is read, written and recovered a batch at a time: rows in RocksDB, changes in the changelog topic."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice, takewhile
from typing import Any

import faust
import rocksdict
from faust.stores.rocksdb import RocksDBOptions, Store
from faust.types import TP

from app.streaming.commit.outbox import WrittenOffsets
from app.streaming.commit.pending_rows import PendingRows
from schemas.errors import HeroldError, TableWriteError
from schemas.ports import Outbox, ScannedRows, TableRows

# For each partition's database; RocksDB's defaults would allow gigabytes per worker. No time to live: rocksdict 0.3.29 applies its
# filter twice to a reopened database, and compaction then removes rows that have not expired.
ROCKSDB_OPTIONS = {
    "driver": "rocksdict",
    "block_cache_size": 4 * 1024 * 1024,
    "write_buffer_size": 2 * 1024 * 1024,
    "max_write_buffer_number": 2,
    "target_file_size_base": 8 * 1024 * 1024,
    "max_open_files": 128,
    "bloom_filter_size": 10,  # bits per key: 1 % false positives; Faust's default of 3 has 25 %
}
# Faust's own key for the changelog offset, "__faust\0offset__", is also the key of a row of the user "__faust". No user id is empty.
OFFSET_KEY = b"\0changelog_offset"
MEMTABLE_BLOOM_RATIO = 0.1  # share of the write buffer for the Bloom filter of the memtable
# Events, here whole batches, that recovery buffers before it writes them. With 1 Faust never pauses the changelog.
RECOVERY_BUFFER_SIZE = 4
SIZE_PROPERTIES = ("rocksdb.total-sst-files-size", "rocksdb.cur-size-all-mem-tables")


class BloomFilterOptions(RocksDBOptions):
    """Faust's options with a Bloom filter for the memtable: most keys that the router reads do not exist, and seeks are expensive."""

    def as_options(self) -> Any:
        """The options as rocksdict's."""
        options = super().as_options()
        options.set_memtable_whole_key_filtering(True)
        options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO)
        return options


class ChangelogConflictError(HeroldError):
    """Another worker wrote to this changelog partition after this one recovered it, so the rows in RocksDB are incomplete."""


class RocksDBTable(faust.Table):
    """Implements schemas.ports.Table; every access names the partition. Do not use `table[key]`: it writes by Faust, a row at a time."""

    def __init__(self, app: Any, **options: Any) -> None:
        super().__init__(app, **options)
        self._next_offsets: dict[int, int] = {}
        self.pending_rows = PendingRows()

    def _new_store(self) -> Any:
        store = super()._new_store()
        store.offset_key = OFFSET_KEY
        store.rocksdb_options = BloomFilterOptions(**store.options, use_rocksdict=store.use_rocksdict)
        return store

    def get_many(self, partition: int, keys: Sequence[bytes]) -> Sequence[bytes | None]:
        """The rows of the keys, pending ones included; None for a key without a row."""
        if not keys:
            return []
        rows: list[bytes | None] = self.data._db_for_partition(partition).get(list(keys))
        return self.pending_rows.overlay(partition, keys, rows)

    def list_rows(self, partition: int, prefix: bytes, max_rows: int) -> list[tuple[bytes, bytes]]:
        """At most `max_rows` rows whose keys begin with `prefix`, pending ones included, in the order of their keys.

        `prefix` begins with a whole user id and a NUL.
        """
        pending = self.pending_rows.select_prefix(partition, prefix)
        rows: dict[bytes, bytes | None] = {}
        # a pending removal hides one of the stored rows
        for key, row in islice(self.data._db_for_partition(partition).items(from_key=prefix), max_rows + len(pending)):
            if not key.startswith(prefix):
                break
            rows[key] = row
        return [(key, row) for key, row in sorted((rows | pending).items()) if row is not None][:max_rows]

    def scan(self, partition: int, start_key: bytes, end_key: bytes, limit_key: bytes, max_rows: int) -> ScannedRows:
        """Written rows in the order of their keys (schemas.ports.OrderedTable). Pending rows are not among them, only their removals."""
        rows: list[tuple[bytes, bytes]] = []
        pending = self.pending_rows.get_partition(partition)
        options = rocksdict.ReadOptions()
        # without it, a scan that finds no row goes on over all the tombstones behind `limit_key`, which takes 0.1 s for 300,000
        options.set_iterate_upper_bound(limit_key)
        for key, stored in self.data._db_for_partition(partition).items(from_key=start_key, read_opt=options):
            if key >= end_key or len(rows) == max_rows:
                return ScannedRows(rows, key)
            row = pending.get(key, stored)
            if row is not None:
                rows.append((key, row))
        return ScannedRows(rows, None)

    def stage_rows(self, outbox: Outbox, partition: int, rows: TableRows) -> None:
        """Add the rows to the outbox as changelog records; None is a tombstone."""
        topic = self.changelog_topic_name
        for key, row in rows.items():
            outbox.add(topic, partition, key, row)

    def apply_rows(self, partition: int, rows: TableRows, written: WrittenOffsets) -> None:
        """Write the rows and their changelog offset atomically. Raises ChangelogConflictError if another worker wrote in between."""
        expected = self._next_offsets.get(partition, self._get_recovered_offset(partition))
        if expected is not None and (written.first != expected or written.last - written.first + 1 != written.record_count):
            raise ChangelogConflictError(
                f"{self.changelog_topic_name} partition {partition}: wrote {written}, expected to write from {expected}"
            )
        self._write_batch(partition, rows.items(), written.last)
        self._next_offsets[partition] = written.last + 1
        self.pending_rows.mark_applied(partition, rows)

    def estimate_row_count(self, partitions: Iterable[int]) -> int:
        """How many rows these partitions have if they are open, as RocksDB estimates; a row that was changed may count twice."""
        counts = (_read_property(self.data._dbs[one], "rocksdb.estimate-num-keys") for one in partitions if one in self.data._dbs)
        return sum(max(0, count - 1) for count in counts)  # one is the changelog offset

    def count_rows(self, partitions: Iterable[int], prefix: bytes, is_counted: Callable[[bytes], bool]) -> int:
        """How many rows of these partitions have keys with this prefix and are counted. Reads all of them."""
        return sum(self._count_rows(self.data._dbs[one], prefix, is_counted) for one in partitions if one in self.data._dbs)

    def _count_rows(self, database: Any, prefix: bytes, is_counted: Callable[[bytes], bool]) -> int:
        rows = takewhile(lambda item: item[0].startswith(prefix), database.items(from_key=prefix))
        return sum(is_counted(row) for _, row in rows)

    def read_rows(self, partition: int, start_key: bytes, max_rows: int) -> ScannedRows:
        """The next written rows of a partition from `start_key` on; none if it is not open."""
        if partition not in self.data._dbs:
            return ScannedRows([], None)
        rows = list(islice(self.data._dbs[partition].items(from_key=start_key), max_rows + 1))
        return ScannedRows(rows[:max_rows], rows[max_rows][0] if len(rows) > max_rows else None)

    def estimate_bytes(self) -> int:
        """How many bytes all open partitions take on disk and in memory, as RocksDB estimates."""
        return sum(_read_property(database, name) for database in self.data._dbs.values() for name in SIZE_PROPERTIES)

    @property
    def open_partitions(self) -> list[int]:
        """The partitions with an open database: assigned ones and standbys."""
        return list(self.data._dbs)

    def expire_rows(self, partition: int, is_expired: Callable[[bytes], bool], start_key: bytes | None, max_rows: int) -> bytes | None:
        """Remove expired rows among the next `max_rows` from `start_key` on; returns the key to continue from, None at the end.

        Only RocksDB is changed: the changelog topic removes them by its own retention.
        """
        database = self.data._db_for_partition(partition)
        batch = rocksdict.WriteBatch(raw_mode=True)
        rows = list(islice(database.items(from_key=start_key), max_rows + 1))
        for key, row in rows[:max_rows]:
            # Faust's own key is in databases of earlier releases
            if key not in (OFFSET_KEY, Store.offset_key) and is_expired(row):
                batch.delete(key)
        self._write(partition, batch)
        return rows[max_rows][0] if len(rows) > max_rows else None

    def apply_changelog_batch(self, events: Iterable[Any]) -> None:
        """Faust's hook in recovery and standby: write batches of the changelog."""
        for event in events:
            batch = event.value
            self._next_offsets.pop(batch.partition, None)
            self._write_batch(batch.partition, ((record.key, record.value) for record in batch.records), event.message.offset)

    async def on_rebalance(self, *args: Any, **kwargs: Any) -> None:
        """Faust's hook in a rebalance: the next changelog offsets are unknown until recovery has read them."""
        self._next_offsets.clear()
        await super().on_rebalance(*args, **kwargs)

    def _get_recovered_offset(self, partition: int) -> int | None:
        highwater: int | None = self.app.tables.recovery.active_highwaters.get(TP(self.changelog_topic_name, partition))
        return None if highwater is None else highwater + 1

    def _write_batch(self, partition: int, rows: Iterable[tuple[bytes, bytes | None]], offset: int) -> None:
        batch = rocksdict.WriteBatch(raw_mode=True)
        for key, row in rows:
            if row is None:
                batch.delete(key)
            else:
                batch.put(key, row)
        batch.put(OFFSET_KEY, b"%d" % offset)
        self._write(partition, batch)

    def _write(self, partition: int, batch: rocksdict.WriteBatch) -> None:
        database = self.data._db_for_partition(partition)
        try:
            database.write(batch)
        except Exception as error:  # rocksdict has no class for it
            path = self.data.partition_path(partition)
            raise TableWriteError(
                f"table {self.name}: RocksDB could not write {path}: {error}; check the disk, then restart the worker"
            ) from error


def _read_property(database: Any, name: str) -> int:
    return int(database.property_int_value(name) or 0)
