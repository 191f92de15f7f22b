"""The client of the workers' web views, with HTTP servers in the place of the workers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.api.services.worker_client import WorkerClient
from schemas.errors import UnavailableError
from schemas.user_rows import RemovedRows, UserRow, UserRows
from schemas.worker_reports import WorkerReport

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROWS = UserRows("router", 3, "http://w", {"idempotency": [UserRow(b"k\0\xff", b"\1")]})
REPORT = WorkerReport("router", "1", "1.0", 600.0, 1_000_000, 0.01, "running", 500.0, [0, 1], [], {"notifications.status": 3})
UNREACHABLE = "http://127.0.0.1:1"


class Addresses:
    """The registered workers."""

    def __init__(self, *urls: str) -> None:
        self.urls = list(urls)

    async def list_urls(self, role: str) -> list[str]:
        if not self.urls:
            raise UnavailableError("Redis does not answer")
        return [url for url in self.urls if url]


async def answer(request: web.Request) -> web.StreamResponse:
    """Respond as the worker of the user `u/1`, for a client with the token."""
    if request.headers.get("Authorization") != "Bearer t":
        return web.json_response({"status": 401, "detail": "wrong"}, status=401)
    if request.raw_path == "/users/u%2F1/rows":
        return web.Response(body=msgspec.json.encode(ROWS))
    if request.method == "DELETE" and request.raw_path == "/users/u%2F1/rows/rate_windows/sms":
        return web.Response(body=msgspec.json.encode(RemovedRows(3, "http://w", [b"sms"])))
    if request.raw_path == "/report":
        return web.Response(body=msgspec.json.encode(REPORT))
    if request.raw_path == "/tables/attempts/u%2F1/dlv%2F1":
        return web.json_response({"table": "attempts", "partition": 3, "user_id": "u/1", "worker": "http://w", "attempt": 2})
    if request.raw_path.startswith("/tables/attempts/"):
        status = 404 if request.raw_path.endswith("missing") else 400
        return web.json_response({"status": status, "detail": "not the id of a delivery"}, status=status)
    return web.json_response({"status": 503, "detail": "partition 3 is being reassigned"}, status=503)


@asynccontextmanager
async def run_client(*urls: str | None, token: str = "t", handler: Handler = answer) -> AsyncIterator[WorkerClient]:
    """A client of workers at these addresses; None is a worker that answers by `handler`."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        client = WorkerClient(Addresses(*[str(server.make_url("")).rstrip("/") if url is None else url for url in urls]), token)
        try:
            yield client
        finally:
            await client.close()


async def test_rows_are_read_and_removed() -> None:
    async with run_client(None) as client:
        assert await client.get_user_rows("router", "u/1") == ROWS
        assert (await client.remove_rows("router", "u/1", "rate_windows", "sms")).keys == [b"sms"]


async def test_the_next_worker_is_asked_if_one_does_not_answer() -> None:
    async with run_client(UNREACHABLE, None) as client:
        assert await client.get_user_rows("router", "u/1") == ROWS


async def test_all_workers_have_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def hang(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("app.api.services.worker_client.ALL_WORKERS_SECONDS", 0.2)
    async with run_client(None, None, None, handler=hang) as client:
        with pytest.raises(UnavailableError, match=r"TimeoutError; 2 others were not asked, because 0\.2 s are over"):
            await client.get_user_rows("router", "u/1")
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("urls", "token", "problem"),
    [
        ([None], "", "set HEROLD_WORKER_WEB_TOKEN"),
        ([None], "another", "need the same worker.web_token"),
        ([UNREACHABLE], "t", f"the worker at {UNREACHABLE} does not answer"),
        ([""], "t", "no worker of the role router has registered"),
        ([], "t", "registered in Redis: Redis does not answer"),
    ],
)
async def test_a_failure_says_who_does_not_answer_and_why(urls: list[str | None], token: str, problem: str) -> None:
    async with run_client(*urls, token=token) as client:
        with pytest.raises(UnavailableError, match=problem):
            await client.get_user_rows("router", "u/1")


async def test_the_problem_of_the_worker_is_passed_on() -> None:
    async with run_client(None) as client:
        with pytest.raises(UnavailableError, match="partition 3 is being reassigned"):
            await client.get_user_rows("router", "u-2")


async def test_another_server_at_the_address_is_a_failure() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"<html>", status=200 if request.method == "GET" else 500)

    async with run_client(None, handler=respond) as client:
        with pytest.raises(UnavailableError, match="the worker at"):
            await client.get_user_rows("router", "u/1")
        with pytest.raises(UnavailableError, match="responded with 500"):
            await client.remove_rows("router", "u/1", "rate_windows", "")


async def test_a_row_of_a_table_is_found_or_not() -> None:
    async with run_client(UNREACHABLE, None) as client:
        row = await client.find_row("email", "attempts", "u/1", "dlv/1")
        assert row == {"table": "attempts", "partition": 3, "user_id": "u/1", "worker": "http://w", "attempt": 2}
        assert await client.find_row("email", "attempts", "u/1", "missing") is None
        with pytest.raises(ValueError, match="not the id of a delivery"):
            await client.find_row("email", "attempts", "u/1", "rubbish")
        with pytest.raises(UnavailableError, match="is being reassigned"):
            await client.find_row("scheduler", "due", "u/1", "ntf")


async def test_a_worker_reports() -> None:
    async with run_client(None) as client:
        (url,) = await client.list_urls("router")
        assert await client.read_report(url) == REPORT
        with pytest.raises(UnavailableError, match="does not answer: Client"):
            await client.read_report(UNREACHABLE)


async def test_a_report_of_another_version_and_a_missing_token_say_so() -> None:
    async def respond(request: web.Request) -> web.StreamResponse:
        return web.json_response({"role": "router"})

    async with run_client(None, handler=respond) as client:
        with pytest.raises(UnavailableError, match="as if it were of another version"):
            await client.read_report((await client.list_urls("router"))[0])
    async with run_client(None, token="") as client:
        with pytest.raises(UnavailableError, match="set HEROLD_WORKER_WEB_TOKEN"):
            await client.read_report((await client.list_urls("router"))[0])
