"""Receipts of accounts are counted in the history."""

from schemas.enums import Outcome, Status
from schemas.history import ReceiptCount
from tables.postgres.database import Database
from tables.postgres.history_writer import PostgresHistoryWriter
from tables.postgres.receipt_counts import PostgresReceiptCounter
from tests.event_builders import NOW, build_history_batch, build_status_event

NAMES = ["sendgrid", "sendgrid-backup"]


async def test_messages_and_receipts_are_counted_by_account(database_copy: Database) -> None:
    writer, counter = PostgresHistoryWriter(database_copy), PostgresReceiptCounter(database_copy)
    providers = ["sendgrid", "sendgrid-backup", "smtp"]
    accepted = [build_status_event(number, "email", provider=providers[number % 3]) for number in range(1, 13)]
    failed = build_status_event(20, "email", Status.FAILED, outcome=Outcome.REJECTED_RECIPIENT)
    await writer.write(build_history_batch(*accepted, failed))
    receipts = [
        build_status_event(number, "email", status, outcome=None, provider="sendgrid")
        for number, status in ((3, Status.DELIVERED), (6, Status.BOUNCED), (4, Status.DELIVERED), (5, Status.DELIVERED))
    ]
    await writer.write(build_history_batch(*receipts))
    found = await counter.count_receipts(NAMES, NOW - 60, NOW + 60, 1000)
    assert sorted(found) == [ReceiptCount("sendgrid", 4, 2), ReceiptCount("sendgrid-backup", 4, 1)]
    assert await counter.count_receipts(NAMES, NOW + 60, NOW + 120, 1000) == []
    assert await counter.count_receipts(NAMES, NOW - 120, NOW - 60, 1000) == []
    assert sum(count.messages for count in await counter.count_receipts(NAMES, NOW - 60, NOW + 60, 3)) == 3
