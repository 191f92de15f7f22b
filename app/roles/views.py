"""A worker's web views: `/tables/...` shows a decoded row to whoever has the token, `/ready` whether it works, `/metrics` its counters."""

import hmac
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientTimeout, web
from faust.exceptions import ConsumerNotStarted

from app.roles import rows
from app.settings import Settings
from app.streaming.application import StreamApp
from app.streaming.table import Table
from app.telemetry import Metrics
from schemas.ids import partition_of

ASKED_ON = "herold-asked-on"  # set on a question passed on to another worker, so that it is passed on once
PATIENCE = ClientTimeout(total=5)

Handler = Callable[[web.Request], Any]


class TableViews:
    """Looks a user's row up in the tables of this worker, or asks the worker that has the user's partition."""

    def __init__(self, app: StreamApp, tables: Mapping[str, Table], settings: Settings) -> None:
        self._app, self._tables, self._partitions = app, tables, settings.herold.partitions
        self._token = settings.streaming.web_token

    async def show(self, request: web.Request) -> web.Response:
        """`/tables/{table}/{user}[/{key}]`: 401 without the token, 404 for what is not there, 503 if nobody has the partition now."""
        if not self._allowed(request):
            return _problem(401, "show the token: Authorization: Bearer <streaming.web_token>")
        name, user, key = (request.match_info.get(part, "") for part in ("table", "user", "key"))
        if name not in self._tables:
            return _problem(404, f"no table {name} here; this worker has {', '.join(sorted(self._tables)) or 'none'}")
        partition = partition_of(user, self._partitions)
        owner = self._owner(self._tables[name].changelog, partition)
        if owner == self._own_url:
            return self._row(name, partition, user, key)
        if owner is None or request.headers.get(ASKED_ON):
            return _problem(503, f"partition {partition} is on its way to another worker: ask again in a few seconds")
        return await self._ask(owner, request)

    @property
    def _own_url(self) -> str:
        return str(self._app.conf.canonical_url).rstrip("/")

    def _allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "")
        return bool(self._token) and hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode())

    def _owner(self, changelog: str, partition: int) -> str | None:
        """The address of the worker that has a partition of a table, as the group's leader assigned it."""
        for url, topics in self._app.assignor.tables_metadata().items():
            if partition in topics.get(changelog, ()):
                return str(url).rstrip("/")
        return None

    def _row(self, name: str, partition: int, user: str, key: str) -> web.Response:
        try:
            found = rows.look_up(name, self._tables[name], partition, user, key)
        except ValueError as error:
            return _problem(400, str(error))
        if found is None:
            return _problem(404, f"no row in {name} for this user and key")
        return web.json_response({"table": name, "partition": partition, "user_id": user, "worker": self._own_url, **found})

    async def _ask(self, owner: str, request: web.Request) -> web.Response:
        headers = {"Authorization": request.headers["Authorization"], ASKED_ON: "1"}
        try:
            async with self._app.http_client.get(f"{owner}{request.raw_path}", headers=headers, timeout=PATIENCE) as answer:
                return web.Response(body=await answer.read(), status=answer.status, content_type=answer.content_type)
        except (OSError, TimeoutError) as error:
            return _problem(503, f"the worker at {owner} has the partition and does not answer: {error!r}")


def works(app: StreamApp) -> bool:
    """Whether a worker has partitions and reads them; the web server answers before the stream begins."""
    if not app.started or app.rebalancing or app.in_recovery:
        return False
    try:
        return bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False


def mount_views(app: StreamApp, tables: Mapping[str, Table], metrics: Metrics, settings: Settings) -> None:
    """Add the views to the worker's web server, which starts before the stream does."""
    views = TableViews(app, tables, settings)

    async def ready(request: web.Request) -> web.Response:
        working = works(app)
        return web.json_response({"ready": working, "role": app.settings.app_id}, status=200 if working else 503)

    async def numbers(request: web.Request) -> web.Response:
        return web.Response(body=metrics.page(), content_type="text/plain")

    router = app.web.web_app.router
    router.add_get("/ready", ready)
    router.add_get("/metrics", numbers)
    router.add_get("/tables/{table}/{user}", views.show)
    router.add_get("/tables/{table}/{user}/{key}", views.show)


def _problem(status: int, detail: str) -> web.Response:
    return web.json_response({"status": status, "detail": detail}, status=status, content_type="application/problem+json")
