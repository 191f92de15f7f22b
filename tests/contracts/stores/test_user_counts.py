"""The counters of what users were sent: PostgreSQL has counted each accepted attempt once, whatever is read again, by whomever."""

import asyncio
from datetime import date
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.channels import CHANNEL_NAMES
from schemas.enums import Outcome
from schemas.errors import UnstorableRowError
from schemas.history import HistoryBatch, LoggedAttempt
from schemas.user_counts import DailyCount
from tables.postgres.database import Database
from tables.postgres.history_reader import PostgresHistoryReader
from tables.postgres.history_writer import PostgresHistoryWriter
from tests.event_builders import build_status_event
from tests.memory_stores import MemoryHistory

MIDNIGHT = 1_760_054_400.0  # 2025-10-10, UTC
FIRST, LAST = date(2025, 10, 9), date(2025, 10, 10)
USERS = ("u-1", "u-2")


def build_attempt(
    number: int, user_id: str = "u-1", channel: str = "email", at: float = MIDNIGHT, is_accepted: bool = True
) -> LoggedAttempt:
    """The attempt with this number; the same values give the same row of delivery_logs."""
    outcome = Outcome.ACCEPTED if is_accepted else Outcome.NOT_SENT
    event = build_status_event(1, channel, user_id=user_id, occurred_at=at, outcome=outcome)  # type: ignore[arg-type]
    return LoggedAttempt(f"{event.delivery_id[4:24]}{number:012x}", event)


attempts = st.builds(
    build_attempt,
    st.integers(0, 1000),
    st.sampled_from(USERS),
    st.sampled_from(CHANNEL_NAMES),
    st.integers(-3_600_000, 3_600_000).map(lambda milliseconds: MIDNIGHT + milliseconds / 1000),  # parts of a microsecond are rounded
    st.booleans(),
)
pools = st.lists(attempts, min_size=1, max_size=12, unique_by=lambda attempt: attempt.id[20:])


@st.composite
def commits(draw: st.DrawFn) -> list[tuple[bool, list[LoggedAttempt]]]:
    """Commits of attempts, some of which come several times; true if a new worker makes it."""
    pool = draw(pools)
    return draw(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(pool), min_size=1, max_size=6)), min_size=1, max_size=8))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(commits())
async def test_each_accepted_attempt_counts_once_although_it_is_read_again(
    database: Database, script: list[tuple[bool, list[LoggedAttempt]]]
) -> None:
    for table in ("delivery_logs", "user_counts"):
        await database.fetch(f"delete from {table}")
    memory, writer, reader = MemoryHistory(), PostgresHistoryWriter(database), PostgresHistoryReader(database)
    for is_new_worker, batch in script:
        if is_new_worker:
            writer = PostgresHistoryWriter(database)
        await memory.write(HistoryBatch(attempts=batch))
        await writer.write(HistoryBatch(attempts=batch))
    for user_id in USERS:
        assert await reader.list_user_counts(user_id, FIRST, LAST) == await memory.list_user_counts(user_id, FIRST, LAST)


async def test_a_commit_that_fails_counts_nothing(database: Database) -> None:
    writer = PostgresHistoryWriter(database)
    unstorable = LoggedAttempt("not hex", build_attempt(2).event)
    with pytest.raises(UnstorableRowError):
        await writer.write(HistoryBatch(attempts=[build_attempt(1), unstorable]))
    assert await PostgresHistoryReader(database).list_user_counts("u-1", FIRST, LAST) == []


async def test_workers_that_count_for_one_user_at_the_same_time_lose_nothing(database: Database) -> None:
    async def write(number: int) -> None:
        for step in range(20):
            first, keys = 100 * number + 4 * step, product(USERS, ("sms", "email"))
            await writers[number].write(HistoryBatch(attempts=[build_attempt(first + n, *key) for n, key in enumerate(keys)]))

    writers = [PostgresHistoryWriter(database) for _ in range(3)]
    await asyncio.gather(*[write(number) for number in range(3)])
    assert await PostgresHistoryReader(database).list_user_counts("u-2", FIRST, LAST) == [
        DailyCount(LAST, "email", 60),
        DailyCount(LAST, "sms", 60),
    ]
