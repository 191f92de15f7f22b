"""History: what was written is told again, the same by PostgreSQL as by memory."""

from itertools import permutations
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.deadletter import DeadLetter
from schemas.errors import Unstorable
from schemas.history import FiledLetter, LoggedAttempt, Story
from schemas.ports import Recording
from schemas.status import Status, precedence
from schemas.words import State, StatusName
from tables.memory import MemoryHistory
from tables.postgres.dead_letters import DeadLetterStore
from tables.postgres.history import HistoryStore
from tables.postgres.pool import Database
from tables.postgres.recording import RecordingStore
from tests.history import NOW, accepted, entries, notification_id, status

SENT, FAILED, DELIVERED = StatusName.SENT, StatusName.FAILED, StatusName.DELIVERED


class History(Recording, Protocol):
    """Both sides of history."""

    async def story(self, notification_id: str) -> Story | None: ...
    async def of_user(self, user_id: str, limit: int, before: str | None = None) -> list[Story]: ...


class StoredHistory(RecordingStore, HistoryStore):
    """Both sides on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        RecordingStore.__init__(self, database)


@pytest.fixture(params=["memory", "postgres"])
def history(request: pytest.FixtureRequest, database: Database) -> History:
    """Each implementation, empty."""
    return MemoryHistory() if request.param == "memory" else StoredHistory(database)


async def test_a_story_has_the_event_the_standing_of_each_delivery_and_every_attempt(history: History) -> None:
    failed, sent = status(1, "sms", FAILED, at=NOW + 3, reason="exhausted", outcome=None), status(1, "email")
    await history.write(entries(accepted(1, "email", "sms", "push"), failed, sent))
    story = await history.story(notification_id(1))
    assert story is not None
    assert story.accepted == accepted(1, "email", "sms", "push")
    assert {(each.channel, each.status, each.reason, each.outcome, each.provider_id) for each in story.current} == {
        ("email", SENT, "", "ACCEPTED", "pr-1"),
        ("sms", FAILED, "exhausted", None, "pr-1"),
    }
    assert list(story.attempts) == [sent, failed], "oldest first, with code, time and id"


async def test_what_is_not_recorded_has_no_story(history: History) -> None:
    assert await history.story(notification_id(404)) is None
    assert await history.story("ntf_x") is None


async def test_attempts_may_be_known_before_the_notification_is(history: History) -> None:
    await history.write(entries(status(1)))
    story = await history.story(notification_id(1))
    assert story is not None
    assert (story.accepted, len(story.current), len(story.attempts)) == (None, 1, 1)


async def test_text_comes_back_as_it_was(history: History) -> None:
    text = "tab\t, newline\n, backslash \\N, quote ' \", e\u0301, \U0001f600"
    await history.write(entries(accepted(1, "email", user_id=text, type=text, category="", reason=text), status(1, provider_id=text)))
    (story,) = await history.of_user(text, 10)
    assert story.accepted is not None
    assert (story.accepted.type, story.accepted.reason) == (text, text)
    assert story.current[0].provider_id == text


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_status_never_regresses_in_whatever_order_and_grouping(history: History, order: tuple[int, ...]) -> None:
    told = [status(1, status=DELIVERED, attempt=0), status(1, status=FAILED, attempt=1), status(1, status=SENT, attempt=1)]
    for index in order:
        await history.write(entries(told[index]))
        await history.write(entries(told[index]))
    story = await history.story(notification_id(1))
    assert story is not None
    assert [each.status for each in story.current] == [DELIVERED]
    assert len(story.attempts) == 3


@pytest.mark.parametrize(("first", "then", "stands"), [
    (State.REFUSED, State.ROUTED, State.ROUTED),
    (State.ROUTED, State.REFUSED, State.ROUTED),
    (State.HELD, State.DEAD, State.DEAD),
    (State.DEAD, State.REFUSED, State.DEAD),
])  # fmt: skip
async def test_the_state_of_a_notification_is_merged(history: History, first: State, then: State, stands: State) -> None:
    await history.write(entries(accepted(1, state=first)))
    await history.write(entries(accepted(1, state=then, first_id=notification_id(9))))
    story = await history.story(notification_id(1))
    assert story is not None
    assert story.accepted is not None
    assert story.accepted.state == stands


async def test_a_users_notifications_come_newest_first_and_page_by_page(history: History) -> None:
    for number in (3, 1, 2, 5, 4):
        await history.write(entries(accepted(number, "email"), status(number)))
    await history.write(entries(accepted(6, user_id="u-2")))
    first = await history.of_user("u-1", 2)
    told = [story.accepted.id for story in first if story.accepted]
    assert told == [notification_id(5), notification_id(4)]
    rest = [story.accepted.id for story in await history.of_user("u-1", 9, told[-1]) if story.accepted]
    assert rest == [notification_id(3), notification_id(2), notification_id(1)]
    assert [each.status for each in first[0].current] == [SENT]
    assert not first[0].attempts
    assert await history.of_user("u-3", 9) == []


async def test_a_users_days_come_in_order(history: History) -> None:
    for day in (0, 2, 1, 30):
        await history.write(entries(accepted(day + 1, at=NOW + day * 86_400)))
    told = [story.accepted.created_at for story in await history.of_user("u-1", 9) if story.accepted]
    assert told == [NOW + day * 86_400 for day in (30, 2, 1, 0)]


async def test_a_row_that_cannot_be_stored_writes_nothing_at_all(history: History) -> None:
    with pytest.raises(Unstorable):
        await history.write(entries(accepted(1, "email"), accepted(2, id="ntf_no")))
    assert await history.story(notification_id(1)) is None


async def test_nothing_is_written_and_nothing_goes_wrong(history: History) -> None:
    await history.write(entries())


async def test_letters_are_filed_once(database: Database) -> None:
    letter = DeadLetter("delivery", "exhausted", "503", "deliveries.sms.low", 1, 2, b"k", b"\0\xff", 3, notification_id(1), "", "u-1")
    filed = FiledLetter(NOW, "notifications.dlq", 0, 1, letter)
    for _ in range(2):
        await RecordingStore(database).write(entries(letters=[filed]))
    assert await DeadLetterStore(database).newest(10) == [filed]


EVENTS = st.builds(
    lambda name, generation, attempt, at: status(1, status=name, generation=generation, attempt=attempt, at=NOW + at),
    st.sampled_from(list(StatusName)),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 1000),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(EVENTS, min_size=1, max_size=8), cut=st.integers(1, 8))
async def test_postgresql_merges_as_memory_does(database: Database, told: list[Status], cut: int) -> None:
    for table in ("deliveries", "delivery_logs"):
        await database.fetch(f"delete from {table}")
    memory, stored = MemoryHistory(), StoredHistory(database)
    for start in range(0, len(told), cut):
        some = told[start : start + cut]
        winner = max(reversed(some), key=precedence)
        group = entries(winner)._replace(attempts=[LoggedAttempt(f"{event.delivery_id[4:24]}{start + n:012x}", event)
                                                   for n, event in enumerate(some)])  # fmt: skip
        await memory.write(group)
        await stored.write(group)
    ours, theirs = await memory.story(notification_id(1)), await stored.story(notification_id(1))
    assert ours is not None
    assert theirs is not None
    assert [precedence(each) for each in ours.current] == [precedence(each) for each in theirs.current]
    assert sorted(map(repr, ours.attempts)) == sorted(map(repr, theirs.attempts))
