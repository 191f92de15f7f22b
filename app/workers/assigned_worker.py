"""Answers a request about a user at the worker that the user's partition is assigned to; every other worker of the role forwards it."""

import hmac
from collections.abc import Awaitable, Callable

from aiohttp import ClientError, ClientTimeout, web
from faust.exceptions import ConsumerNotStarted

from app.settings import Settings
from app.streaming.application import StreamApp
from app.streaming.rocksdb_table import RocksDBTable
from app.workers.web_access import build_web_client_context
from schemas.ids import compute_partition

FORWARDED_HEADER = "herold-forwarded"  # marks a request from another worker, which must not be forwarded again
FORWARD_TIMEOUT = ClientTimeout(total=8)  # longer than a worker waits for Kafka to confirm a removal


class AssignedWorker:
    """Finds the worker of a partition by the assignment of the tables' changelogs; answers only to clients with the token."""

    def __init__(self, app: StreamApp, settings: Settings) -> None:
        self._app, self._partitions, self._token = app, settings.kafka.topic_partitions, settings.worker.web_token
        self._tls = build_web_client_context(settings.worker)

    @property
    def own_url(self) -> str:
        """The web address of this worker."""
        return str(self._app.conf.canonical_url).rstrip("/")

    def find_unauthorized_problem(self, request: web.Request) -> web.Response | None:
        """The response to a request without the token; None if it has the token."""
        authorization = request.headers.get("Authorization", "")
        if bool(self._token) and hmac.compare_digest(authorization.encode(), f"Bearer {self._token}".encode()):
            return None
        return build_problem_response(401, "the token is missing or wrong: send Authorization: Bearer <worker.web_token>")

    async def answer(
        self, request: web.Request, table: RocksDBTable, user_id: str, respond: Callable[[int], Awaitable[web.Response]]
    ) -> web.Response:
        """The response of `respond` with the partition if it is this worker's, else that of its worker; 503 while it is not assigned."""
        partition = compute_partition(user_id, self._partitions)
        active_url = self._find_active_worker_url(table.changelog_topic_name, partition)
        if active_url == self.own_url:
            return await respond(partition)
        if active_url is None or request.headers.get(FORWARDED_HEADER):
            return build_problem_response(503, f"partition {partition} is being reassigned: retry in a few seconds")
        return await self._forward_request(active_url, request)

    def _find_active_worker_url(self, changelog: str, partition: int) -> str | None:
        """The URL of the worker that a partition of a changelog is assigned to; None while it is not assigned."""
        for url, topics in self._app.assignor.tables_metadata().items():
            if partition in topics.get(changelog, ()):
                return str(url).rstrip("/")
        return None

    async def _forward_request(self, worker_url: str, request: web.Request) -> web.Response:
        headers, url = {"Authorization": request.headers["Authorization"], FORWARDED_HEADER: "1"}, f"{worker_url}{request.raw_path}"
        try:
            async with self._app.http_client.request(
                request.method, url, headers=headers, timeout=FORWARD_TIMEOUT, ssl=self._tls
            ) as response:
                return web.Response(body=await response.read(), status=response.status, content_type=response.content_type)
        except (OSError, TimeoutError, ClientError) as error:
            problem = f"the worker at {worker_url}, to which the partition is assigned, does not answer ({type(error).__name__})"
            return build_problem_response(503, f"{problem}: try again, or look into its log")


def is_ready(app: StreamApp) -> bool:
    """Whether partitions are assigned to the worker and it consumes them; the web server starts before that."""
    if not app.started or app.rebalancing or app.in_recovery:
        return False
    try:
        return bool(app.consumer.assignment())
    except ConsumerNotStarted:
        return False


def build_problem_response(status: int, detail: str) -> web.Response:
    """A problem document (RFC 9457)."""
    body = {"status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")
