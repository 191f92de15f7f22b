"""The web views of a worker: `/tables/...` returns a decoded row to a client with the token; `/ready` is the readiness; `/metrics`."""

import hmac
from collections.abc import Iterable, Mapping

from aiohttp import ClientTimeout, web
from faust.exceptions import ConsumerNotStarted

from app.settings import Settings
from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.telemetry import Metrics
from schemas.ids import compute_partition
from tables.table_definition import TableDefinition

FORWARDED_HEADER = "herold-forwarded"  # marks a request from another worker, which must not be forwarded again
FORWARD_TIMEOUT = ClientTimeout(total=5)


class TableView:
    """Answers with a row of this worker's tables, or forwards the request to the worker that the user's partition is assigned to."""

    def __init__(
        self, app: StreamApp, definitions: Iterable[TableDefinition], tables: Mapping[str, RocksDBTable], settings: Settings
    ) -> None:
        self._app, self._tables, self._partitions = app, tables, settings.kafka.topic_partitions
        self._definitions = {definition.name: definition for definition in definitions}
        self._token = settings.worker.web_token

    async def get_row(self, request: web.Request) -> web.Response:
        """`/tables/{table}/{user}[/{key}]`: 401 without the token, 404 without a row, 503 while the partition is not assigned."""
        if not self._is_authorized(request):
            return _build_problem_response(401, "the token is missing or wrong: send Authorization: Bearer <worker.web_token>")
        name, user_id, key = (request.match_info.get(part, "") for part in ("table", "user", "key"))
        if name not in self._definitions:
            return _build_problem_response(404, f"unknown table {name}; this worker has {', '.join(sorted(self._definitions)) or 'none'}")
        partition = compute_partition(user_id, self._partitions)
        active_url = self._find_active_worker_url(self._tables[name].changelog_topic_name, partition)
        if active_url == self._own_url:
            return self._build_row_response(name, partition, user_id, key)
        if active_url is None or request.headers.get(FORWARDED_HEADER):
            return _build_problem_response(503, f"partition {partition} is being reassigned: retry in a few seconds")
        return await self._forward_request(active_url, request)

    @property
    def _own_url(self) -> str:
        return str(self._app.conf.canonical_url).rstrip("/")

    def _is_authorized(self, request: web.Request) -> bool:
        authorization = request.headers.get("Authorization", "")
        return bool(self._token) and hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode())

    def _find_active_worker_url(self, changelog: str, partition: int) -> str | None:
        """The URL of the worker that a partition of a changelog is assigned to; None while it is not assigned."""
        for url, topics in self._app.assignor.tables_metadata().items():
            if partition in topics.get(changelog, ()):
                return str(url).rstrip("/")
        return None

    def _build_row_response(self, name: str, partition: int, user_id: str, key: str) -> web.Response:
        table = self._tables[name]
        try:
            row = self._definitions[name].find_row(lambda keys: table.get_many(partition, keys), user_id, key)
        except ValueError as error:
            return _build_problem_response(400, str(error))
        if row is None:
            return _build_problem_response(404, f"no row in {name} for this user and key")
        return web.json_response({"table": name, "partition": partition, "user_id": user_id, "worker": self._own_url, **row})

    async def _forward_request(self, worker_url: str, request: web.Request) -> web.Response:
        headers = {"Authorization": request.headers["Authorization"], FORWARDED_HEADER: "1"}
        try:
            async with self._app.http_client.get(f"{worker_url}{request.raw_path}", headers=headers, timeout=FORWARD_TIMEOUT) as response:
                return web.Response(body=await response.read(), status=response.status, content_type=response.content_type)
        except (OSError, TimeoutError) as error:
            return _build_problem_response(
                503, f"the worker at {worker_url}, to which the partition is assigned, does not answer: {error!r}"
            )


def is_ready(app: StreamApp) -> bool:
    """Whether partitions are assigned to the worker and it consumes them; the web server starts before that."""
    if not app.started or app.rebalancing or app.in_recovery:
        return False
    try:
        return bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False


def add_web_views(
    app: StreamApp, definitions: Iterable[TableDefinition], tables: Mapping[str, RocksDBTable], metrics: Metrics, settings: Settings
) -> None:
    """Add the views to the web server of the worker."""
    table_view = TableView(app, definitions, tables, settings)

    async def get_readiness(request: web.Request) -> web.Response:
        ready = is_ready(app)
        return web.json_response({"ready": ready, "role": app.settings.app_id}, status=200 if ready else 503)

    async def get_metrics(request: web.Request) -> web.Response:
        return web.Response(body=metrics.encode_metrics(), content_type="text/plain")

    router = app.web.web_app.router
    router.add_get("/ready", get_readiness)
    router.add_get("/metrics", get_metrics)
    router.add_get("/tables/{table}/{user}", table_view.get_row)
    router.add_get("/tables/{table}/{user}/{key}", table_view.get_row)


def _build_problem_response(status: int, detail: str) -> web.Response:
    return web.json_response({"status": status, "detail": detail}, status=status, content_type="application/problem+json")
