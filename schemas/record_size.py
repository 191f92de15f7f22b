"""What a record takes in Kafka: its limits are on a whole batch, as the broker counts it."""

from collections.abc import Sequence

from schemas.ports import Header

# A record batch of Kafka's format v2: 61 bytes of header; a record at most 21 bytes more than what it holds, a header at most 10.
BATCH_OVERHEAD = 61
RECORD_OVERHEAD = 21
HEADER_OVERHEAD = 10
# What an LZ4 frame adds to bytes that do not compress: header, end mark and four bytes for each block of 64 KiB.
FRAME_OVERHEAD = 256


def compute_batch_size(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    """The most bytes that a batch of only this record takes, as the broker counts it against max.message.bytes."""
    size = BATCH_OVERHEAD + RECORD_OVERHEAD + FRAME_OVERHEAD + len(key or b"") + len(value or b"")
    for name, content in headers:
        size += len(name.encode()) + len(content or b"") + HEADER_OVERHEAD
    return size
