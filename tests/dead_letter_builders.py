"""Builds and stores dead letters for tests."""

from typing import Any

import msgspec

from schemas.dead_letter import DeadLetter
from schemas.dead_letters import derive_dead_letter_id
from schemas.delivery import Delivery
from schemas.history import HistoryBatch, RecordedDeadLetter
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.delivery_builders import NOW, build_delivery


def build_failed_delivery(delivery: Delivery | None = None, **fields: Any) -> DeadLetter:
    """Build the dead letter of a delivery whose retries are exhausted; `fields` are those of DeadLetter."""
    one = delivery or build_delivery(type="order.shipped", category="transactional")
    dead_letter = DeadLetter(
        "delivery", "retries_exhausted", "UNKNOWN 503: after 12.5 ms", f"deliveries.{one.channel}.medium", 1, 17, one.user_id.encode(),
        msgspec.json.encode(one), 3, one.notification_id, one.id, one.user_id, source_time=NOW, outcome="UNKNOWN", provider_code=503,
        account="https://api.example", redrive_count=one.redrive_count,
    )  # fmt: skip
    return msgspec.structs.replace(dead_letter, **fields)


def build_rejected_notification(value: bytes | None, **fields: Any) -> DeadLetter:
    """Build the dead letter of a record that the router could not process; `fields` are those of DeadLetter."""
    dead_letter = DeadLetter("router", "invalid", "Object missing required field `type` - at $", "notifications.high", 2, 5, b"u-1", value)
    return msgspec.structs.replace(dead_letter, **{"user_id": "u-1", "source_time": NOW, "null_value": value is None, **fields})


async def store_dead_letters(database: Database, *dead_letters: DeadLetter, at: float = NOW, first_offset: int = 0) -> list[str]:
    """Record dead letters, each a second after the one before; returns their ids."""
    recorded = [
        RecordedDeadLetter(at + number, "notifications.dlq", 0, first_offset + number, dead_letter)
        for number, dead_letter in enumerate(dead_letters)
    ]
    await PostgresHistoryWriter(database).write(HistoryBatch(dead_letters=recorded))
    return [derive_dead_letter_id(one) for one in recorded]
