"""The client of the workers' web views, with HTTP servers in the place of the workers."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.api.services.worker_client import WorkerClient
from schemas.errors import UnavailableError
from schemas.user_rows import RemovedRows, UserRow, UserRows

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ROWS = UserRows("router", 3, "http://w", {"idempotency": [UserRow(b"k\0\xff", b"\1")]})
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
