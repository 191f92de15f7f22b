"""Stores the views of the dashboard that people keep."""

from schemas.errors import ConflictError
from schemas.ids import is_id, to_uuid_hex
from schemas.saved_views import MAX_VIEWS, VIEW_PREFIX, SavedView, ViewRequest
from tables.postgres.accounts import parse_account_id
from tables.postgres.database import Database, DatabaseRow
from tables.postgres.policy_writer import MakeId
from tables.postgres.query_loader import load_queries

_SQL = load_queries("saved_views")
_ZERO_UUID = "0" * 32


class SavedViewStore:
    """Reads and writes the table saved_views; `project` is empty for the default one. Each method raises UnavailableError."""

    def __init__(self, database: Database, make_id: MakeId) -> None:
        self._database, self._make_id = database, make_id

    async def list_views(self, project: str, account_id: str, page: str, limit: int, after: str) -> list[SavedView]:
        """At most `limit` views of a page after an id: those of the account, and the shared ones of the project."""
        above = to_uuid_hex(after) if is_id(after, VIEW_PREFIX) else _ZERO_UUID
        values = project, parse_account_id(account_id), page, above, limit
        return [_build_view(row) for row in await self._database.fetch(_SQL["list_views"], *values)]

    async def create(self, project: str, account_id: str, request: ViewRequest) -> SavedView:
        """The new view. Raises ConflictError for a name that is taken, or if the account has too many."""
        account_uuid, view_id = parse_account_id(account_id), to_uuid_hex(self._make_id(VIEW_PREFIX))
        async with self._database.acquire_connection() as connection, connection.transaction():
            await connection.execute(_SQL["lock_account"], account_uuid)
            if await connection.fetchval(_SQL["count_views"], account_uuid) >= MAX_VIEWS:
                raise ConflictError(f"the account has {MAX_VIEWS} views already: delete one")
            values = project, account_uuid, request.page, request.name, request.search, request.shared
            row = await connection.fetchrow(_SQL["insert_view"], view_id, *values)
            if row is None:
                raise ConflictError(f"there is a {'shared ' if request.shared else ''}view {request.name!r} of this page already")
            return _build_view(row)

    async def delete(self, project: str, account_id: str, view_id: str, *, is_admin: bool) -> bool:
        """Whether there was such a view of the account, or for an admin a shared one of the project; it is deleted."""
        if not is_id(view_id, VIEW_PREFIX):
            return False
        values = to_uuid_hex(view_id), project, parse_account_id(account_id), is_admin
        return bool(await self._database.fetch(_SQL["delete_view"], *values))


def _build_view(row: DatabaseRow) -> SavedView:
    return SavedView(
        VIEW_PREFIX + row["id"].hex, row["page"], row["name"], row["search"], row["is_shared"], row["is_own"], row["created_at"]
    )
