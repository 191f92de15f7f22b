"""A second implementation of the HttpClient port, over aiohttp: the oracle that the suite's expectations are held against."""

import asyncio
import ssl
from collections.abc import Callable
from types import SimpleNamespace

import aiohttp
from yarl import URL

from agents.providers.http import Limits
from schemas.ports import Answer, Answered, MaybeSent, NotSent, Prepared


class AiohttpClient:
    """A task per request; what aiohttp raises is NotSent before the headers went out, MaybeSent afterwards."""

    def __init__(self, limits: Limits, *, tls: ssl.SSLContext | None = None) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_written)
        self._limits = limits
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit_per_host=limits.connections, ssl=tls or True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect_timeout, sock_read=limits.read_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=limits.max_head,
            max_field_size=limits.max_head,
            trace_configs=[trace],
        )

    def send(self, prepared: Prepared, on_answer: Callable[[Answer], None]) -> None:
        task = asyncio.get_running_loop().create_task(self._call(prepared, on_answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def _call(self, prepared: Prepared, on_answer: Callable[[Answer], None]) -> None:
        written: list[bool] = []
        failure: BaseException | None = None
        answer: Answer | None = None
        try:
            answer = await self._ask(prepared, written)
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.CancelledError) as error:
            failure = error
        if answer is None:
            answer = MaybeSent(repr(failure)) if written else NotSent(repr(failure))
        on_answer(answer)

    async def _ask(self, prepared: Prepared, written: list[bool]) -> Answered:
        line, *lines = prepared.head.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        async with (
            asyncio.timeout(self._limits.connect_timeout + self._limits.read_timeout),
            self._session.request(
                method,
                URL(prepared.origin + path, encoded=True),
                headers=headers,
                data=prepared.body,
                allow_redirects=False,
                trace_request_ctx=written,
            ) as response,
        ):
            if response.status < 200:
                raise aiohttp.ClientPayloadError("an interim answer, and no other")
            body = b""
            while len(body) < self._limits.max_body and (part := await response.content.read(self._limits.max_body - len(body))):
                body += part
            return Answered(response.status, _folded(response.raw_headers), body)


async def _written(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    context.trace_request_ctx.append(True)


def _folded(raw: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        name = name.lower()
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers
