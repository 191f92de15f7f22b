"""Counts of what was submitted, and how history is found."""

import msgspec

from schemas.history import Handover, Tally
from schemas.status import Accepted, Status
from schemas.words import Outcome, State, StatusName
from tables.postgres.history import HistoryStore
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tables.postgres.sql import queries
from tests.history import NOW, accepted, entries, status

FAILED, SENT, PENDING, BOUNCED = StatusName.FAILED, StatusName.SENT, StatusName.PENDING, StatusName.BOUNCED


async def tally(database: Database, *events: Accepted | Status, since: float = 0.0, now: float = NOW + 60, sms: int = 0) -> Tally:
    """The tally after these events; `sms` is that channel's receipt time."""
    await RecordingStore(database).write(entries(*events))
    return await HistoryStore(database).tally(since, now, {"email": 0, "sms": sms})


async def test_an_empty_history_counts_nothing(database: Database) -> None:
    assert await tally(database) == Tally({}, {}, {}, {}, {}, 0, 0, 0, {})


async def test_notifications_are_counted_by_state_and_reason_deliveries_by_channel_and_status(database: Database) -> None:
    found = await tally(
        database,
        accepted(1, "email", "sms"),
        status(1, "email"),
        accepted(2, "email"),
        status(2, status=FAILED, reason="exhausted", outcome=Outcome.UNKNOWN, possible_duplicate=True),
        accepted(3, state=State.REFUSED, reason="duplicate"),
        accepted(4, state=State.REFUSED, reason="expired"),
        accepted(5, state=State.DEAD, reason="invalid"),
    )
    assert found.notifications == {"routed": 2, "refused": 2, "dead": 1}
    assert found.reasons == {"duplicate": 1, "expired": 1, "invalid": 1}
    assert found.channels == {"email": {"SENT": 1, "FAILED": 1}, "sms": {"PENDING": 1}}
    assert found.deliveries == {"SENT": 1, "FAILED": 1, "PENDING": 1}
    assert found.failures == {"exhausted": 1}
    assert (found.attempts, found.possible_duplicates, found.in_flight) == (2, 1, 1)


async def test_in_flight_is_what_is_not_final(database: Database) -> None:
    found = await tally(
        database,
        accepted(1),
        accepted(2, "email"),
        accepted(3, "email", "sms"),
        status(3, "email", BOUNCED),
        accepted(4, state=State.HELD),
        accepted(5, "email"),
        status(5, status=PENDING, outcome=Outcome.THROTTLED),
        accepted(6, state=State.MERGED),
        status(7),
    )
    assert found.in_flight == 4, "2 has no status, 3 one of two, 4 is held, 5 is tried again"


async def test_sent_is_final_where_no_receipt_can_come_any_more(database: Database) -> None:
    events = accepted(1, "sms"), status(1, "sms", SENT, at=NOW + 2)
    assert (await tally(database, *events, now=NOW + 61, sms=60)).in_flight == 1
    assert (await tally(database, *events, now=NOW + 62, sms=60)).in_flight == 0
    assert (await tally(database, *events, now=NOW + 3, sms=0)).in_flight == 0


async def test_what_was_submitted_earlier_is_left_out(database: Database) -> None:
    found = await tally(database, accepted(1, "email", at=NOW - 1), accepted(2), since=NOW)
    assert found.notifications == {"routed": 1}
    assert found.deliveries == {}
    assert found.in_flight == 0


async def test_handover_is_from_submission_to_the_first_acceptance(database: Database) -> None:
    events: list[Accepted | Status] = []
    for number in range(1, 101):
        events += [accepted(number, "email", lane="low"), status(number, at=NOW + number / 100)]
    again = msgspec.structs.replace(status(1), attempt=1, at=NOW + 500)
    failed = status(101, outcome=Outcome.REJECTED_PERMANENT, status=FAILED)
    await RecordingStore(database).write(entries(again))
    found = await tally(database, *events, accepted(101, "email", lane="high"), failed, now=NOW + 600)
    assert found.handover == {"low": Handover(100, 0.5, 0.99)}


async def test_a_story_is_found_by_primary_keys_alone(database: Database) -> None:
    events: list[Accepted | Status] = []
    for number in range(1, 400):
        events += [accepted(number, "email", at=NOW + number), status(number)]
    await RecordingStore(database).write(entries(*events))
    await database.fetch("analyze deliveries")
    an_id = accepted(1).id[4:]
    low, high = an_id[:12] + "0" * 20, an_id[:12] + "f" * 20
    query = queries("history")["deliveries_of_notification"]
    for name, value in (("$1", an_id), ("$2", low), ("$3", high)):
        query = query.replace(name, f"'{value}'")
    plan = "\n".join(line[0] for line in await database.fetch(f"explain {query}"))
    assert "deliveries_20251009" in plan
    assert plan.count("deliveries_2025") <= 2, plan
    assert "deliveries_default" not in plan or "Index" in plan
