"""A worker's web views: `/tables/...` shows a decoded row to whoever has the token, `/ready` whether it works, `/metrics` its counters."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientTimeout, web
from faust.exceptions import ConsumerNotStarted

from app.settings import Settings
from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.telemetry import Metrics
from app.workers import table_inspection
from schemas.ids import compute_partition

FORWARDED_HEADER = "herold-forwarded"  # set on a question passed on to another worker, so that it is passed on once
FORWARD_TIMEOUT = ClientTimeout(total=5)

Handler = Callable[[web.Request], Any]


class TableView:
    """Looks a user's row up in the tables of this worker, or asks the worker that has the user's partition."""

    def __init__(self, app: StreamApp, tables: Mapping[str, RocksDBTable], settings: Settings) -> None:
        self._app, self._tables, self._partitions = app, tables, settings.kafka.topic_partitions
        self._token = settings.worker.web_token

    async def get_row(self, request: web.Request) -> web.Response:
        """`/tables/{table}/{user}[/{key}]`: 401 without the token, 404 for what is not there, 503 if nobody has the partition now."""
        if not self._is_authorized(request):
            return _build_problem_response(401, "show the token: Authorization: Bearer <worker.web_token>")
        name, user, key = (request.match_info.get(part, "") for part in ("table", "user", "key"))
        if name not in self._tables:
            return _build_problem_response(404, f"no table {name} here; this worker has {', '.join(sorted(self._tables)) or 'none'}")
        partition = compute_partition(user, self._partitions)
        owner = self._find_active_worker_url(self._tables[name].changelog_topic_name, partition)
        if owner == self._own_url:
            return self._build_row_response(name, partition, user, key)
        if owner is None or request.headers.get(FORWARDED_HEADER):
            return _build_problem_response(503, f"partition {partition} is on its way to another worker: ask again in a few seconds")
        return await self._forward_request(owner, request)

    @property
    def _own_url(self) -> str:
        return str(self._app.conf.canonical_url).rstrip("/")

    def _is_authorized(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return bool(self._token) and hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())

    def _find_active_worker_url(self, changelog: str, partition: int) -> str | None:
        """The address of the worker that has a partition of a table, as the group's leader assigned it."""
        for url, topics in self._app.assignor.tables_metadata().items():
            if partition in topics.get(changelog, ()):
                return str(url).rstrip("/")
        return None

    def _build_row_response(self, name: str, partition: int, user: str, key: str) -> web.Response:
        try:
            found = table_inspection.find_row(name, self._tables[name], partition, user, key)
        except ValueError as error:
            return _build_problem_response(400, str(error))
        if found is None:
            return _build_problem_response(404, f"no row in {name} for this user and key")
        return web.json_response({"table": name, "partition": partition, "user_id": user, "worker": self._own_url, **found})

    async def _forward_request(self, worker_url: str, request: web.Request) -> web.Response:
        headers = {"Authorization": request.headers["Authorization"], FORWARDED_HEADER: "1"}
        try:
            async with self._app.http_client.get(f"{worker_url}{request.raw_path}", headers=headers, timeout=FORWARD_TIMEOUT) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        except (OSError, TimeoutError) as error:
            return _build_problem_response(503, f"the worker at {worker_url} has the partition and does not answer: {error!r}")


def is_ready(app: StreamApp) -> bool:
    """Whether a worker has partitions and reads them; the web server answers before the stream begins."""
    if not app.started or app.rebalancing or app.in_recovery:
        return False
    try:
        return bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False


def add_web_views(app: StreamApp, tables: Mapping[str, RocksDBTable], metrics: Metrics, settings: Settings) -> None:
    """Add the views to the worker's web server, which starts before the stream does."""
    views = TableView(app, tables, settings)

    async def get_readiness(request: web.Request) -> web.Response:
        working = is_ready(app)
        return web.json_response({"ready": working, "role": app.settings.app_id}, status=200 if working else 503)

    async def get_metrics(request: web.Request) -> web.Response:
        return web.Response(body=metrics.encode_metrics(), content_type="text/plain")

    router = app.web.web_app.router
    router.add_get("/ready", get_readiness)
    router.add_get("/metrics", get_metrics)
    router.add_get("/tables/{table}/{user}", views.get_row)
    router.add_get("/tables/{table}/{user}/{key}", views.get_row)


def _build_problem_response(status: int, detail: str) -> web.Response:
    return web.json_response({"status": status, "detail": detail}, status=status, content_type="application/problem+json")
