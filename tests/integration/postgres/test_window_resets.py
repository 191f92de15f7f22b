"""Entries of the audit log about rate windows."""

import time

from schemas.ids import make_id
from tables.postgres.database import Database
from tables.postgres.window_resets import PostgresWindowResets


async def test_a_reset_is_appended_to_the_audit_log(database: Database) -> None:
    resets = PostgresWindowResets(database, lambda prefix: make_id(prefix, time.time(), 4711))
    entry_id = await resets.write("eve", "reset", "u-42", {"channel": "sms", "reason": "a call"})
    (row,) = await database.fetch("select * from audit_log where id = $1", entry_id.removeprefix("aud_"))
    assert (row["actor"], row["action"], row["object_type"], row["object_id"]) == ("eve", "reset", "rate_windows", "u-42")
    assert row["details"] == '{"reason": "a call", "channel": "sms"}'
