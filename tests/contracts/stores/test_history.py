"""History: what was written is told again, the same by PostgreSQL as by memory."""

from itertools import permutations
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter
from schemas.enums import State, Status
from schemas.errors import UnstorableRowError
from schemas.events import StatusEvent, compute_precedence
from schemas.history import LoggedAttempt, NotificationHistory, RecordedDeadLetter
from schemas.ports import HistoryWriter
from tables.in_memory import MemoryHistory
from tables.postgres.database import Database
from tables.postgres.dead_letters import PostgresDeadLetterReader
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_history_batch, build_status_event, make_notification_id

SENT, FAILED, DELIVERED = Status.SENT, Status.FAILED, Status.DELIVERED


class ReadableHistoryWriter(HistoryWriter, Protocol):
    """Both sides of history."""

    async def get_notification_history(self, notification_id: str) -> NotificationHistory | None: ...
    async def list_by_user(self, user_id: str, limit: int, before: str | None = None) -> list[NotificationHistory]: ...


class PostgresHistory(PostgresHistoryWriter, PostgresHistoryReader):
    """Both sides on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        PostgresHistoryWriter.__init__(self, database)


@pytest.fixture(params=["memory", "postgres"])
def history(request: pytest.FixtureRequest, database: Database) -> ReadableHistoryWriter:
    """Each implementation, empty."""
    return MemoryHistory() if request.param == "memory" else PostgresHistory(database)


async def test_a_story_has_the_event_the_standing_of_each_delivery_and_every_attempt(history: ReadableHistoryWriter) -> None:
    failed, sent = (
        build_status_event(1, "sms", FAILED, occurred_at=NOW + 3, reason="retries_exhausted", outcome=None),
        build_status_event(1, "email"),
    )
    await history.write(build_history_batch(build_decided_event(1, "email", "sms", "push"), failed, sent))
    story = await history.get_notification_history(make_notification_id(1))
    assert story is not None
    assert story.decided == build_decided_event(1, "email", "sms", "push")
    assert {(each.channel, each.status, each.reason, each.outcome, each.provider_message_id) for each in story.statuses} == {
        ("email", SENT, "", "ACCEPTED", "pr-1"),
        ("sms", FAILED, "retries_exhausted", None, "pr-1"),
    }
    assert list(story.attempts) == [sent, failed], "oldest first, with code, time and id"


async def test_what_is_not_recorded_has_no_story(history: ReadableHistoryWriter) -> None:
    assert await history.get_notification_history(make_notification_id(404)) is None
    assert await history.get_notification_history("ntf_x") is None


async def test_attempts_may_be_known_before_the_notification_is(history: ReadableHistoryWriter) -> None:
    await history.write(build_history_batch(build_status_event(1)))
    story = await history.get_notification_history(make_notification_id(1))
    assert story is not None
    assert (story.decided, len(story.statuses), len(story.attempts)) == (None, 1, 1)


async def test_text_comes_back_as_it_was(history: ReadableHistoryWriter) -> None:
    text = "tab\t, newline\n, backslash \\N, quote ' \", e\u0301, \U0001f600"
    await history.write(
        build_history_batch(
            build_decided_event(1, "email", user_id=text, type=text, category="", reason=text),
            build_status_event(1, provider_message_id=text),
        )
    )
    (story,) = await history.list_by_user(text, 10)
    assert story.decided is not None
    assert (story.decided.type, story.decided.reason) == (text, text)
    assert story.statuses[0].provider_message_id == text


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_status_never_regresses_in_whatever_order_and_grouping(history: ReadableHistoryWriter, order: tuple[int, ...]) -> None:
    told = [
        build_status_event(1, status=DELIVERED, attempt=0),
        build_status_event(1, status=FAILED, attempt=1),
        build_status_event(1, status=SENT, attempt=1),
    ]
    for index in order:
        await history.write(build_history_batch(told[index]))
        await history.write(build_history_batch(told[index]))
    story = await history.get_notification_history(make_notification_id(1))
    assert story is not None
    assert [each.status for each in story.statuses] == [DELIVERED]
    assert len(story.attempts) == 3


@pytest.mark.parametrize(("first", "then", "stands"), [
    (State.REJECTED, State.ROUTED, State.ROUTED),
    (State.ROUTED, State.REJECTED, State.ROUTED),
    (State.HELD, State.DEAD, State.DEAD),
    (State.DEAD, State.REJECTED, State.DEAD),
])  # fmt: skip
async def test_the_state_of_a_notification_is_merged(history: ReadableHistoryWriter, first: State, then: State, stands: State) -> None:
    await history.write(build_history_batch(build_decided_event(1, state=first)))
    await history.write(build_history_batch(build_decided_event(1, state=then, duplicate_of=make_notification_id(9))))
    story = await history.get_notification_history(make_notification_id(1))
    assert story is not None
    assert story.decided is not None
    assert story.decided.state == stands


async def test_a_users_notifications_come_newest_first_and_page_by_page(history: ReadableHistoryWriter) -> None:
    for number in (3, 1, 2, 5, 4):
        await history.write(build_history_batch(build_decided_event(number, "email"), build_status_event(number)))
    await history.write(build_history_batch(build_decided_event(6, user_id="u-2")))
    first = await history.list_by_user("u-1", 2)
    told = [story.decided.id for story in first if story.decided]
    assert told == [make_notification_id(5), make_notification_id(4)]
    rest = [story.decided.id for story in await history.list_by_user("u-1", 9, told[-1]) if story.decided]
    assert rest == [make_notification_id(3), make_notification_id(2), make_notification_id(1)]
    assert [each.status for each in first[0].statuses] == [SENT]
    assert not first[0].attempts
    assert await history.list_by_user("u-3", 9) == []


async def test_a_users_days_come_in_order(history: ReadableHistoryWriter) -> None:
    for day in (0, 2, 1, 30):
        await history.write(build_history_batch(build_decided_event(day + 1, at=NOW + day * 86_400)))
    told = [story.decided.created_at for story in await history.list_by_user("u-1", 9) if story.decided]
    assert told == [NOW + day * 86_400 for day in (30, 2, 1, 0)]


async def test_a_row_that_cannot_be_stored_writes_nothing_at_all(history: ReadableHistoryWriter) -> None:
    with pytest.raises(UnstorableRowError):
        await history.write(build_history_batch(build_decided_event(1, "email"), build_decided_event(2, id="ntf_no")))
    assert await history.get_notification_history(make_notification_id(1)) is None


async def test_nothing_is_written_and_nothing_goes_wrong(history: ReadableHistoryWriter) -> None:
    await history.write(build_history_batch())


async def test_letters_are_filed_once(database: Database) -> None:
    letter = DeadLetter(
        "delivery", "retries_exhausted", "503", "deliveries.sms.low", 1, 2, b"k", b"\0\xff", 3, make_notification_id(1), "", "u-1"
    )
    filed = RecordedDeadLetter(NOW, "notifications.dlq", 0, 1, letter)
    for _ in range(2):
        await PostgresHistoryWriter(database).write(build_history_batch(dead_letters=[filed]))
    assert await PostgresDeadLetterReader(database).list_newest(10) == [filed]


EVENTS = st.builds(
    lambda name, redrive_count, attempt, at: build_status_event(
        1, status=name, redrive_count=redrive_count, attempt=attempt, occurred_at=NOW + at
    ),
    st.sampled_from(list(Status)),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 1000),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(EVENTS, min_size=1, max_size=8), cut=st.integers(1, 8))
async def test_postgresql_merges_as_memory_does(database: Database, told: list[StatusEvent], cut: int) -> None:
    for table in ("deliveries", "delivery_logs"):
        await database.fetch(f"delete from {table}")
    memory, stored = MemoryHistory(), PostgresHistory(database)
    for start in range(0, len(told), cut):
        some = told[start : start + cut]
        winner = max(reversed(some), key=compute_precedence)
        group = build_history_batch(winner)._replace(attempts=[LoggedAttempt(f"{event.delivery_id[4:24]}{start + n:012x}", event)
                                                   for n, event in enumerate(some)])  # fmt: skip
        await memory.write(group)
        await stored.write(group)
    ours, theirs = (
        await memory.get_notification_history(make_notification_id(1)),
        await stored.get_notification_history(make_notification_id(1)),
    )
    assert ours is not None
    assert theirs is not None
    assert [compute_precedence(each) for each in ours.statuses] == [compute_precedence(each) for each in theirs.statuses]
    assert sorted(map(repr, ours.attempts)) == sorted(map(repr, theirs.attempts))
