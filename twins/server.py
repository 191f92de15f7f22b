"""The twins' server: finds the provider, enters the request in the ledger, and only then answers."""

import asyncio
from email.utils import formatdate
from http import HTTPStatus

from schemas.ports import Clock
from twins.connection import Connection
from twins.desk import Desk
from twins.fcm import Fcm
from twins.hooks import PREFIX as HOOKS
from twins.hooks import Hooks
from twins.ledger import Ledger
from twins.scripts import PLAIN, Fault, Script
from twins.sendgrid import PATH as MAIL_SEND
from twins.sendgrid import SendGrid
from twins.tries import Tries
from twins.twilio import Twilio
from twins.values import Asked, Moment, Provider, Refused, Reply, Request

_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_NEVER_DECIDED = (Fault.HANG, Fault.RESET)


class Twins:
    """All providers over one ledger. `failed` ends with the OSError that kept the ledger from being written."""

    def __init__(self, ledger: Ledger, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._ledger, self._clock, self._loop = ledger, clock, loop
        self._desk = Desk(ledger, self._reset)
        self._sendgrid, self._twilio, self._fcm, self._hooks = SendGrid(), Twilio(), Fcm(), Hooks()
        self._tries = Tries()
        for entry in ledger.replay():
            self._tries.replay(entry)
        self._first = int(clock() * 1000) << 40
        self._second, self._date = 0, b""
        self._answers: list[tuple[Connection, bytes, Fault, float]] = []
        self.failed: asyncio.Future[None] = loop.create_future()

    def connection(self) -> Connection:
        """A protocol for a new connection."""
        return Connection(self._serve, self._loop)

    def _serve(self, connection: Connection, request: Request) -> None:
        provider = self._provider(request.path)
        if provider is None:
            connection.answer(_encoded(self._desk.answer(request), self._now().date))
            return
        moment = self._now()
        read = provider.read(request)
        if isinstance(read, Refused):
            script, reply = PLAIN, read.reply
        else:
            script = self._tries.current(provider.name, read)
            reply = provider.reply(read.details, script, moment)
        self._enter(provider, read, script, reply, moment)
        self._answer(connection, _encoded(reply, moment.date), script)

    def _reset(self) -> None:
        self._ledger.reset()
        self._tries = Tries()
        self._first = int(self._clock() * 1000) << 40

    def _provider(self, path: bytes) -> Provider | None:
        if path == MAIL_SEND:
            return self._sendgrid
        if path.startswith(HOOKS):
            return self._hooks
        if path.startswith(b"/2010-04-01/"):
            return self._twilio
        return self._fcm if path.startswith(b"/v1/projects/") else None

    def _now(self) -> Moment:
        now = self._clock()
        if int(now) != self._second:
            self._second, self._date = int(now), formatdate(now, usegmt=True).encode()
        return Moment(now, self._date, self._first + self._ledger.seq)

    def _enter(self, provider: Provider, read: Asked | Refused, script: Script, reply: Reply, moment: Moment) -> None:
        status = 0 if script.fault in _NEVER_DECIDED else reply.status
        for target in read.targets:
            self._ledger.append(moment.now, provider.name, target.delivery, target.address, status, script.fault)

    def _answer(self, connection: Connection, data: bytes, script: Script) -> None:
        # one write to the ledger's file for all requests that this turn of the loop brought
        if not self._answers:
            self._loop.call_soon(self._flush)
        self._answers.append((connection, data, script.fault, script.delay))

    def _flush(self) -> None:
        answers, self._answers = self._answers, []
        try:
            self._ledger.write()
        except OSError as error:
            if not self.failed.done():
                self.failed.set_exception(error)
            return
        for connection, data, fault, delay in answers:
            connection.answer(data, fault, delay)


def _encoded(reply: Reply, date: bytes) -> bytes:
    line = _LINES[reply.status]
    if not reply.body:
        length = b"" if reply.status == 204 else b"Content-Length: 0\r\n"
        return b"%bDate: %b\r\n%b%b\r\n" % (line, date, reply.headers, length)
    return b"%bDate: %b\r\n%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        line,
        date,
        reply.headers,
        reply.content_type,
        len(reply.body),
        reply.body,
    )
