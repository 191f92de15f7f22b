"""A header's name that is no text spoils nothing but itself, whatever the compression, and everything else is read as before."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from app.streaming.patches.header_decoding import LenientMemoryRecords

NONE, GZIP, LZ4 = 0, 1, 3


class NonUtf8Name(str):
    """A header's name that is written as other bytes than its text."""

    def encode(self, *given: Any) -> bytes:
        return b"odd \xff\xfe name"


def encode_batch(first: int, *names: str, compression: int = NONE) -> bytes:
    """A batch of one record for each name, which is that of its header."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 1 << 20)
    for number, name in enumerate(names):
        builder.append(number, 1_700_000_000_000, b"key", b"value %d" % (first + number), [("good", None), (name, b"of it")])
    raw = bytearray(builder.build())
    raw[:8] = first.to_bytes(8, "big")  # the broker's offset, which the checksum does not cover
    return bytes(raw)


def read_records(raw: bytes, start: int = 0) -> list[tuple[int, bytes, bytes, list[tuple[str, bytes | None]]]]:
    """The records as the fetcher hands them on, their checksums verified."""
    records = PartitionRecords(TopicPartition("t", 0), LenientMemoryRecords(raw), [], start, None, None, True, 0)
    return [(one.offset, one.key, one.value, list(one.headers)) for one in records]


@pytest.mark.parametrize("compression", [NONE, GZIP, LZ4])
def test_the_name_is_spoilt_and_nothing_else(compression: int) -> None:
    found = read_records(encode_batch(7, "a", NonUtf8Name("odd"), "b", compression=compression))
    names = ["a", "odd \ufffd\ufffd name", "b"]
    assert found == [
        (7 + number, b"key", b"value %d" % (7 + number), [("good", None), (name, b"of it")]) for number, name in enumerate(names)
    ]


def test_batches_before_and_behind_it_are_read_and_what_was_read_already_is_not() -> None:
    odd = encode_batch(2, NonUtf8Name("odd"), "c") + encode_batch(4, "d")
    assert [offset for offset, *_ in read_records(encode_batch(0, "a", "b") + odd)] == [0, 1, 2, 3, 4]
    assert [offset for offset, *_ in read_records(odd, start=3)] == [3, 4]


def test_half_a_batch_at_the_end_of_an_answer_is_left_for_the_next() -> None:
    raw = encode_batch(0, "a") + encode_batch(1, "b")[:-3]
    assert [offset for offset, *_ in read_records(raw)] == [0]
    assert LenientMemoryRecords(raw).size_in_bytes() == len(raw)


def test_aiokafka_itself_still_stops_at_such_a_name() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(encode_batch(0, NonUtf8Name("odd"))).next_batch())
