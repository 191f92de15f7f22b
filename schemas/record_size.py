"""The size of a Kafka record. The broker's limit, max.message.bytes, applies to a whole record batch."""

from collections.abc import Sequence

from schemas.ports import Header

# Record batch format v2 (https://kafka.apache.org/documentation/#messageformat): the batch header has 61 bytes;
# a record has at most 21 bytes besides its contents, a record header at most 10.
BATCH_OVERHEAD = 61
RECORD_OVERHEAD = 21
HEADER_OVERHEAD = 10
# An LZ4 frame of incompressible bytes adds its header, its end mark and four bytes per block of 64 KiB.
FRAME_OVERHEAD = 256


def compute_batch_size(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    """The maximum size in bytes of a batch with only this record, as the broker compares it with max.message.bytes."""
    size = BATCH_OVERHEAD + RECORD_OVERHEAD + FRAME_OVERHEAD + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name.encode()) + len(content or b"") + HEADER_OVERHEAD
    return size
