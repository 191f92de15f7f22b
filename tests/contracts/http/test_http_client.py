"""The HttpClient port: what every implementation says of every way a request can go."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from agents.providers.http import HttpLimits, PooledHttpClient
from schemas.ports import HttpClient, HttpRequest, HttpResponse, HttpResult, MaybeSent, NotSent
from tests.contracts.http.aiohttp_client import AiohttpClient
from tests.contracts.http.certificates import build_loopback_contexts
from tests.contracts.http.fault_server import MAX_BYTES, FaultServer

LONG_TIMEOUTS = HttpLimits(max_connections=4, connect_timeout=30, request_timeout=30, pool_timeout=30, tick_seconds=0.05)
SHORT_TIMEOUTS = HttpLimits(max_connections=4, connect_timeout=0.3, request_timeout=0.3, pool_timeout=0.3, tick_seconds=0.05)


class ClosableHttpClient(HttpClient, Protocol):
    """A client that the suite can close."""

    async def close(self) -> None: ...


class RecordingCaller:
    """Sends and waits; counts how often each request was called back."""

    def __init__(self, client: ClosableHttpClient) -> None:
        self.client = client
        self.results: list[list[HttpResult]] = []

    async def call(self, origin: str, path: str = "/", body: bytes = b"told", headers: bytes = b"") -> HttpResult:
        """The answer to a POST."""
        return await self.start_call(origin, path, body, headers)

    def start_call(self, origin: str, path: str = "/", body: bytes = b"told", headers: bytes = b"") -> asyncio.Future[HttpResult]:
        """Send a POST; the future is its answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n".encode() + headers + b"\r\n"
        answered: asyncio.Future[HttpResult] = asyncio.get_running_loop().create_future()
        answers: list[HttpResult] = []
        self.results.append(answers)

        def on_result(answer: HttpResult) -> None:
            answers.append(answer)
            if not answered.done():
                answered.set_result(answer)

        self.client.send(HttpRequest(origin, head, body), on_result)
        assert not answers, "called back from within send"
        return answered


CallerFactory = Callable[..., RecordingCaller]
CallFunction = Callable[..., Awaitable[HttpResult]]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(params=[PooledHttpClient, AiohttpClient])
async def make_caller(request: pytest.FixtureRequest) -> AsyncIterator[CallerFactory]:
    """Makes callers, and looks at the end whether each request was called back exactly once."""
    callers: list[RecordingCaller] = []

    def create_caller(limits: HttpLimits = LONG_TIMEOUTS, **how: object) -> RecordingCaller:
        callers.append(RecordingCaller(request.param(limits, **how)))
        return callers[-1]

    yield create_caller
    for caller in callers:
        await caller.client.close()
        assert [len(answers) for answers in caller.results] == [1] * len(caller.results)


@pytest.fixture
async def caller(make_caller: CallerFactory) -> RecordingCaller:
    return make_caller()


@pytest.fixture
async def short_timeout_caller(make_caller: CallerFactory) -> RecordingCaller:
    return make_caller(SHORT_TIMEOUTS)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    listening = await FaultServer().listen()
    yield listening
    await listening.close()


@pytest.fixture
def origin(server: FaultServer) -> str:
    return f"http://127.0.0.1:{server.port}"


class TestHttpResponse:
    """The other side answered, in whatever form HTTP/1.1 knows."""

    async def test_status_headers_and_body(self, caller: RecordingCaller, origin: str) -> None:
        answer = await caller.call(origin)
        assert isinstance(answer, HttpResponse)
        assert (answer.status_code, answer.body) == (200, b"told")
        assert answer.headers[b"x-said"] == b"First, second"
        assert answer.headers[b"x-empty"] == b""

    @pytest.mark.parametrize(
        ("path", "status", "body"),
        [
            ("/chunked", 200, b"abcde"),
            ("/until-eof", 200, b"to the end"),
            ("/interim", 201, b"made"),
            ("/last", 200, b"bye"),
            ("/twice", 200, b"first"),
            ("/empty", 204, b""),
            ("/long-body", 200, b"b" * MAX_BYTES),
        ],
    )
    async def test_every_shape(self, caller: RecordingCaller, origin: str, path: str, status: int, body: bytes) -> None:
        answer = await caller.call(origin, path)
        assert isinstance(answer, HttpResponse)
        assert (answer.status_code, answer.body) == (status, body)

    @pytest.mark.parametrize("path", ["/chunked", "/until-eof", "/interim", "/last", "/twice", "/empty", "/long-body", "/close"])
    async def test_the_next_request_gets_its_own_answer(self, caller: RecordingCaller, origin: str, path: str) -> None:
        await caller.call(origin, path)
        answer = await caller.call(origin, "/", b"mine")
        assert isinstance(answer, HttpResponse)
        assert answer.body == b"mine"
        assert b"x-of" not in answer.headers

    async def test_many_at_once_get_their_own(self, caller: RecordingCaller, origin: str, server: FaultServer) -> None:
        answers = await asyncio.gather(*(caller.start_call(origin, "/", b"%d" % number) for number in range(50)))
        assert [answer.body for answer in answers if isinstance(answer, HttpResponse)] == [b"%d" % number for number in range(50)]
        assert len(server.connections) <= LONG_TIMEOUTS.max_connections

    async def test_a_large_request_arrives_whole(self, caller: RecordingCaller, origin: str) -> None:
        answer = await caller.call(origin, "/large", b"x" * 60_000)
        assert isinstance(answer, HttpResponse)
        assert answer.body == b"x" * 60_000


