"""The simulators' server: finds the provider, enters the request in the ledger, and only then answers."""

import asyncio
from email.utils import formatdate
from http import HTTPStatus

from dev.simulators.admin_api import AdminApi
from dev.simulators.fcm import FcmSimulator
from dev.simulators.http_protocol import HttpServerProtocol
from dev.simulators.protocol import InvalidRequest, ProviderSimulator, ResponseContext, ServerRequest, ServerResponse, ValidRequest
from dev.simulators.request_log import RequestLog
from dev.simulators.sendgrid import MAIL_SEND_PATH as MAIL_SEND
from dev.simulators.sendgrid import SendGridSimulator
from dev.simulators.stub_resolver import StubResolver
from dev.simulators.stubs import DEFAULT_STUB, Fault, Stub
from dev.simulators.twilio import TwilioSimulator
from dev.simulators.webhook import PATH_PREFIX as HOOKS
from dev.simulators.webhook import WebhookSimulator
from schemas.ports import Clock

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}
_UNPROCESSED_FAULTS = (Fault.HANG, Fault.RESET)


class SimulatorServer:
    """All providers over one ledger. `failed` ends with the OSError that kept the ledger from being written."""

    def __init__(self, request_log: RequestLog, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self._request_log, self._clock, self._loop = request_log, clock, loop
        self._admin_api = AdminApi(request_log, self._reset_log)
        self._sendgrid, self._twilio, self._fcm, self._webhook = SendGridSimulator(), TwilioSimulator(), FcmSimulator(), WebhookSimulator()
        self._stub_resolver = StubResolver()
        for entry in request_log.replay_entries():
            self._stub_resolver.replay_entry(entry)
        self._first_message_number = int(clock() * 1000) << 40
        self._date_second, self._date = 0, b""
        self._queued_responses: list[tuple[HttpServerProtocol, bytes, Fault, float]] = []
        self.failure: asyncio.Future[None] = loop.create_future()

    def create_protocol(self) -> HttpServerProtocol:
        """A protocol for a new connection."""
        return HttpServerProtocol(self._handle_request, self._loop)

    def _handle_request(self, connection: HttpServerProtocol, request: ServerRequest) -> None:
        provider = self._find_simulator(request.path)
        if provider is None:
            connection.send_response(_encode_response(self._admin_api.handle_request(request), self._build_context().date))
            return
        moment = self._build_context()
        read = provider.parse_request(request)
        if isinstance(read, InvalidRequest):
            script, reply = DEFAULT_STUB, read.response
        else:
            script = self._stub_resolver.resolve_stub(provider.name, read)
            reply = provider.build_response(read.details, script, moment)
        self._log_request(provider, read, script, reply, moment)
        self._queue_response(connection, _encode_response(reply, moment.date), script)

    def _reset_log(self) -> None:
        self._request_log.reset()
        self._stub_resolver = StubResolver()
        self._first_message_number = int(self._clock() * 1000) << 40

    def _find_simulator(self, path: bytes) -> ProviderSimulator | None:
        if path == MAIL_SEND:
            return self._sendgrid
        if path.startswith(HOOKS):
            return self._webhook
        if path.startswith(b"/2010-04-01/"):
            return self._twilio
        return self._fcm if path.startswith(b"/v1/projects/") else None

    def _build_context(self) -> ResponseContext:
        now = self._clock()
        if int(now) != self._date_second:
            self._date_second, self._date = int(now), formatdate(now, usegmt=True).encode()
        return ResponseContext(now, self._date, self._first_message_number + self._request_log.last_seq)

    def _log_request(
        self, provider: ProviderSimulator, read: ValidRequest | InvalidRequest, script: Stub, reply: ServerResponse, moment: ResponseContext
    ) -> None:
        status = 0 if script.fault in _UNPROCESSED_FAULTS else reply.status
        for target in read.targets:
            self._request_log.append(moment.now, provider.name, target.delivery_id, target.address, status, script.fault)

    def _queue_response(self, connection: HttpServerProtocol, data: bytes, script: Stub) -> None:
        # one write to the ledger's file for all requests that this turn of the loop brought
        if not self._queued_responses:
            self._loop.call_soon(self._flush_responses)
        self._queued_responses.append((connection, data, script.fault, script.delay))

    def _flush_responses(self) -> None:
        answers, self._queued_responses = self._queued_responses, []
        try:
            self._request_log.flush()
        except OSError as error:
            if not self.failure.done():
                self.failure.set_exception(error)
            return
        for connection, data, fault, delay in answers:
            connection.send_response(data, fault, delay)


def _encode_response(reply: ServerResponse, date: bytes) -> bytes:
    line = _STATUS_LINES[reply.status]
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
