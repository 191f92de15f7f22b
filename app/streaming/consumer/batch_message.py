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


def build_message(tp: TP, records: Any, position: int, generation: int) -> BatchMessage:
    """The message of a batch; its offset is the last one before the position, which may be that of a control batch.

    Faust's stream silently skips a message whose generation is not the app's.
    """
    batch = Batch(tp.topic, tp.partition, records)
    timestamp, timestamp_type = (records[-1].timestamp / 1000, records[-1].timestamp_type) if records else (0.0, 0)
    message = BatchMessage(
        tp.topic, tp.partition, position - 1, timestamp, timestamp_type, {}, None, batch, None, 0, 0, tp, generation_id=generation
    )
    message.first_offset = batch.first_offset
    message.unfinished_records, message.unfinished_bytes = len(batch), batch.size
    return message
