"""Builds dead letters; router, delivery workers and recorder produce them."""

from schemas.dead_letter import MAX_VALUE_BYTES, DeadLetter, DeadLetterStage, read_redrive_count, select_source_headers
from schemas.ports import Record


def build_dead_letter(
    stage: DeadLetterStage,
    topic: str,
    partition: int,
    record: Record,
    reason: str,
    error: str,
    *,
    notification_id: str = "",
    delivery_id: str = "",
    user_id: str = "",
    attempts: int = 0,
) -> DeadLetter:
    """The dead letter of a record of this topic and partition, with the ids that are known."""
    return DeadLetter(
        stage=stage,
        reason=reason,
        error=error,
        source_topic=topic,
        source_partition=partition,
        source_offset=record.offset,
        key=record.key,
        value=record.value,
        attempts=attempts,
        notification_id=notification_id,
        delivery_id=delivery_id,
        user_id=user_id,
        null_value=record.value is None,
        source_time=record.timestamp / 1000,
        redrive_count=read_redrive_count(record.headers),
        source_headers=select_source_headers(record.headers),
    )


def truncate_value(dead_letter: DeadLetter) -> bytes | None:
    """The original value, cut to the 1,000,000 bytes that a record of `notifications.dlq` may hold."""
    return dead_letter.value[:MAX_VALUE_BYTES] if dead_letter.value is not None else None
