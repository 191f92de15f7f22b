"""The lock of a user: whatever changes a user, or what belongs to one, takes it first, so that no two changes wait for each other."""

from schemas.errors import MissingUserError, VersionMismatchError
from tables.postgres.database import Connection
from tables.postgres.query_loader import load_queries

_SQL = load_queries("users")


async def lock_user(connection: Connection, user_id: str, version: int | None) -> int:
    """Lock a user until the transaction ends, and return its version. Raises MissingUserError and VersionMismatchError."""
    current: int | None = await connection.fetchval(_SQL["lock_user"], user_id)
    if current is None:
        raise MissingUserError(user_id)
    if version is not None and version != current:
        raise VersionMismatchError(current)
    return current
