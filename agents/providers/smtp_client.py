"""The SMTP client: connections that are used again, each for one message at a time, over aiosmtplib."""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import aiosmtplib
from aiosmtplib import SMTPResponseException, SMTPServerDisconnected

from schemas.http import MaybeSent, NotSent
from schemas.smtp import SmtpReply, SmtpRequest, SmtpResult, SmtpStage

MAX_MESSAGES_PER_CONNECTION = 100  # servers close a connection after some number of their own
MAX_QUEUED_MESSAGES = 10_000
CLOSE_TIMEOUT = 1.0  # seconds for QUIT

_match_enhanced = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.])").match

ResultCallback = Callable[[SmtpResult], None]


@dataclass(frozen=True)
class SmtpServer:
    """A mail server and the account there; an empty user name means no authentication.

    `client_name` is what the client calls itself (EHLO); without `tls` the system's certificates are trusted.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str = ""
    password: str = field(default="", repr=False)
    max_connections: int = 20
    client_name: str = ""
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def account(self) -> str:
        """The name by which calls to it are limited and paused."""
        return f"smtp://{self.host}:{self.port}"


class _Failure(Exception):
    """The transaction ended before the server had the message; `result` says how."""

    def __init__(self, result: SmtpResult) -> None:
        super().__init__()
        self.result = result


class _Connection(NamedTuple):
    """An open connection with how many messages it has sent, and since when it is idle (seconds of the event loop)."""

    smtp: aiosmtplib.SMTP
    messages: int
    idle_since: float


class SmtpConnectionPool:
    """An implementation of schemas.smtp.SmtpClient; times in seconds."""

    def __init__(self, server: SmtpServer, connect_timeout: float, request_timeout: float, idle_timeout: float) -> None:
        self._server, self._connect_timeout, self._request_timeout = server, connect_timeout, request_timeout
        self._idle_timeout = idle_timeout
        self._idle: deque[_Connection] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(server.max_connections)
        self._closed = False

    def send(self, request: SmtpRequest, on_result: ResultCallback) -> None:
        """Send a message without retries. Calls `on_result` exactly once."""
        loop = asyncio.get_running_loop()
        if self._closed or len(self._tasks) >= MAX_QUEUED_MESSAGES:
            cause = "the client is closed" if self._closed else f"{MAX_QUEUED_MESSAGES} messages are already queued for a connection"
            loop.call_soon(on_result, NotSent(cause))
            return
        task = loop.create_task(self._run(request, on_result))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close all connections: messages whose text was being sent are MaybeSent, the others NotSent."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._idle:
            await _quit(self._idle.pop().smtp)

    async def _run(self, request: SmtpRequest, on_result: ResultCallback) -> None:
        """Send one message in a slot; whatever happens has a result."""
        progress = _Progress()
        try:
            async with self._slots:
                result = await self._send(request, progress)
        except asyncio.CancelledError:
            result = progress.describe_loss("the client was closed")
        except Exception as error:
            result = progress.describe_loss(type(error).__name__)
        on_result(result)

    async def _send(self, request: SmtpRequest, progress: "_Progress") -> SmtpResult:
        connection = self._take_idle()
        if connection is not None:
            try:
                return await self._transact(connection, request, progress)
            except SMTPServerDisconnected:
                if progress.is_text_sent:
                    raise
                # the server closed the connection that was idle: it has seen nothing of this message
        try:
            connection = await self._connect()
        except _Failure as failure:
            return failure.result
        return await self._transact(connection, request, progress)

    async def _transact(self, connection: _Connection, request: SmtpRequest, progress: "_Progress") -> SmtpResult:
        """Run the mail transaction (RFC 5321, 3.3); the connection is kept if it can be used again."""
        smtp, is_usable = connection.smtp, False
        try:
            try:
                async with asyncio.timeout(self._request_timeout):
                    result = await self._exchange(smtp, request, progress)
                is_usable = smtp.is_connected
            except SMTPResponseException as error:
                result = _build_reply(progress.stage, error.code, error.message)
                is_usable = smtp.is_connected and error.code != 421 and await self._reset(smtp)
        finally:
            self._give_back(connection, is_usable)
        return result

    async def _exchange(self, smtp: aiosmtplib.SMTP, request: SmtpRequest, progress: "_Progress") -> SmtpResult:
        progress.stage = "mail"
        await smtp.mail(request.sender, options=[f"SIZE={len(request.message)}"] if smtp.supports_extension("size") else None)
        progress.stage = "rcpt"
        await smtp.rcpt(request.recipients[0])
        for recipient in request.recipients[1:]:
            try:
                await smtp.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused:
                continue  # a copy that cannot be delivered does not keep the message from its recipient
        progress.stage, progress.is_text_sent = "data", True
        response = await smtp.data(request.message)
        return SmtpReply("data", response.code, _find_enhanced_code(response.message), request.message_id)

    async def _reset(self, smtp: aiosmtplib.SMTP) -> bool:
        """End a transaction that the server has rejected, so that the next one can begin."""
        try:
            await smtp.rset()
        except aiosmtplib.SMTPException:
            return False
        return True

    async def _connect(self) -> _Connection:
        """An authenticated connection. Raises _Failure."""
        server = self._server
        smtp = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=False,
            tls_context=server.tls or (None if server.security == "none" else _build_tls_context()),
            timeout=self._connect_timeout,
            local_hostname=server.client_name or None,
        )
        stage: SmtpStage = "connect"
        try:
            await smtp.connect()
            if server.security == "starttls":
                stage = "starttls"
                await smtp.starttls(server_hostname=server.host)
            if server.username:
                stage = "auth"
                await smtp.login(server.username, server.password)
            smtp.timeout = self._request_timeout
        except SMTPResponseException as error:
            smtp.close()
            raise _Failure(_build_reply(stage, error.code, error.message)) from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            smtp.close()
            raise _Failure(_describe_connect_error(error, stage, server)) from None
        except BaseException:
            smtp.close()
            raise
        return _Connection(smtp, 0, 0.0)

    def _take_idle(self) -> _Connection | None:
        """The connection that was used last; those that were idle for too long are closed."""
        now = asyncio.get_running_loop().time()
        while self._idle and now - self._idle[0].idle_since > self._idle_timeout:
            self._idle.popleft().smtp.close()
        while self._idle:
            connection = self._idle.pop()
            if connection.smtp.is_connected:
                return connection
        return None

    def _give_back(self, connection: _Connection, is_usable: bool) -> None:
        messages = connection.messages + 1
        if not is_usable or self._closed or messages >= MAX_MESSAGES_PER_CONNECTION:
            connection.smtp.close()
            return
        self._idle.append(_Connection(connection.smtp, messages, asyncio.get_running_loop().time()))


class _Progress:
    """How far a message has come: what is asked, and whether its text may be with the server."""

    __slots__ = ("is_text_sent", "stage")

    def __init__(self) -> None:
        self.stage: SmtpStage = "connect"
        self.is_text_sent = False

    def describe_loss(self, cause: str) -> SmtpResult:
        """The result of a message whose transaction broke off."""
        return MaybeSent(f"no reply after the text of the message: {cause}") if self.is_text_sent else NotSent(f"{self.stage}: {cause}")


def _build_reply(stage: SmtpStage, code: int, text: str) -> SmtpResult:
    """The reply, or what stands for a text that is none of the protocol's."""
    if not 200 <= code <= 599:
        return MaybeSent("the reply is not SMTP") if stage == "data" else NotSent(f"{stage}: the reply is not SMTP")
    return SmtpReply(stage, code, _find_enhanced_code(text))


def _find_enhanced_code(text: str) -> str:
    match = _match_enhanced(text)
    return match[0] if match else ""


def _describe_connect_error(error: Exception, stage: SmtpStage, server: SmtpServer) -> SmtpResult:
    """Why no connection is there. What the server does not offer is a reply: the account is configured for another server."""
    if type(error) is aiosmtplib.SMTPException:  # aiosmtplib found no STARTTLS or AUTH in the reply to EHLO
        return SmtpReply("starttls", 502) if stage == "starttls" else SmtpReply("auth", 534)
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return NotSent(f"{stage}: the certificate of {server.host} is not valid: {cause.verify_message}")
    return NotSent(f"{stage}: {type(cause).__name__}")


def _build_tls_context() -> ssl.SSLContext:
    """A context that verifies certificates and host names, and allows TLS 1.2 or later."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _quit(smtp: aiosmtplib.SMTP) -> None:
    """Say goodbye, if the server listens."""
    try:
        await smtp.quit(timeout=CLOSE_TIMEOUT)
    except (aiosmtplib.SMTPException, OSError):
        smtp.close()
