"""The simulators' server: routes a request to its provider, logs it, and then sends the response."""

import asyncio
from collections.abc import Callable
from email.utils import formatdate
from functools import partial
from http import HTTPStatus
from random import Random
from typing import Any

from dev.simulators.admin_api import AdminApi
from dev.simulators.callbacks.dispatcher import CallbackDispatcher, CallbackPlans
from dev.simulators.fault_rules import FaultRules
from dev.simulators.fcm import FcmSimulator
from dev.simulators.http_protocol import HttpServerProtocol
from dev.simulators.inbox.message_api import PATH_PREFIX as MESSAGES_PREFIX
from dev.simulators.inbox.message_api import MessageApi
from dev.simulators.inbox.message_store import MessageStore
from dev.simulators.inbox.pages import PATH_PREFIX, InboxPages
from dev.simulators.latency import NO_LATENCY
from dev.simulators.protocol import (
    InvalidRequest,
    ProviderSimulator,
    ResponseContext,
    ServerRequest,
    ServerResponse,
    ValidRequest,
    is_not_revoked,
)
from dev.simulators.request_log import RequestLog
from dev.simulators.sendgrid import SendGridSimulator
from dev.simulators.sendgrid_erasures import ERASE_JOB_PATH, RecipientErasureServer
from dev.simulators.sendgrid_suppressions import PATH_PREFIX as SUPPRESSIONS_PREFIX
from dev.simulators.sendgrid_suppressions import SuppressionListServer
from dev.simulators.stub_resolver import StubResolver
from dev.simulators.stubs import DEFAULT_STUB, UNPROCESSED_FAULTS, Stub
from dev.simulators.token_server import TOKEN_PATH, TokenServer
from dev.simulators.twilio import TwilioSimulator
from dev.simulators.webhook import WebhookSimulator
from schemas.ports import Clock

_STATUS_LINES = {status.value: b"HTTP/1.1 %d %b\r\n" % (status.value, status.phrase.encode()) for status in HTTPStatus}

Action = tuple[Callable[..., None], tuple[Any, ...]]
"""What to do once the log has the request: a function and its arguments."""


