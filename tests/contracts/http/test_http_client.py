"""Contract tests of HttpClient: the result of each kind of response and failure, for all implementations."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from agents.providers.http import AiohttpClient, HttpLimits, PooledHttpClient
from schemas.http import HttpClient, HttpRequest, HttpResponse, HttpResult, MaybeSent, NotAllowed, NotSent
from tests.contracts.http.certificates import build_loopback_contexts
from tests.contracts.http.fault_server import MAX_BYTES, FaultServer
from tests.settings_builders import build_http_limits

LONG_TIMEOUTS = build_http_limits(max_connections=4, connect_timeout=30, request_timeout=30, pool_timeout=30, tick_seconds=0.05)
SHORT_TIMEOUTS = build_http_limits(max_connections=4, connect_timeout=0.3, request_timeout=0.3, pool_timeout=0.3, tick_seconds=0.05)


class ClosableHttpClient(HttpClient, Protocol):
    """A client with `close`."""

    async def close(self) -> None: ...


class RecordingCaller:
    """Sends requests and records all results of each."""

    def __init__(self, client: ClosableHttpClient) -> None:
        self.client = client
        self.results: list[list[HttpResult]] = []

    async def call(self, origin: str, path: str = "/", body: bytes = b"body", headers: bytes = b"") -> HttpResult:
        """Send a POST and return its result."""
        return await self.start_call(origin, path, body, headers)

    def start_call(self, origin: str, path: str = "/", body: bytes = b"body", headers: bytes = b"") -> asyncio.Future[HttpResult]:
        """Send a POST; the future has its result."""
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n".encode() + headers + b"\r\n"
        future: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
        results: list[HttpResult] = []
        self.results.append(results)

        def on_result(result: HttpResult) -> None:
            results.append(result)
            if not future.done():
                future.set_result(result)

        self.client.send(HttpRequest(origin, head, body), on_result)
        assert not results, "called back within send"
        return future


CallerFactory = Callable[..., RecordingCaller]
CallFunction = Callable[..., Awaitable[HttpResult]]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(params=[PooledHttpClient, AiohttpClient])
async def make_caller(request: pytest.FixtureRequest) -> AsyncIterator[CallerFactory]:
    """Creates callers; checks at the end that each request had exactly one result."""
    callers: list[RecordingCaller] = []

    def create_caller(limits: HttpLimits = LONG_TIMEOUTS, **options: object) -> RecordingCaller:
        callers.append(RecordingCaller(request.param(limits, **options)))
        return callers[-1]

    yield create_caller
    for caller in callers:
        await caller.client.close()
        assert [len(results) for results in caller.results] == [1] * len(caller.results)


@pytest.fixture
async def caller(make_caller: CallerFactory) -> RecordingCaller:
    return make_caller()


@pytest.fixture
async def short_timeout_caller(make_caller: CallerFactory) -> RecordingCaller:
    return make_caller(SHORT_TIMEOUTS)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    server = await FaultServer().listen()
    yield server
    await server.close()


@pytest.fixture
def origin(server: FaultServer) -> str:
    return f"http://127.0.0.1:{server.port}"


class TestHttpResponse:
    """The server responded, in any form of HTTP/1.1."""

    async def test_status_headers_and_body(self, caller: RecordingCaller, origin: str) -> None:
        result = await caller.call(origin)
        assert isinstance(result, HttpResponse)
        assert (result.status_code, result.body) == (200, b"body")
        assert result.headers[b"x-part"] == b"First, second"
        assert result.headers[b"x-empty"] == b""

    @pytest.mark.parametrize(
        ("path", "status", "body"),
        [
            ("/chunked", 200, b"abcde"),
            ("/until-eof", 200, b"to the end"),
            ("/interim", 201, b"made"),
            ("/connection-close", 200, b"bye"),
            ("/twice", 200, b"first"),
            ("/empty", 204, b""),
            ("/long-body", 200, b"b" * MAX_BYTES),
        ],
    )
    async def test_every_kind_of_response(self, caller: RecordingCaller, origin: str, path: str, status: int, body: bytes) -> None:
        result = await caller.call(origin, path)
        assert isinstance(result, HttpResponse)
        assert (result.status_code, result.body) == (status, body)

    @pytest.mark.parametrize(
        "path", ["/chunked", "/until-eof", "/interim", "/connection-close", "/twice", "/empty", "/long-body", "/close"]
    )
    async def test_the_next_request_gets_its_own_response(self, caller: RecordingCaller, origin: str, path: str) -> None:
        await caller.call(origin, path)
        result = await caller.call(origin, "/", b"mine")
        assert isinstance(result, HttpResponse)
        assert result.body == b"mine"
        assert b"x-response" not in result.headers

    async def test_concurrent_requests_get_their_own_responses(self, caller: RecordingCaller, origin: str, server: FaultServer) -> None:
        results = await asyncio.gather(*(caller.start_call(origin, "/", b"%d" % number) for number in range(50)))
        assert [result.body for result in results if isinstance(result, HttpResponse)] == [b"%d" % number for number in range(50)]
        assert len(server.connections) <= LONG_TIMEOUTS.max_connections

    async def test_a_large_request_is_received_completely(self, caller: RecordingCaller, origin: str) -> None:
        result = await caller.call(origin, "/large", b"x" * 60_000)
        assert isinstance(result, HttpResponse)
        assert result.body == b"x" * 60_000


async def test_a_redirect_is_not_followed(caller: RecordingCaller, server: FaultServer, origin: str) -> None:
    result = await caller.call(origin, "/redirect")
    assert isinstance(result, HttpResponse)
    assert result.status_code == 307
    assert server.request_paths.get_nowait() == b"/redirect"
    assert server.request_paths.empty()


class TestNotSent:
    """No byte of the request was sent."""

    async def test_connection_refused(self, caller: RecordingCaller) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            assert isinstance(await caller.call(f"http://127.0.0.1:{sock.getsockname()[1]}"), NotSent)

    async def test_an_invalid_origin(self, caller: RecordingCaller) -> None:
        assert isinstance(await caller.call("http://host/path"), NotSent)

    async def test_a_closed_client(self, caller: RecordingCaller, server: FaultServer, origin: str) -> None:
        await caller.client.close()
        assert await caller.call(origin) == NotSent("the client is closed")
        assert not server.connections

    async def test_host_not_found(self, caller: RecordingCaller) -> None:
        assert isinstance(await caller.call("http://nobody.invalid:80"), NotSent)

    async def test_connect_timeout(self, short_timeout_caller: RecordingCaller) -> None:
        with contextlib.ExitStack() as stack:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):  # nothing accepts: when the backlog is full, further connections get no response
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            assert isinstance(await short_timeout_caller.call(f"http://127.0.0.1:{listener.getsockname()[1]}"), NotSent)

    async def test_tls_to_a_server_without_tls(self, short_timeout_caller: RecordingCaller, server: FaultServer) -> None:
        assert isinstance(await short_timeout_caller.call(f"https://127.0.0.1:{server.port}"), NotSent)
        assert not server.request_counts

    async def test_an_untrusted_certificate(self, caller: RecordingCaller, tls_server: FaultServer) -> None:
        assert isinstance(await caller.call(f"https://127.0.0.1:{tls_server.port}"), NotSent)
        assert not tls_server.request_counts


class TestNotAllowed:
    """The host has no address that may be connected to."""

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "[::ffff:127.0.0.1]"])
    async def test_no_connection_is_opened_to_a_denied_address(self, make_caller: CallerFactory, server: FaultServer, host: str) -> None:
        result = await make_caller(allow_address=lambda host, address: False).call(f"http://{host}:{server.port}")
        assert result == NotAllowed(f"{host.strip('[]')} is not allowed: it has no public address")
        assert not server.connections

    async def test_an_allowed_address_is_used_although_others_are_denied(self, make_caller: CallerFactory, server: FaultServer) -> None:
        caller = make_caller(allow_address=lambda host, address: address == "127.0.0.1")
        assert isinstance(await caller.call(f"http://localhost:{server.port}"), HttpResponse)


class TestMaybeSent:
    """The request was written once, and no complete response came."""

    @pytest.mark.parametrize("path", ["/close", "/reset", "/truncated", "/garbage", "/upgrade", "/long-head"])
    @pytest.mark.parametrize("reused", [False, True])
    async def test_no_complete_response(self, caller: RecordingCaller, origin: str, server: FaultServer, path: str, reused: bool) -> None:
        if reused:
            await caller.call(origin)
        assert isinstance(await caller.call(origin, path), MaybeSent)
        assert server.request_counts[path.encode()] == 1

    @pytest.mark.parametrize("path", ["/hang", "/slow"])
    async def test_no_complete_response_in_time(
        self, short_timeout_caller: RecordingCaller, origin: str, server: FaultServer, path: str
    ) -> None:
        assert isinstance(await short_timeout_caller.call(origin, path), MaybeSent)
        assert isinstance(await short_timeout_caller.call(origin), HttpResponse)
        assert server.request_counts[path.encode()] == 1

    async def test_close_during_a_call(self, caller: RecordingCaller, origin: str, server: FaultServer) -> None:
        future = caller.start_call(origin, "/hang")
        assert await server.request_paths.get() == b"/hang"
        await caller.client.close()
        assert isinstance(await future, MaybeSent)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return build_loopback_contexts(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def tls_server(contexts: Contexts) -> AsyncIterator[FaultServer]:
    server = await FaultServer().listen(ssl=contexts[0])
    yield server
    await server.close()


class TestTls:
    """The same over TLS with a verified certificate."""

    @pytest.fixture
    async def call(self, make_caller: CallerFactory, tls_server: FaultServer, contexts: Contexts) -> CallFunction:
        caller = make_caller(tls=contexts[1])
        return lambda host, path="/": caller.call(f"https://{host}:{tls_server.port}", path)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_response(self, call: CallFunction, tls_server: FaultServer, host: str) -> None:
        for _ in range(3):
            result = await call(host)
            assert isinstance(result, HttpResponse)
            assert result.body == b"body"
        assert len(tls_server.connections) == 1

    @pytest.mark.parametrize("path", ["/close", "/reset", "/truncated"])
    async def test_maybe_sent(self, call: CallFunction, tls_server: FaultServer, path: str) -> None:
        assert isinstance(await call("127.0.0.1", path), MaybeSent)
        assert tls_server.request_counts[path.encode()] == 1

    async def test_a_certificate_for_another_host(self, call: CallFunction, tls_server: FaultServer) -> None:
        assert isinstance(await call("127.0.0.2"), NotSent)
        assert not tls_server.request_counts
