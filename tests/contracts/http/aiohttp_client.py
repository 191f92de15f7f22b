"""A second implementation of HttpClient, over aiohttp, that verifies the expectations of the contract tests."""

import asyncio
import ssl
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
from yarl import URL

from agents.providers.http import HttpLimits
from schemas.http import HttpRequest, HttpResponse, HttpResult, MaybeSent, NotSent


class AiohttpClient:
    """One task per request; an exception of aiohttp is NotSent before the headers are sent, MaybeSent after."""

    def __init__(self, limits: HttpLimits, *, tls: ssl.SSLContext | None = None) -> None:
        trace_config = aiohttp.TraceConfig()
        trace_config.on_request_headers_sent.append(_mark_written)
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit_per_host=limits.max_connections, ssl=tls or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout, sock_read=limits.request_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=limits.max_head_bytes,
            max_field_size=limits.max_head_bytes,
            trace_configs=[trace_config],
        )

    def send(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run_request(request, on_result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def _run_request(self, request: HttpRequest, on_result: Callable[[HttpResult], None]) -> None:
        written: list[bool] = []
        failure: BaseException | None = None
        result: HttpResult | None = None
        try:
            result = await self._send_request(request, written)
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.CancelledError) as error:
            failure = error
        if result is None:
            result = MaybeSent(repr(failure)) if written else NotSent(repr(failure))
        on_result(result)

    async def _send_request(self, request: HttpRequest, written: list[bool]) -> HttpResponse:
        line, *lines = request.head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        async with (
            asyncio.timeout(self._limits.connect_timeout + self._limits.request_timeout),
            self._session.request(
                method,
                URL(request.origin + path, encoded=True),
                headers=headers,
                data=request.body,
                allow_redirects=False,
                trace_request_ctx=written,
            ) as response,
        ):
            if response.status < 200:
                raise aiohttp.ClientPayloadError("an interim response without a final one")
            body = b""
            while len(body) < self._limits.max_body_bytes and (
                part := await response.content.read(self._limits.max_body_bytes - len(body))
            ):
                body += part
            return HttpResponse(response.status, _merge_headers(response.raw_headers), body)


async def _mark_written(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    context.trace_request_ctx.append(True)


def _merge_headers(raw: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        name = name.lower()
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
