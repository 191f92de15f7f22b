"""The web view of all rows of a user in the tables of a worker, and the removal of those that an operator may remove."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec
from aiohttp import web

from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.workers.assigned_worker import AssignedWorker, build_problem_response, is_ready
from schemas.errors import PartitionFencedError
from schemas.ports import BatchCommitter
from schemas.user_rows import MAX_ROWS, RemovedRows, UserRow, UserRows
from tables.table_definition import TableDefinition

REMOVAL_TIMEOUT = 5.0  # seconds in which Kafka confirms a removal

RemoveRows = Callable[[int, Sequence[bytes]], Awaitable[None]]
"""Removes the rows with these keys from a partition. Raises PartitionFencedError, and TimeoutError if Kafka does not confirm it."""


def build_row_removal(committer: BatchCommitter, table: RocksDBTable) -> RemoveRows:
    """The removal of rows by a commit of its own, between two batches, as the batches write them: to the changelog first, then to RocksDB.

    It starts before anything is awaited, so what the caller has just read is what is removed.
    """

    async def remove_rows(partition: int, keys: Sequence[bytes]) -> None:
        outbox = committer.create_outbox(partition)
        committed = committer.commit(partition, outbox, [(table, dict.fromkeys(keys))])
        async with asyncio.timeout(REMOVAL_TIMEOUT):
            await asyncio.shield(committed)

    return remove_rows


class UserRowsView:
    """Answers with the rows of a user, or forwards the request to the worker that the user's partition is assigned to."""

    def __init__(
        self,
        app: StreamApp,
        role: str,
        assigned_worker: AssignedWorker,
        definitions: Iterable[TableDefinition],
        tables: Mapping[str, RocksDBTable],
        removals: Mapping[str, RemoveRows],
    ) -> None:
        """`removals`: by the name of the tables whose rows an operator may remove; those of no other table are removed."""
        self._app, self._role, self._assigned_worker, self._tables, self._removals = app, role, assigned_worker, tables, removals
        self._definitions = {definition.name: definition for definition in definitions}

    async def get_rows(self, request: web.Request) -> web.Response:
        """`GET /users/{user}/rows`: 401 without the token, 503 while the partition is not assigned or recovered."""
        user_id = request.match_info["user"]

        async def respond(partition: int) -> web.Response:
            tables = {name: self._list_rows(name, partition, user_id) for name in self._definitions}
            return _build_response(UserRows(self._role, partition, self._assigned_worker.own_url, tables))

        return await self._answer(request, user_id, respond)

    async def delete_rows(self, request: web.Request) -> web.Response:
        """`DELETE /users/{user}/rows/{table}[/{name}]`: removes the rows of a user whose keys begin with the name, or all of the table."""
        user_id, table, name = (request.match_info.get(part, "") for part in ("user", "table", "name"))

        async def respond(partition: int) -> web.Response:
            keys = [row.key for row in self._list_rows(table, partition, user_id) if _is_named(row.key, name)]
            prefix = self._definitions[table].encode_user_prefix(user_id)
            if keys:
                try:
                    await self._removals[table](partition, [prefix + key for key in keys])
                except PartitionFencedError as error:
                    return build_problem_response(503, f"partition {partition} is being reassigned, nothing was removed: {error}")
                except TimeoutError:
                    return build_problem_response(503, "Kafka has not confirmed the removal yet: read the state again, then retry")
            return _build_response(RemovedRows(partition, self._assigned_worker.own_url, keys))

        if table not in self._removals:
            unauthorized = self._assigned_worker.find_unauthorized_problem(request)
            return unauthorized or build_problem_response(
                404, f"rows of {table} cannot be removed, only those of {', '.join(self._removals)}"
            )
        return await self._answer(request, user_id, respond)

    async def _answer(self, request: web.Request, user_id: str, respond: Callable[[int], Awaitable[web.Response]]) -> web.Response:
        unauthorized = self._assigned_worker.find_unauthorized_problem(request)
        if unauthorized is not None:
            return unauthorized
        if not is_ready(self._app):
            return build_problem_response(503, "the worker has no partitions yet, or restores its tables: retry in a few seconds")
        return await self._assigned_worker.answer(request, next(iter(self._tables.values())), user_id, respond)

    def _list_rows(self, name: str, partition: int, user_id: str) -> list[UserRow]:
        prefix = self._definitions[name].encode_user_prefix(user_id)
        return [UserRow(key.removeprefix(prefix), row) for key, row in self._tables[name].list_rows(partition, prefix, MAX_ROWS)]


def _is_named(key: bytes, name: str) -> bool:
    return not name or key.partition(b"\0")[0] == name.encode()


def _build_response(body: UserRows | RemovedRows) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
