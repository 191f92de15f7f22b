"""A mail server that keeps what it takes, and answers as a test wants it to.

SMTP with SIZE, STARTTLS and AUTH PLAIN (RFC 5321, 1870, 3207, 4954).
"""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

CLOSE, SILENCE = "close", "silence"
"""In the place of a reply: the connection is closed, or nothing is answered."""

DEFAULT_REPLIES = {
    "connect": "220 mail.example.org ready",
    "MAIL": "250 2.1.0 Ok",
    "RCPT": "250 2.1.5 Ok",
    "DATA": "354 End data with <CR><LF>.<CR><LF>",
    ".": "250 2.0.0 Ok: queued as 4711",
    "RSET": "250 2.0.0 Ok",
    "QUIT": "221 2.0.0 Bye",
}


@dataclass
class ReceivedMessage:
    """A message with its envelope, as the server had it when it was complete."""

    sender: str
    recipients: list[str]
    data: bytes
    is_encrypted: bool


@dataclass
class MailServer:
    """`replies` are those that differ from the usual ones, by command; a list is used up one by one, and then the usual one follows."""

    replies: dict[str, str | list[str]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    messages: list[ReceivedMessage] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    connections: int = 0
    open_connections: int = 0
    max_open_connections: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def choose_reply(self, command: str) -> str:
        """The reply to a command."""
        scripted = self.replies.get(command, DEFAULT_REPLIES[command])
        if isinstance(scripted, list):
            return scripted.pop(0) if scripted else DEFAULT_REPLIES[command]
        return scripted


class _ClosedError(Exception):
    """The connection shall be closed."""


class _Session:
    """One connection."""

    def __init__(self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server, self._reader, self._writer = server, reader, writer
        self._sender, self._recipients = "", list[str]()
        self._is_encrypted = writer.get_extra_info("sslcontext") is not None
        self._is_authenticated = not server.users

    async def run(self) -> None:
        await self._reply("connect")
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            command, _, argument = line.partition(" ")
            self._server.commands.append(command.upper())
            await self._handle(command.upper(), argument)
            if command.upper() == "QUIT":
                return

    async def _handle(self, command: str, argument: str) -> None:
        if command == "EHLO":
            await self._greet()
        elif command == "STARTTLS":
            await self._write("220 2.0.0 Ready to start TLS")
            await self._writer.start_tls(self._server.tls)  # type: ignore[arg-type]
            self._is_encrypted = True
        elif command == "AUTH":
            await self._authenticate(argument)
        elif command == "MAIL" and not self._is_authenticated:
            await self._write("530 5.7.0 Authentication required")
        elif command in DEFAULT_REPLIES:
            await self._handle_mail(command, argument)
        else:
            await self._write("502 5.5.1 Command not implemented")

    async def _greet(self) -> None:
        extensions = ["mail.example.org", "SIZE 1000000"]
        if self._server.tls is not None and not self._is_encrypted:
            extensions.append("STARTTLS")
        if self._server.users:
            extensions.append("AUTH PLAIN")
        lines = [f"250-{line}" for line in extensions]
        await self._write("\r\n".join([*lines[:-1], lines[-1].replace("-", " ", 1)]))

    async def _authenticate(self, argument: str) -> None:
        _, user, password = b64decode(argument.partition(" ")[2]).decode().split("\0")
        self._is_authenticated = self._server.users.get(user) == password
        await self._write("235 2.7.0 Ok" if self._is_authenticated else "535 5.7.8 Bad credentials")

    async def _handle_mail(self, command: str, argument: str) -> None:
        address = argument.partition(":")[2].partition(">")[0].strip("< ")
        code = await self._reply(command)
        if command == "MAIL" and code == "250":
            self._sender, self._recipients = address, []
        if command == "RCPT" and code == "250":
            self._recipients.append(address)
        if command == "DATA" and code == "354":
            data = await self._reader.readuntil(b"\r\n.\r\n")
            text = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
            message = ReceivedMessage(self._sender, self._recipients, text, self._is_encrypted)
            if await self._reply(".") == "250":
                self._server.messages.append(message)

    async def _reply(self, command: str) -> str:
        """Answer a command; returns the code."""
        reply = self._server.choose_reply(command)
        self._server.answered.set()
        if reply == CLOSE:
            raise _ClosedError
        if reply == SILENCE:
            await self._reader.read()  # until the client goes away
            raise _ClosedError
        await self._write(reply)
        if reply.startswith("421"):
            raise _ClosedError
        return reply[:3]

    async def _write(self, text: str) -> None:
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()


@asynccontextmanager
async def open_mail_server(server: MailServer | None = None, *, is_tls: bool = False) -> AsyncIterator[MailServer]:
    """A running server; with `is_tls` connections begin with TLS."""
    server = server or MailServer()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        server.open_connections += 1
        server.max_open_connections = max(server.max_open_connections, server.open_connections)
        try:
            await _Session(server, reader, writer).run()
        except (_ClosedError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            server.open_connections -= 1
            writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=server.tls if is_tls else None)
    server.port = running.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        running.close()