class SimulatorServer:
    """Serves all providers with one request log. `failure` gets the OSError if the log cannot be written.

    With a token server FCM accepts its tokens only. With the master secret webhooks to `?user=` must be signed with the user's secret.
    With `callbacks` what happens to accepted messages is reported to Herold. The inbox shows messages if there are callbacks or it
    `has_inbox`; without both a request costs a few microseconds less.
    """

    def __init__(
        self,
        request_log: RequestLog,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        token_server: TokenServer | None = None,
        webhook_master_secret: str = "",
        callbacks: CallbackDispatcher | None = None,
        *,
        has_inbox: bool = False,
    ) -> None:
        self._request_log, self._clock, self._loop, self._token_server = request_log, clock, loop, token_server
        self._callbacks, self._is_followed = callbacks, has_inbox or callbacks is not None
        self._simulators = build_simulators(token_server, webhook_master_secret)
        by_name = {simulator.name: simulator for simulator in self._simulators}
        self._revoked_providers: set[str] = set()
        self._faults, self._messages, self._suppression_lists = FaultRules(), MessageStore(), SuppressionListServer(clock)
        self._erasures = RecipientErasureServer()
        self._inbox, self._message_api = (
            InboxPages(self._messages),
            MessageApi(self._messages, checks_signatures=bool(webhook_master_secret)),
        )
        self._admin_api = AdminApi(request_log, self._reset_log, clock, by_name, self._revoked_providers, self._faults, callbacks)
        self._stub_resolver = StubResolver()
        for entry in request_log.replay_entries():
            self._stub_resolver.replay_entry(entry, by_name[entry.provider].find_stub(entry.address))
        self._first_message_number = int(clock() * 1000) << 40
        self._date_second, self._date = 0, b""
        self._queued_actions: list[Action] = []
        self.failure: asyncio.Future[None] = loop.create_future()

    def create_protocol(self) -> HttpServerProtocol:
        """Create the protocol of a new connection."""
        return HttpServerProtocol(self._handle_request, self._loop)

    def _handle_request(self, connection: HttpServerProtocol, request: ServerRequest) -> None:
        provider = self._find_simulator(request.path)
        if provider is None:
            response = self._select_own_server(request.path).handle_request(request)
            connection.send_response(_encode_response(response, self._build_context().date))
            return
        context = self._build_context()
        parsed_request = self._parse_request(provider, request)
        if isinstance(parsed_request, InvalidRequest):
            stub, response = DEFAULT_STUB, parsed_request.response
        else:
            stub = self._stub_resolver.resolve_stub(provider.name, parsed_request)
            if self._faults.rules and (rule := self._faults.find(provider.name, provider.list_accounts(request), context.now)):
                stub = rule.change_stub(stub)
            response = provider.build_response(parsed_request.details, stub, context)
        self._log_request(provider, parsed_request, stub, response, context)
        delay = stub.delay if stub.latency is NO_LATENCY else stub.delay + stub.latency.sample(Random(self._request_log.last_seq))
        action = connection.send_response, (_encode_response(response, context.date), stub.fault, delay)
        # a request about no delivery, such as one for a list, is no message
        if self._is_followed and 200 <= response.status < 300 and stub.fault not in UNPROCESSED_FAULTS and parsed_request.targets:
            self._messages.append(provider.name, context.now, response.status, request, len(parsed_request.targets))
            if self._callbacks and isinstance(parsed_request, ValidRequest):
                action = self._plan_callbacks(self._callbacks.plan(provider.name, parsed_request, stub, context), stub, action)
        self._queue_action(action)

    def _select_own_server(
        self, path: bytes
    ) -> TokenServer | InboxPages | MessageApi | AdminApi | SuppressionListServer | RecipientErasureServer:
        if path.startswith(SUPPRESSIONS_PREFIX):
            return self._suppression_lists
        if path == ERASE_JOB_PATH:
            return self._erasures
        if self._token_server and path == TOKEN_PATH:
            return self._token_server
        if path.startswith(MESSAGES_PREFIX):
            return self._message_api
        return self._inbox if path.startswith(PATH_PREFIX) else self._admin_api

    def _plan_callbacks(self, plans: CallbackPlans, stub: Stub, action: Action) -> Action:
        """What to do once the request is logged: send the response, and post the callbacks before or after it."""
        assert self._callbacks is not None
        if any(plans) and stub.script.is_early:
            function, arguments = action
            return self._callbacks.post_before, (plans, partial(function, *arguments))
        self._callbacks.schedule(plans)
        return action

    def _find_simulator(self, path: bytes) -> ProviderSimulator | None:
        for simulator in self._simulators:
            if path.startswith(simulator.path_prefix):
                return simulator
        return None

    def _parse_request(self, provider: ProviderSimulator, request: ServerRequest) -> ValidRequest | InvalidRequest:
        if provider.name in self._revoked_providers:
            return InvalidRequest(provider.build_unauthorized_response())
        return provider.parse_request(request)

    def _reset_log(self) -> None:
        self._request_log.reset()
        self._messages.clear()
        self._stub_resolver = StubResolver()
        self._first_message_number = int(self._clock() * 1000) << 40

    def _build_context(self) -> ResponseContext:
        now = self._clock()
        if int(now) != self._date_second:
            self._date_second, self._date = int(now), formatdate(now, usegmt=True).encode()
        return ResponseContext(now, self._date, self._first_message_number + self._request_log.last_seq)

    def _log_request(
        self,
        provider: ProviderSimulator,
        request: ValidRequest | InvalidRequest,
        stub: Stub,
        response: ServerResponse,
        context: ResponseContext,
    ) -> None:
        status = 0 if stub.fault in UNPROCESSED_FAULTS else response.status
        for target in request.targets:
            self._request_log.append(context.now, provider.name, target.delivery_id, target.address, status, stub.fault)

    def _queue_action(self, action: Action) -> None:
        # all requests of one iteration of the event loop share one write to the log's file
        if not self._queued_actions:
            self._loop.call_soon(self._flush_log)
        self._queued_actions.append(action)

    def _flush_log(self) -> None:
        actions, self._queued_actions = self._queued_actions, []
        try:
            self._request_log.flush()
        except OSError as error:
            if not self.failure.done():
                self.failure.set_exception(error)
            return
        for function, arguments in actions:
            function(*arguments)


def build_simulators(token_server: TokenServer | None = None, webhook_master_secret: str = "") -> tuple[ProviderSimulator, ...]:
    """Build a simulator of each provider."""
    fcm = FcmSimulator(token_server.is_token_valid if token_server else is_not_revoked)
    return (SendGridSimulator(), TwilioSimulator(), fcm, WebhookSimulator(webhook_master_secret))


def _encode_response(response: ServerResponse, date: bytes) -> bytes:
    status_line = _STATUS_LINES[response.status]
    if not response.body:
        length = b"" if response.status == 204 else b"Content-Length: 0\r\n"
        return b"%bDate: %b\r\n%b%b\r\n" % (status_line, date, response.headers, length)
    return b"%bDate: %b\r\n%bContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status_line,
        date,
        response.headers,
        response.content_type,
        len(response.body),
        response.body,
    )
