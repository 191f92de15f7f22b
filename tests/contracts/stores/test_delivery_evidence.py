"""schemas.store_ports.EvidenceReader: memory and PostgreSQL say the same of deliveries whose call got no answer."""

from typing import Protocol

import pytest

from schemas.enums import Outcome, Status
from schemas.events import StatusEvent
from schemas.history import RecordedStatus
from schemas.store_ports import EvidenceReader, HistoryWriter
from tables.postgres.database import Database
from tables.postgres.delivery_evidence import PostgresEvidenceReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import build_history_batch, build_status_event
from tests.memory_stores import MemoryHistory


class History(HistoryWriter, EvidenceReader, Protocol):
    """Writes history, and reads the statuses in it."""


class PostgresHistory(PostgresHistoryWriter, PostgresEvidenceReader):
    """Writes history to PostgreSQL, and reads it."""

    def __init__(self, database: Database) -> None:
        PostgresHistoryWriter.__init__(self, database)


@pytest.fixture(params=["memory", "postgres"])
def history(request: pytest.FixtureRequest, database: Database) -> History:
    """Each implementation, without rows."""
    return MemoryHistory() if request.param == "memory" else PostgresHistory(database)


def build_unknown(number: int) -> StatusEvent:
    """A call without an answer."""
    return build_status_event(number, "sms", Status.PENDING, outcome=Outcome.UNKNOWN)


async def test_a_receipt_is_found_and_a_call_without_an_answer_is_no_evidence(history: History) -> None:
    unknown = [build_unknown(number) for number in range(1, 5)]
    await history.write(build_history_batch(*unknown))
    receipts = {1: Status.SENT, 2: Status.DELIVERED}
    for number, status in receipts.items():
        event = build_status_event(number, "sms", status, outcome=None, attempt=0)
        await history.write(build_history_batch(event))
    await history.write(build_history_batch(build_status_event(3, "sms", Status.FAILED, redrive_count=2, attempt=4)))
    ids = [event.delivery_id for event in unknown]
    absent = build_unknown(404).delivery_id
    assert await history.get_statuses([*ids, absent]) == {
        ids[0]: RecordedStatus(Status.SENT, 0, 0),
        ids[1]: RecordedStatus(Status.DELIVERED, 0, 0),
        ids[2]: RecordedStatus(Status.FAILED, 2, 4),
    }
    assert await history.get_statuses([]) == {}
    assert await history.get_statuses([ids[3]]) == {}
