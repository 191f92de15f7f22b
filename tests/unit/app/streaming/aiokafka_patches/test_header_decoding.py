"""In a header name, invalid UTF-8 is replaced, with any compression; everything else is read as without the patch."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.legacy_records import _LegacyRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from app.streaming.aiokafka_patches import LenientMemoryRecords

NONE, GZIP, LZ4 = 0, 1, 3
CONTROL_BATCH = 0x20  # in the low byte of a batch's attributes
READ_COMMITTED = 1


class NonUtf8Name(str):
    """A header name that is encoded as invalid UTF-8."""

    def encode(self, *args: Any) -> bytes:
        return b"bad \xff\xfe name"


def encode_transaction(first: int, producer_id: int, *, committed: bool) -> bytes:
    """A batch with a record in a transaction, and the control batch that ends it."""
    raw = b""
    for offset, key in ((first, b"key"), (first + 1, b"\0\0\0\1" if committed else b"\0\0\0\0")):
        builder = _DefaultRecordBatchBuilderPy(2, NONE, 1, producer_id, 0, 0, 1 << 20)
        builder.append(0, 1_700_000_000_000, key, b"value", [])
        batch = bytearray(builder.build())
        batch[:8] = offset.to_bytes(8, "big")
        if offset > first:
            batch[22] |= CONTROL_BATCH
        raw += bytes(batch)
    return raw


def encode_batch(first: int, *names: str, compression: int = NONE) -> bytes:
    """A batch with a record for each header name."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        builder.append(number, 1_700_000_000_000, b"key", b"value %d" % (first + number), [("good", None), (name, b"of it")])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")  # the broker's offset, which the checksum does not cover
    return bytes(raw)


def read_records(raw: bytes, start: int = 0) -> list[tuple[int, bytes, bytes, list[tuple[str, bytes | None]]]]:
    """The records as the fetcher returns them, with verified checksums."""
    records = PartitionRecords(TopicPartition("t", 0), LenientMemoryRecords(raw), [], start, None, None, True, 0)
    return [(record.offset, record.key, record.value, list(record.headers)) for record in records]


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4])
def test_only_the_invalid_bytes_of_the_name_are_replaced(compression: int) -> None:
    records = read_records(encode_batch(7, "a", NonUtf8Name("bad"), "b", compression=compression))
    names = ["a", "bad \ufffd\ufffd name", "b"]
    assert records == [
        (7 + number, b"key", b"value %d" % (7 + number), [("good", None), (name, b"of it")]) for number, name in enumerate(names)
    ]


def test_batches_before_and_after_it_are_read_and_records_before_the_start_are_skipped() -> None:
    raw = encode_batch(2, NonUtf8Name("bad"), "c") + encode_batch(4, "d")
    assert [offset for offset, *_ in read_records(encode_batch(0, "a", "b") + raw)] == [0, 1, 2, 3, 4]
    assert [offset for offset, *_ in read_records(raw, start=3)] == [3, 4]


def test_a_record_of_an_aborted_transaction_is_skipped_and_control_batches_move_the_position() -> None:
    raw = encode_transaction(0, 7, committed=False) + encode_transaction(2, 7, committed=True) + encode_transaction(4, 7, committed=False)
    aborted = [(7, 0), (7, 4)]
    records = PartitionRecords(TopicPartition("t", 0), LenientMemoryRecords(raw), aborted, 0, None, None, False, READ_COMMITTED)
    assert [record.offset for record in records] == [2]
    assert records.next_fetch_offset == 6


def test_records_of_the_old_formats_are_read_with_read_committed() -> None:
    for magic in (0, 1):
        builder = _LegacyRecordBatchBuilderPy(magic, GZIP, 1 << 20)
        builder.append(0, 1_700_000_000_000, b"key", b"value")
        raw = LenientMemoryRecords(bytes(builder.build()))
        records = PartitionRecords(TopicPartition("t", 0), raw, None, 0, None, None, True, READ_COMMITTED)
        assert [(record.offset, record.value) for record in records] == [(0, b"value")]


def test_an_incomplete_batch_at_the_end_of_a_response_is_not_read() -> None:
    raw = encode_batch(0, "a") + encode_batch(1, "b")[:-3]
    assert [offset for offset, *_ in read_records(raw)] == [0]
    assert LenientMemoryRecords(raw).size_in_bytes() == len(raw)


def test_unpatched_aiokafka_still_raises_for_such_a_name() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(encode_batch(0, NonUtf8Name("bad"))).next_batch())
