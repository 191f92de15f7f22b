"""The HttpClient port: what every implementation says of every way a request can go."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import pytest

from agents.providers.http import Limits, PoolClient
from schemas.ports import Answer, Answered, HttpClient, MaybeSent, NotSent, Prepared
from tests.contracts.http.aiohttp_client import AiohttpClient
from tests.contracts.http.certificates import loopback
from tests.contracts.http.faults import LONG, FaultServer

PATIENT = Limits(connections=4, connect_timeout=30, read_timeout=30, wait_timeout=30, tick=0.05)
HASTY = Limits(connections=4, connect_timeout=0.3, read_timeout=0.3, wait_timeout=0.3, tick=0.05)


class Closing(HttpClient, Protocol):
    """A client that the suite can close."""

    async def close(self) -> None: ...


class Caller:
    """Sends and waits; counts how often each request was called back."""

    def __init__(self, client: Closing) -> None:
        self.client = client
        self.calls: list[list[Answer]] = []

    async def ask(self, origin: str, path: str = "/", body: bytes = b"told", headers: bytes = b"") -> Answer:
        """The answer to a POST."""
        return await self.begin(origin, path, body, headers)

    def begin(self, origin: str, path: str = "/", body: bytes = b"told", headers: bytes = b"") -> asyncio.Future[Answer]:
        """Send a POST; the future is its answer."""
        head = f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n".encode() + headers + b"\r\n"
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        answers: list[Answer] = []
        self.calls.append(answers)

        def on_answer(answer: Answer) -> None:
            answers.append(answer)
            if not answered.done():
                answered.set_result(answer)

        self.client.send(Prepared(origin, head, body), on_answer)
        assert not answers, "called back from within send"
        return answered


Make = Callable[..., Caller]
Ask = Callable[..., Awaitable[Answer]]
Contexts = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture(params=[PoolClient, AiohttpClient])
async def make(request: pytest.FixtureRequest) -> AsyncIterator[Make]:
    """Makes callers, and looks at the end whether each request was called back exactly once."""
    callers: list[Caller] = []

    def made(limits: Limits = PATIENT, **how: object) -> Caller:
        callers.append(Caller(request.param(limits, **how)))
        return callers[-1]

    yield made
    for caller in callers:
        await caller.client.close()
        assert [len(answers) for answers in caller.calls] == [1] * len(caller.calls)


@pytest.fixture
async def caller(make: Make) -> Caller:
    return make()


@pytest.fixture
async def hasty(make: Make) -> Caller:
    return make(HASTY)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    listening = await FaultServer().listen()
    yield listening
    await listening.close()


@pytest.fixture
def origin(server: FaultServer) -> str:
    return f"http://127.0.0.1:{server.port}"


class TestAnswered:
    """The other side answered, in whatever form HTTP/1.1 knows."""

    async def test_status_headers_and_body(self, caller: Caller, origin: str) -> None:
        answer = await caller.ask(origin)
        assert isinstance(answer, Answered)
        assert (answer.status, answer.body) == (200, b"told")
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
            ("/long-body", 200, b"b" * LONG),
        ],
    )
    async def test_every_shape(self, caller: Caller, origin: str, path: str, status: int, body: bytes) -> None:
        answer = await caller.ask(origin, path)
        assert isinstance(answer, Answered)
        assert (answer.status, answer.body) == (status, body)

    @pytest.mark.parametrize("path", ["/chunked", "/until-eof", "/interim", "/last", "/twice", "/empty", "/long-body", "/close"])
    async def test_the_next_request_gets_its_own_answer(self, caller: Caller, origin: str, path: str) -> None:
        await caller.ask(origin, path)
        answer = await caller.ask(origin, "/", b"mine")
        assert isinstance(answer, Answered)
        assert answer.body == b"mine"
        assert b"x-of" not in answer.headers

    async def test_many_at_once_get_their_own(self, caller: Caller, origin: str, server: FaultServer) -> None:
        answers = await asyncio.gather(*(caller.begin(origin, "/", b"%d" % number) for number in range(50)))
        assert [answer.body for answer in answers if isinstance(answer, Answered)] == [b"%d" % number for number in range(50)]
        assert len(server.connections) <= PATIENT.connections

    async def test_a_large_request_arrives_whole(self, caller: Caller, origin: str) -> None:
        answer = await caller.ask(origin, "/large", b"x" * 60_000)
        assert isinstance(answer, Answered)
        assert answer.body == b"x" * 60_000


class TestNotSent:
    """Nothing left this host."""

    async def test_refused(self, caller: Caller) -> None:
        with socket.socket() as plug:
            plug.bind(("127.0.0.1", 0))
            assert isinstance(await caller.ask(f"http://127.0.0.1:{plug.getsockname()[1]}"), NotSent)

    async def test_no_such_name(self, caller: Caller) -> None:
        assert isinstance(await caller.ask("http://nobody.invalid:80"), NotSent)

    async def test_connect_timeout(self, hasty: Caller) -> None:
        with contextlib.ExitStack() as plugs:
            listener = plugs.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            for _ in range(4):  # nobody accepts: when the line is full, further connections get no answer
                waiting = plugs.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            assert isinstance(await hasty.ask(f"http://127.0.0.1:{listener.getsockname()[1]}"), NotSent)

    async def test_tls_to_a_server_that_speaks_none(self, hasty: Caller, server: FaultServer) -> None:
        assert isinstance(await hasty.ask(f"https://127.0.0.1:{server.port}"), NotSent)
        assert not server.seen

    async def test_a_certificate_nobody_vouches_for(self, caller: Caller, tls_server: FaultServer) -> None:
        assert isinstance(await caller.ask(f"https://127.0.0.1:{tls_server.port}"), NotSent)
        assert not tls_server.seen


class TestMaybeSent:
    """The request was written, and no whole answer came; it was written once."""

    @pytest.mark.parametrize("path", ["/close", "/reset", "/cut", "/gibberish", "/upgrade", "/long-head"])
    @pytest.mark.parametrize("reused", [False, True])
    async def test_no_whole_answer(self, caller: Caller, origin: str, server: FaultServer, path: str, reused: bool) -> None:
        if reused:
            await caller.ask(origin)
        assert isinstance(await caller.ask(origin, path), MaybeSent)
        assert server.seen[path.encode()] == 1

    @pytest.mark.parametrize("path", ["/hang", "/drip"])
    async def test_no_whole_answer_in_time(self, hasty: Caller, origin: str, server: FaultServer, path: str) -> None:
        assert isinstance(await hasty.ask(origin, path), MaybeSent)
        assert isinstance(await hasty.ask(origin), Answered)
        assert server.seen[path.encode()] == 1

    async def test_closed_in_flight(self, caller: Caller, origin: str, server: FaultServer) -> None:
        answer = caller.begin(origin, "/hang")
        assert await server.arrivals.get() == b"/hang"
        await caller.client.close()
        assert isinstance(await answer, MaybeSent)


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> Contexts:
    return loopback(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def tls_server(contexts: Contexts) -> AsyncIterator[FaultServer]:
    listening = await FaultServer().listen(ssl=contexts[0])
    yield listening
    await listening.close()


class TestTls:
    """The same over TLS with a certificate that is verified."""

    @pytest.fixture
    async def ask(self, make: Make, tls_server: FaultServer, contexts: Contexts) -> Ask:
        caller = make(tls=contexts[1])
        return lambda host, path="/": caller.ask(f"https://{host}:{tls_server.port}", path)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
    async def test_answered(self, ask: Ask, tls_server: FaultServer, host: str) -> None:
        for _ in range(3):
            answer = await ask(host)
            assert isinstance(answer, Answered)
            assert answer.body == b"told"
        assert len(tls_server.connections) == 1

    @pytest.mark.parametrize("path", ["/close", "/reset", "/cut"])
    async def test_maybe_sent(self, ask: Ask, tls_server: FaultServer, path: str) -> None:
        assert isinstance(await ask("127.0.0.1", path), MaybeSent)
        assert tls_server.seen[path.encode()] == 1

    async def test_a_certificate_for_another_name(self, ask: Ask, tls_server: FaultServer) -> None:
        assert isinstance(await ask("127.0.0.2"), NotSent)
        assert not tls_server.seen
