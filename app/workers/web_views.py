"""The web views of a worker: rows of its tables and `/report` for a client with the token; `/ready` is the readiness; `/metrics`."""

from collections.abc import Iterable, Mapping

from aiohttp import web

from app.settings import Settings
from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.telemetry import Metrics
from app.workers.assigned_worker import AssignedWorker, build_problem_response, is_ready
from app.workers.report_view import ReportView, add_report_view
from app.workers.user_rows_view import RemoveRows, UserRowsView
from tables.table_definition import TableDefinition


class TableView:
    """Answers with a row of this worker's tables, or forwards the request to the worker that the user's partition is assigned to."""

    def __init__(self, assigned_worker: AssignedWorker, definitions: Iterable[TableDefinition], tables: Mapping[str, RocksDBTable]) -> None:
        self._assigned_worker, self._tables = assigned_worker, tables
        self._definitions = {definition.name: definition for definition in definitions}

    async def get_row(self, request: web.Request) -> web.Response:
        """`/tables/{table}/{user}[/{key}]`: 401 without the token, 404 without a row, 503 while the partition is not assigned."""
        unauthorized = self._assigned_worker.find_unauthorized_problem(request)
        if unauthorized is not None:
            return unauthorized
        name, user_id, key = (request.match_info.get(part, "") for part in ("table", "user", "key"))
        if name not in self._definitions:
            return build_problem_response(404, f"unknown table {name}; this worker has {', '.join(sorted(self._definitions)) or 'none'}")

        async def respond(partition: int) -> web.Response:
            return self._build_row_response(name, partition, user_id, key)

        return await self._assigned_worker.answer(request, self._tables[name], user_id, respond)

    def _build_row_response(self, name: str, partition: int, user_id: str, key: str) -> web.Response:
        table = self._tables[name]
        try:
            row = self._definitions[name].find_row(lambda keys: table.get_many(partition, keys), user_id, key)
        except ValueError as error:
            return build_problem_response(400, str(error))
        if row is None:
            return build_problem_response(404, f"no row in {name} for this user and key")
        own_url = self._assigned_worker.own_url
        return web.json_response({"table": name, "partition": partition, "user_id": user_id, "worker": own_url, **row})


def add_web_views(
    app: StreamApp,
    role: str,
    definitions: Iterable[TableDefinition],
    tables: Mapping[str, RocksDBTable],
    removals: Mapping[str, RemoveRows],
    metrics: Metrics,
    settings: Settings,
    report_view: ReportView,
) -> None:
    """Add the views to the web server of the worker; `removals` as in UserRowsView."""
    assigned_worker = AssignedWorker(app, settings)
    table_view = TableView(assigned_worker, definitions, tables)

    def find_problem(request: web.Request) -> web.Response | None:
        return assigned_worker.find_unauthorized_problem(request) if settings.worker.web_protect_all else None

    async def get_readiness(request: web.Request) -> web.Response:
        if unauthorized := find_problem(request):
            return unauthorized
        ready = is_ready(app)
        return web.json_response({"ready": ready, "role": app.settings.app_id}, status=200 if ready else 503)

    async def get_metrics(request: web.Request) -> web.Response:
        if unauthorized := find_problem(request):
            return unauthorized
        return web.Response(body=metrics.encode_metrics(), content_type="text/plain")

    router = app.web.web_app.router
    router.add_get("/ready", get_readiness)
    router.add_get("/metrics", get_metrics)
    add_report_view(report_view, assigned_worker, router)
    router.add_get("/tables/{table}/{user}", table_view.get_row)
    router.add_get("/tables/{table}/{user}/{key}", table_view.get_row)
    if tables:
        rows_view = UserRowsView(app, role, assigned_worker, definitions, tables, removals)
        router.add_get("/users/{user}/rows", rows_view.get_rows)
        router.add_delete("/users/{user}/rows/{table}", rows_view.delete_rows)
        router.add_delete("/users/{user}/rows/{table}/{name}", rows_view.delete_rows)