class TestNotSent:
    """Nothing left this host."""

    async def test_refused(self, caller: RecordingCaller) -> None:
        with socket.socket() as plug:
            plug.bind(("127.0.0.1", 0))
            assert isinstance(await caller.call(f"http://127.0.0.1:{plug.getsockname()[1]}"), NotSent)

    async def test_no_such_name(self, caller: RecordingCaller) -> None:
        assert isinstance(await caller.call("http://nobody.invalid:80"), NotSent)

    async def test_connect_timeout(self, short_timeout_caller: RecordingCaller) -> None:
        with contextlib.ExitStack() as plugs:
            listener = plugs.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):  # nobody accepts: when the line is full, further connections get no answer
                waiting = plugs.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            assert isinstance(await short_timeout_caller.call(f"http://127.0.0.1:{listener.getsockname()[1]}"), NotSent)

    async def test_tls_to_a_server_that_speaks_none(self, short_timeout_caller: RecordingCaller, server: FaultServer) -> None:
        assert isinstance(await short_timeout_caller.call(f"https://127.0.0.1:{server.port}"), NotSent)
        assert not server.request_counts

    async def test_a_certificate_nobody_vouches_for(self, caller: RecordingCaller, tls_server: FaultServer) -> None:
        assert isinstance(await caller.call(f"https://127.0.0.1:{tls_server.port}"), NotSent)
        assert not tls_server.request_counts


class TestMaybeSent:
    """The request was written, and no whole answer came; it was written once."""

    @pytest.mark.parametrize("path", ["/close", "/reset", "/cut", "/gibberish", "/upgrade", "/long-head"])
    @pytest.mark.parametrize("reused", [False, True])
    async def test_no_whole_answer(self, caller: RecordingCaller, origin: str, server: FaultServer, path: str, reused: bool) -> None:
        if reused:
            await caller.call(origin)
        assert isinstance(await caller.call(origin, path), MaybeSent)
        assert server.request_counts[path.encode()] == 1

    @pytest.mark.parametrize("path", ["/hang", "/drip"])
    async def test_no_whole_answer_in_time(
        self, short_timeout_caller: RecordingCaller, origin: str, server: FaultServer, path: str
    ) -> None:
        assert isinstance(await short_timeout_caller.call(origin, path), MaybeSent)
        assert isinstance(await short_timeout_caller.call(origin), HttpResponse)
        assert server.request_counts[path.encode()] == 1

    async def test_closed_in_flight(self, caller: RecordingCaller, origin: str, server: FaultServer) -> None:
        answer = caller.start_call(origin, "/hang")
        assert await server.request_paths.get() == b"/hang"
        await caller.client.close()
        assert isinstance(await answer, MaybeSent)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return build_loopback_contexts(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def tls_server(contexts: Contexts) -> AsyncIterator[FaultServer]:
    listening = await FaultServer().listen(ssl=contexts[0])
    yield listening
    await listening.close()


class TestTls:
    """The same over TLS with a certificate that is verified."""

    @pytest.fixture
    async def call(self, make_caller: CallerFactory, tls_server: FaultServer, contexts: Contexts) -> CallFunction:
        caller = make_caller(tls=contexts[1])
        return lambda host, path="/": caller.call(f"https://{host}:{tls_server.port}", path)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_answered(self, call: CallFunction, tls_server: FaultServer, host: str) -> None:
        for _ in range(3):
            answer = await call(host)
            assert isinstance(answer, HttpResponse)
            assert answer.body == b"told"
        assert len(tls_server.connections) == 1

    @pytest.mark.parametrize("path", ["/close", "/reset", "/cut"])
    async def test_maybe_sent(self, call: CallFunction, tls_server: FaultServer, path: str) -> None:
        assert isinstance(await call("127.0.0.1", path), MaybeSent)
        assert tls_server.request_counts[path.encode()] == 1

    async def test_a_certificate_for_another_name(self, call: CallFunction, tls_server: FaultServer) -> None:
        assert isinstance(await call("127.0.0.2"), NotSent)
        assert not tls_server.request_counts
