"""The Faust message of a batch."""

from __future__ import annotations

from typing import Any

from faust.types import TP
from faust.types.tuples import ConsumerMessage

from schemas.ports import Batch


class BatchMessage(ConsumerMessage):
    """The Faust message of a batch; implements commit.offset_commit.TrackedBatch."""

    first_offset: int
    unfinished_records: int
    unfinished_bytes: int
    is_tracked = False


def build_message(tp: TP, records: Any, generation: int) -> BatchMessage:
    """The message of a batch. Faust's stream silently skips a message whose generation is not the app's."""
    last, batch = records[-1], Batch(tp.topic, tp.partition, records)
    timestamp = last.timestamp / 1000
    message = BatchMessage(
        tp.topic, tp.partition, last.offset, timestamp, last.timestamp_type, {}, None, batch, None, 0, 0, tp, generation_id=generation
    )
    message.first_offset = batch.first_offset
    message.unfinished_records, message.unfinished_bytes = len(batch), batch.size
    return message
