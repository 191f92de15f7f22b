"""The HTTP client over aiohttp, with the same results as the pooled one at several times its CPU.

It is a second opinion in the contract tests, and the way out if the pooled one has a fault (setting delivery.http_client).
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from agents.providers.http.connection_errors import describe_connection_error
from agents.providers.http.connector import AddressFilter, allow_any_address, build_tls_context
from agents.providers.http.limits import HttpLimits
from agents.providers.http.origin import Origin, parse_origin
from agents.providers.http.resolver import Resolver
from schemas.http import HttpRequest, HttpResponse, HttpResult, MaybeSent, NotAllowed, NotSent

ResultCallback = Callable[[HttpResult], None]


class Connecting:
    """What happened to one request: whether its headers were written, and how many addresses were tried and denied."""

    __slots__ = ("denied", "host", "is_written", "tried")

    def __init__(self, host: str) -> None:
        self.host, self.is_written, self.tried, self.denied = host, False, 0, 0

    @property
    def is_denied(self) -> bool:
        """Whether it has addresses, but no allowed one."""
        return self.denied > 0 and not self.tried


_connecting: ContextVar[Connecting] = ContextVar("connecting")


class AiohttpClient:
    """An implementation of schemas.http.HttpClient with a task for each request; see PooledHttpClient for what its results mean.

    Waiting requests are bounded by `max_queued_requests` over all origins.
    """

    def __init__(self, limits: HttpLimits, *, tls: ssl.SSLContext | None = None, allow_address: AddressFilter = allow_any_address) -> None:
        self._limits, self._tls_context, self._allow_address = limits, tls, allow_address
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def send(self, request: HttpRequest, on_result: ResultCallback) -> None:
        """Send a request without retries. Calls `on_result` exactly once."""
        loop = asyncio.get_running_loop()
        problem = self._find_problem(request)
        if problem:
            loop.call_soon(on_result, NotSent(problem))
            return
        if self._session is None:
            self._session = self._build_session(loop)
        task = loop.create_task(self._run_request(self._session, request, on_result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close all connections: requests that were written are MaybeSent, the others NotSent."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def _find_problem(self, request: HttpRequest) -> str:
        if self._closed:
            return "the client is closed"
        if len(self._tasks) >= self._limits.max_queued_requests + self._limits.max_total_connections:
            return f"{self._limits.max_queued_requests} requests are already queued for a connection"
        try:
            parse_origin(request.origin)
        except ValueError as error:
            return str(error)
        return ""

    def _build_session(self, loop: asyncio.AbstractEventLoop) -> aiohttp.ClientSession:
        limits = self._limits
        trace_config = aiohttp.TraceConfig()
        trace_config.on_request_headers_sent.append(_mark_written)
        connector = aiohttp.TCPConnector(
            limit=limits.max_total_connections,
            limit_per_host=limits.max_connections,
            keepalive_timeout=limits.idle_timeout,
            ssl=self._tls_context or build_tls_context(),
            resolver=_CachedResolver(Resolver(loop.time), limits.connect_timeout),
            use_dns_cache=False,  # the resolver has its own
            socket_factory=partial(_create_socket, self._allow_address),
        )
        return aiohttp.ClientSession(
            connector=connector,
            # a total timeout would not say whether the request was written
            timeout=aiohttp.ClientTimeout(
                total=None,
                connect=limits.pool_timeout + limits.connect_timeout,
                sock_connect=limits.connect_timeout,
                sock_read=limits.request_timeout,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            max_line_size=limits.max_head_bytes,
            max_field_size=limits.max_head_bytes,
            trace_configs=[trace_config],
        )

    async def _run_request(self, session: aiohttp.ClientSession, request: HttpRequest, on_result: ResultCallback) -> None:
        origin = parse_origin(request.origin)
        connecting = Connecting(origin.host)
        _connecting.set(connecting)
        result: HttpResult
        try:
            async with asyncio.timeout(self._limits.pool_timeout + self._limits.connect_timeout + self._limits.request_timeout):
                result = await self._send_request(session, request, connecting)
        except (aiohttp.ClientError, TimeoutError, OSError, asyncio.CancelledError) as error:
            result = self._build_failure(error, origin, connecting)
        on_result(result)

    async def _send_request(self, session: aiohttp.ClientSession, request: HttpRequest, connecting: Connecting) -> HttpResponse:
        line, *lines = request.head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, path, _ = line.split(" ")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        async with session.request(
            method,
            URL(request.origin + path, encoded=True),
            headers=headers,  # type: ignore[arg-type]
            data=request.body,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            trace_request_ctx=connecting,
        ) as response:
            if response.status < 200:
                raise aiohttp.ClientPayloadError("an interim response without a final one")
            async with asyncio.timeout(self._limits.request_timeout):  # a body that comes byte by byte
                return HttpResponse(response.status, _merge_headers(response.raw_headers), await self._read_body(response))

    async def _read_body(self, response: aiohttp.ClientResponse) -> bytes:
        """The body, cut at its limit; the connection of a longer one is closed with the response."""
        body, max_bytes = b"", self._limits.max_body_bytes
        while len(body) < max_bytes and (part := await response.content.read(max_bytes - len(body))):
            body += part
        return body

    def _build_failure(self, error: BaseException, origin: Origin, connecting: Connecting) -> HttpResult:
        if connecting.is_written:
            return MaybeSent(_describe_lost_response(error, self._limits))
        if connecting.is_denied or isinstance(error, aiohttp.InvalidURL):  # aiohttp takes no IPv4 address in another spelling
            return NotAllowed(f"{origin.host} is not allowed: it has no public address")
        return NotSent(f"no connection to {origin.host}:{origin.port}: {_describe_no_connection(error)}")


class _CachedResolver(AbstractResolver):
    """The resolver of the pooled client for aiohttp: a thread for each lookup, and a cache."""

    def __init__(self, resolver: Resolver, timeout: float) -> None:
        self._resolver, self._timeout = resolver, timeout

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        addresses = await self._resolver.resolve(host, port, self._timeout)
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(entry[4][0]), port=port, family=entry[0], proto=entry[2], flags=flags)
            for entry in addresses
        ]

    async def close(self) -> None:
        """Nothing to close."""


def _create_socket(allow_address: AddressFilter, entry: AddrInfoType) -> socket.socket:
    """The socket for an address that may be connected to; aiohttp calls this for each address, also for one in the URL."""
    family, kind, protocol, _, address = entry
    connecting = _connecting.get()
    if not allow_address(connecting.host, str(address[0])):
        connecting.denied += 1
        raise PermissionError("the address is not allowed")
    connecting.tried += 1
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


async def _mark_written(session: aiohttp.ClientSession, context: SimpleNamespace, params: object) -> None:
    context.trace_request_ctx.is_written = True


def _describe_no_connection(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, asyncio.CancelledError):
        return "the client is closed"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"TLS failed: {getattr(error.certificate_error, 'verify_message', '') or 'the certificate is not valid'}"
    if isinstance(error, aiohttp.ClientConnectorError):
        return describe_connection_error(error.os_error)
    return "the connection was closed"


def _describe_lost_response(error: BaseException, limits: HttpLimits) -> str:
    if isinstance(error, TimeoutError):
        return f"no response within {limits.request_timeout:g} s"
    if isinstance(error, asyncio.CancelledError):
        return "the client is closed"
    return f"no complete response: {type(error).__name__}"


def _merge_headers(raw: tuple[tuple[bytes, bytes], ...]) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for name, value in raw:
        name = name.lower()
        headers[name] = b"%b, %b" % (headers[name], value) if name in headers else value
    return headers
