"""The counts of bounces on a real database: by category, of the last hour, all of them while few are sent and a sample of more."""

import pytest

from schemas.enums import Status
from schemas.ids import derive_delivery_id, make_id, to_uuid_hex
from tables.postgres.bounce_counts import MAX_DELIVERIES_PER_MINUTE, PostgresBounceCounts
from tables.postgres.database import Database

NOW = 1_760_000_000.0
INSERT_NOTIFICATIONS = """
insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, duplicate_of, created_at,
                           decided_at, expires_at, resume_count)
select id, 'u', 't', category, 'low', 'routed', '', '[]', '[]', null, now(), now(), now(), 0
from unnest($1::uuid[], $2::text[]) as new (id, category)
"""
INSERT_DELIVERIES = """
insert into deliveries (id, notification_id, user_id, channel, status, status_rank, reason, outcome, redrive_count, attempt, provider,
                        provider_message_id, created_at, updated_at)
select id, notification_id, 'u', channel, status, 10, '', '', 0, 0, '', '', now(), now()
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as new (id, notification_id, channel, status)
"""


async def insert(database: Database, *rows: tuple[str, str, Status, float]) -> None:
    """Insert deliveries by category, channel, status, and seconds before NOW."""
    ids = [make_id("ntf_", NOW - age, number) for number, (_, _, _, age) in enumerate(rows)]
    deliveries = [derive_delivery_id(one, "u", channel, "a") for one, (_, channel, _, _) in zip(ids, rows, strict=True)]
    hexes = [to_uuid_hex(one) for one in ids]
    async with database.acquire_connection() as connection:
        await connection.execute(INSERT_NOTIFICATIONS, hexes, [row[0] for row in rows])
        columns = [to_uuid_hex(one) for one in deliveries], hexes, [row[1] for row in rows], [row[2] for row in rows]
        await connection.execute(INSERT_DELIVERIES, *columns)


async def test_the_e_mails_of_the_last_hour_are_counted_by_category(database_copy: Database) -> None:
    await insert(
        database_copy,
        ("news", "email", Status.SENT, 1),
        ("news", "email", Status.DELIVERED, 1800),
        ("news", "email", Status.BOUNCED, 3599),
        ("news", "email", Status.FAILED, 5),
        ("news", "sms", Status.BOUNCED, 5),
        ("news", "email", Status.BOUNCED, 3700),
        ("feedback", "email", Status.BOUNCED, 60),
        ("feedback", "email", Status.UNSUBSCRIBED, 61),
    )
    assert await PostgresBounceCounts(database_copy).read(NOW) == {"news": (3, 1), "feedback": (2, 1)}


async def test_of_a_busy_minute_a_part_is_counted(database_copy: Database) -> None:
    busy = [("news", "email", Status.BOUNCED if number % 4 == 0 else Status.SENT, 90 + number / 100) for number in range(1000)]
    await insert(database_copy, *busy, ("news", "email", Status.SENT, 600))
    sent, bounced = (await PostgresBounceCounts(database_copy).read(NOW))["news"]
    assert sent == MAX_DELIVERIES_PER_MINUTE + 1
    assert bounced / sent == pytest.approx(0.25, abs=0.02)


async def test_without_deliveries_there_is_nothing(database_copy: Database) -> None:
    assert await PostgresBounceCounts(database_copy).read(NOW) == {}
