"""History: PostgreSQL and memory return what was written, with the same merge of states and statuses."""

from itertools import permutations
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.dead_letter import DeadLetter
from schemas.enums import State, Status
from schemas.errors import AmbiguousIdError, UnavailableError, UnstorableRowError
from schemas.events import DeliveryRef, GateResult, StatusEvent, compute_precedence
from schemas.history import LoggedAttempt, NotificationHistory, RecordedDeadLetter
from schemas.store_ports import HistoryWriter
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import NOW, build_decided_event, build_delivery_ref, build_history_batch, build_status_event, make_notification_id
from tests.history_rows import fetch_dead_letters
from tests.memory_stores import MemoryHistory

SENT, FAILED, DELIVERED = Status.SENT, Status.FAILED, Status.DELIVERED


class ReadableHistoryWriter(HistoryWriter, Protocol):
    """Writes and reads history."""

    async def get_notification_history(self, notification_id: str, user_id: str | None = None) -> NotificationHistory | None: ...
    async def list_by_user(
        self, user_id: str, limit: int, before: str | None = None, notification_type: str | None = None
    ) -> list[NotificationHistory]: ...


class PostgresHistory(PostgresHistoryWriter, PostgresHistoryReader):
    """Writes and reads history in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        PostgresHistoryWriter.__init__(self, database)


@pytest.fixture(params=["memory", "postgres"])
def history(request: pytest.FixtureRequest, database: Database) -> ReadableHistoryWriter:
    """Each implementation, without rows."""
    return MemoryHistory() if request.param == "memory" else PostgresHistory(database)


async def test_two_users_with_the_same_id_have_two_histories(history: ReadableHistoryWriter) -> None:
    ids = {user: build_delivery_ref(make_notification_id(1), "email", user).id for user in ("u-1", "u-2")}
    decided = {
        user: build_decided_event(1, user_id=user, state=state, deliveries=[DeliveryRef(ids[user], "email")])
        for user, state in (("u-1", State.ROUTED), ("u-2", State.REJECTED))
    }
    statuses = {user: build_status_event(1, user_id=user, delivery_id=ids[user]) for user in ids}
    await history.write(build_history_batch(decided["u-1"], statuses["u-1"]))
    await history.write(build_history_batch(decided["u-2"], decided["u-1"], statuses["u-2"]))
    for user in ids:
        result = await history.get_notification_history(make_notification_id(1), user)
        assert result is not None
        assert (result.decided, list(result.attempts)) == (decided[user], [statuses[user]])
        assert [found.decided for found in await history.list_by_user(user, 10)] == [decided[user]]
    with pytest.raises(AmbiguousIdError, match="2 users"):
        await history.get_notification_history(make_notification_id(1))


async def test_a_history_has_the_decided_event_each_status_and_all_attempts(history: ReadableHistoryWriter) -> None:
    failed, sent = (
        build_status_event(1, "sms", FAILED, occurred_at=NOW + 3, reason="retries_exhausted", outcome=None),
        build_status_event(1, "email"),
    )
    await history.write(build_history_batch(build_decided_event(1, "email", "sms", "push"), failed, sent))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert result.decided == build_decided_event(1, "email", "sms", "push")
    assert {(event.channel, event.status, event.reason, event.outcome, event.provider_message_id) for event in result.statuses} == {
        ("email", SENT, "", "ACCEPTED", "pr-1"),
        ("sms", FAILED, "retries_exhausted", None, "pr-1"),
    }
    assert list(result.attempts) == [sent, failed], "attempts are oldest first and complete"


async def test_an_unrecorded_notification_has_no_history(history: ReadableHistoryWriter) -> None:
    assert await history.get_notification_history(make_notification_id(404)) is None
    assert await history.get_notification_history("ntf_x") is None


async def test_the_time_of_the_next_attempt_is_kept(history: ReadableHistoryWriter) -> None:
    waiting = build_status_event(1, status=Status.PENDING, next_attempt_at=NOW + 0.25)
    sent = build_status_event(1, status=SENT, attempt=1, occurred_at=NOW + 3)
    for event in (waiting, sent):
        await history.write(build_history_batch(event))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert [attempt.next_attempt_at for attempt in result.attempts] == [NOW + 0.25, 0.0]


async def test_attempts_may_be_recorded_before_the_decided_event(history: ReadableHistoryWriter) -> None:
    await history.write(build_history_batch(build_status_event(1)))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert (result.decided, len(result.statuses), len(result.attempts)) == (None, 1, 1)


async def test_text_is_stored_unchanged(history: ReadableHistoryWriter) -> None:
    text = "tab\t, newline\n, backslash \\N, quote ' \", e\u0301, \U0001f600"
    await history.write(
        build_history_batch(
            build_decided_event(1, "email", user_id=text, type=text, category="", reason=text),
            build_status_event(1, provider_message_id=text),
        )
    )
    (result,) = await history.list_by_user(text, 10)
    assert result.decided is not None
    assert (result.decided.type, result.decided.reason) == (text, text)
    assert result.statuses[0].provider_message_id == text


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_a_status_never_regresses_for_any_order_of_events(history: ReadableHistoryWriter, order: tuple[int, ...]) -> None:
    events = [
        build_status_event(1, status=DELIVERED, attempt=0),
        build_status_event(1, status=FAILED, attempt=1),
        build_status_event(1, status=SENT, attempt=1),
    ]
    for index in order:
        await history.write(build_history_batch(events[index]))
        await history.write(build_history_batch(events[index]))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert [event.status for event in result.statuses] == [DELIVERED]
    assert len(result.attempts) == 3


@pytest.mark.parametrize(("first", "second", "expected"), [
    (State.REJECTED, State.ROUTED, State.ROUTED),
    (State.ROUTED, State.REJECTED, State.ROUTED),
    (State.HELD, State.DEAD, State.DEAD),
    (State.DEAD, State.REJECTED, State.DEAD),
])  # fmt: skip
async def test_the_state_of_a_notification_is_merged(history: ReadableHistoryWriter, first: State, second: State, expected: State) -> None:
    await history.write(build_history_batch(build_decided_event(1, state=first)))
    await history.write(build_history_batch(build_decided_event(1, state=second, duplicate_of=make_notification_id(9))))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert result.decided is not None
    assert result.decided.state == expected


@pytest.mark.parametrize("commits", ["0 1 2", "012", "01 12", "0 012 12", "01 01 012 2", "0 1 0 1 2 0"])
async def test_a_held_notification_ends_with_its_last_decision_and_the_log_of_all(history: ReadableHistoryWriter, commits: str) -> None:
    states = (State.HELD, State.HELD, State.ROUTED)
    decisions = [
        build_decided_event(1, state=state, resume_count=count, decision_log=[GateResult("any", "hold", "", {"at": "\0", "n": count})])
        for count, state in enumerate(states)
    ]
    for commit in commits.split():  # a recorder that is killed reads some of them again, and groups them otherwise
        await history.write(build_history_batch(*(decisions[int(number)] for number in commit)))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert result.decided is not None
    assert (result.decided.state, result.decided.resume_count) == (State.ROUTED, 2)
    assert result.decided.decision_log == [entry for decision in decisions for entry in decision.decision_log]


@pytest.mark.parametrize("commits", ["0 1 2 3", "0123", "0 01 12 3 23"])
async def test_a_notification_has_the_deliveries_of_all_its_decisions(history: ReadableHistoryWriter, commits: str) -> None:
    decisions = [
        build_decided_event(1, *channels, resume_count=count) for count, channels in enumerate(((), ("email",), ("sms", "push"), ()))
    ]
    for commit in commits.split():
        await history.write(build_history_batch(*(decisions[int(number)] for number in commit)))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert result.decided is not None
    assert [delivery.channel for delivery in result.decided.deliveries] == ["email", "sms", "push"]


async def test_what_a_notification_became_after_it_was_held_wins_whatever_it_was_before(history: ReadableHistoryWriter) -> None:
    for count, state in ((0, State.ROUTED), (1, State.HELD), (0, State.REJECTED)):
        await history.write(build_history_batch(build_decided_event(1, state=state, resume_count=count)))
    result = await history.get_notification_history(make_notification_id(1))
    assert result is not None
    assert result.decided is not None
    assert result.decided.state == State.HELD


async def test_a_users_notifications_are_listed_by_page_newest_first(history: ReadableHistoryWriter) -> None:
    for number in (3, 1, 2, 5, 4):
        await history.write(build_history_batch(build_decided_event(number, "email"), build_status_event(number)))
    await history.write(build_history_batch(build_decided_event(6, user_id="u-2")))
    page = await history.list_by_user("u-1", 2)
    ids = [result.decided.id for result in page if result.decided]
    assert ids == [make_notification_id(5), make_notification_id(4)]
    rest = [result.decided.id for result in await history.list_by_user("u-1", 9, ids[-1]) if result.decided]
    assert rest == [make_notification_id(3), make_notification_id(2), make_notification_id(1)]
    assert [event.status for event in page[0].statuses] == [SENT]
    assert not page[0].attempts
    assert await history.list_by_user("u-3", 9) == []


async def test_only_notifications_of_a_type_are_listed(history: ReadableHistoryWriter) -> None:
    for number, type_ in ((1, "a"), (2, "b"), (3, "a")):
        await history.write(build_history_batch(build_decided_event(number, type=type_)))
    found = [result.decided.id for result in await history.list_by_user("u-1", 9, None, "a") if result.decided]
    assert found == [make_notification_id(3), make_notification_id(1)]
    assert await history.list_by_user("u-1", 9, None, "a\0") == []


async def test_notifications_of_several_days_are_listed_in_order(history: ReadableHistoryWriter) -> None:
    for day in (0, 2, 1, 30):
        await history.write(build_history_batch(build_decided_event(day + 1, at=NOW + day * 86_400)))
    times = [result.decided.created_at for result in await history.list_by_user("u-1", 9) if result.decided]
    assert times == [NOW + day * 86_400 for day in (30, 2, 1, 0)]


async def test_a_batch_with_an_invalid_row_writes_nothing(history: ReadableHistoryWriter) -> None:
    with pytest.raises(UnstorableRowError):
        await history.write(build_history_batch(build_decided_event(1, "email"), build_decided_event(2, id="ntf_no")))
    assert await history.get_notification_history(make_notification_id(1)) is None


async def test_an_empty_batch_is_accepted(history: ReadableHistoryWriter) -> None:
    await history.write(build_history_batch())


async def test_memory_can_be_unavailable() -> None:
    memory = MemoryHistory()
    memory.unavailable = True
    with pytest.raises(UnavailableError):
        await memory.write(build_history_batch(build_decided_event()))
    assert not memory.notifications


async def test_a_dead_letter_is_recorded_once(database: Database) -> None:
    dead_letter = DeadLetter(
        "delivery", "retries_exhausted", "503", "deliveries.sms.low", 1, 2, b"k", b"\0\xff", 3, make_notification_id(1), "", "u-1"
    )
    recorded = RecordedDeadLetter(NOW, "notifications.dlq", 0, 1, dead_letter)
    for _ in range(2):
        await PostgresHistoryWriter(database).write(build_history_batch(dead_letters=[recorded]))
    assert await fetch_dead_letters(database) == [recorded]


EVENTS = st.builds(
    lambda status, redrive_count, attempt, at: build_status_event(
        1, status=status, redrive_count=redrive_count, attempt=attempt, occurred_at=NOW + at
    ),
    st.sampled_from(list(Status)),
    st.integers(0, 2),
    st.integers(0, 2),
    st.integers(0, 1000),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(EVENTS, min_size=1, max_size=8), batch_size=st.integers(1, 8))
async def test_postgresql_merges_as_memory_does(database: Database, events: list[StatusEvent], batch_size: int) -> None:
    for table in ("deliveries", "delivery_logs"):
        await database.fetch(f"delete from {table}")
    memory, postgres = MemoryHistory(), PostgresHistory(database)
    for start in range(0, len(events), batch_size):
        batch_events = events[start : start + batch_size]
        winner = max(reversed(batch_events), key=compute_precedence)
        batch = build_history_batch(winner)._replace(attempts=[LoggedAttempt(f"{event.delivery_id[4:24]}{start + n:012x}", event)
                                                   for n, event in enumerate(batch_events)])  # fmt: skip
        await memory.write(batch)
        await postgres.write(batch)
    expected, actual = (
        await memory.get_notification_history(make_notification_id(1)),
        await postgres.get_notification_history(make_notification_id(1)),
    )
    assert expected is not None
    assert actual is not None
    assert list(map(compute_precedence, expected.statuses)) == list(map(compute_precedence, actual.statuses))
    assert sorted(map(repr, expected.attempts)) == sorted(map(repr, actual.attempts))
