"""The lock of the policy: changes of rules, templates and limits wait for each other, and name who makes them and why."""

from tables.postgres.database import Connection
from tables.postgres.query_loader import load_queries

_SQL = load_queries("policy_lock")


async def lock_policy(connection: Connection, actor: str, comment: str) -> None:
    """Lock the policy until the transaction ends; the triggers of the histories read actor and comment."""
    await connection.execute(_SQL["describe_change"], actor, comment)
    await connection.execute(_SQL["lock_policy"])
