"""Turns accepted requests into callbacks, and posts each at its time."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple

from dev.simulators.callback_script import CallbackScript
from dev.simulators.callbacks import fcm, sendgrid, twilio
from dev.simulators.callbacks.event_batcher import EventBatcher
from dev.simulators.callbacks.post import CallbackPost
from dev.simulators.callbacks.sender import CallbackSender
from dev.simulators.callbacks.signatures import SendGridSigner
from dev.simulators.contracts.sendgrid_rules import is_sandboxed
from dev.simulators.protocol import ResponseContext, ValidRequest
from dev.simulators.stubs import Stub, StubResponse, match_stub
from schemas.ports import Clock

MAX_WAITING = 50_000  # recipients whose callbacks wait; those of more are discarded and counted
COPY_INTERVAL = 0.05  # seconds between two copies of a callback


class CallbackOptions(NamedTuple):
    """Where callbacks go and how they are signed.

    `url`: Herold's public URL with `/v1/callbacks`. `signing_key`: the PEM of SendGrid's key; without it SendGrid posts nothing.
    `auth_token`: Twilio's; without it Twilio posts nothing. `delay`: seconds from an acceptance to the last event about it.
    """

    url: str
    signing_key: bytes
    auth_token: str
    delay: float


CallbackPlans = list[list["Callback"]]
"""The callbacks about each recipient of a request, in their order."""
Planner = Callable[[ValidRequest, Stub, ResponseContext], CallbackPlans]


class Callback(NamedTuple):
    """A request, or an event that SendGrid posts together with others, `wait` seconds after the acceptance."""

    wait: float
    content: CallbackPost | bytes
    is_forged: bool


class CallbackDispatcher:
    """Plans the callbacks of an accepted request (`plan`), and posts those about one recipient one after another."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, options: CallbackOptions) -> None:
        self._loop, self._clock, self._options = loop, clock, options
        self._sender = CallbackSender(loop)
        signer = SendGridSigner(options.signing_key) if options.signing_key else None
        self._batcher = EventBatcher(loop, clock, f"{options.url}/sendgrid", signer, self._sender) if signer else None
        self._tasks: set[asyncio.Task[None]] = set()
        self._inbound_count = 0
        self._planners: dict[str, Planner] = {"fcm": self._plan_acks}
        if self._batcher:
            self._planners["sendgrid"] = self._plan_mail_events
        if options.auth_token:
            self._planners["twilio"] = self._plan_statuses

    def plan(self, provider: str, request: ValidRequest, stub: Stub, context: ResponseContext) -> CallbackPlans:
        """The callbacks about each recipient of a request that a provider accepted."""
        planner = self._planners.get(provider)
        return planner(request, stub, context) if planner else []

    def schedule(self, plans: Sequence[Sequence[Callback]]) -> None:
        """Post each at its time."""
        for callbacks in plans:
            if len(self._tasks) >= MAX_WAITING:
                self._sender.counts["discarded"] += len(callbacks)
            else:
                self._start_task(self._post_in_order(callbacks))

    def post_before(self, plans: Sequence[Sequence[Callback]], respond: Callable[[], None]) -> None:
        """Post all without a wait, and call `respond` when each was tried."""
        self._start_task(self._post_and_respond(plans, respond))

    def post_inbound_sms(self, number: str, recipient: str, text: str) -> None:
        """Post a text message from a telephone number to a number of Twilio's (empty: the one of its test credentials)."""
        sms = twilio.AcceptedSms("", twilio.INBOUND_ACCOUNT, number, recipient, "", "")
        sid = f"SM{int(self._clock() * 1e6) << 20 | self._inbound_count:032x}"
        self._inbound_count += 1
        self._sender.send(twilio.build_inbound_post(f"{self._options.url}/twilio/inbound", sms, text, self._options.auth_token, sid))

    def build_report(self) -> dict[str, int]:
        """How many recipients and posts wait or are in flight, and the results of all tries."""
        return {"outstanding": len(self._tasks) + self._sender.outstanding, **dict(sorted(self._sender.counts.items()))}

    async def close(self) -> None:
        """Stop posting."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._sender.close()

    def _start_task(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _post_and_respond(self, plans: Sequence[Sequence[Callback]], respond: Callable[[], None]) -> None:
        at_once = [[callback._replace(wait=0.0) for callback in callbacks] for callbacks in plans]
        await asyncio.gather(*map(self._post_in_order, at_once))
        respond()

    async def _post_in_order(self, callbacks: Sequence[Callback]) -> None:
        """Post each at its time, but not before the one before it was tried."""
        started_at = self._loop.time()
        for callback in callbacks:
            await asyncio.sleep(max(0.0, started_at + callback.wait - self._loop.time()))
            first_try: asyncio.Future[None] = self._loop.create_future()
            if isinstance(callback.content, CallbackPost):
                self._sender.send(callback.content, first_try)
            elif self._batcher:
                self._batcher.add(callback.content, first_try, is_forged=callback.is_forged)
            await first_try

    def _plan_mail_events(self, request: ValidRequest, stub: Stub, context: ResponseContext) -> CallbackPlans:
        mail: Any = request.details.mail
        if is_sandboxed(mail):
            return []
        plans: CallbackPlans = []
        number = 0
        for personalization in mail.personalizations:
            for recipient in (*personalization.to, *personalization.cc, *personalization.bcc):
                own_stub = stub if len(request.targets) == 1 and not number else match_stub(recipient.email)
                group = mail.asm.group_id if mail.asm else 0
                custom_args = {**mail.custom_args, **personalization.custom_args}
                described = sendgrid.MailRecipient(
                    recipient.email, f"{context.message_number:x}", number, custom_args, mail.categories, group
                )
                plans.append(self._plan_recipient_events(described, own_stub, context.now))
                number += 1
        return plans

    def _plan_recipient_events(self, recipient: sendgrid.MailRecipient, stub: Stub, now: float) -> list[Callback]:
        events = sendgrid.select_events(stub.script, is_unsubscribed=stub.response is StubResponse.UNSUBSCRIBED)
        waits = self._compute_waits(stub.script, len(events))
        times = [now + wait - stub.script.age for wait in waits]
        return _arrange(stub.script, waits, list(sendgrid.build_events(recipient, events, times)))

    def _plan_statuses(self, request: ValidRequest, stub: Stub, context: ResponseContext) -> CallbackPlans:
        details, script, token = request.details, stub.script, self._options.auth_token
        if not details.status_callback:
            return []
        sms = twilio.AcceptedSms(
            f"SM{context.message_number:032x}",
            details.account_sid,
            details.to,
            details.from_,
            details.messaging_service_sid,
            details.status_callback,
        )
        signing_token = twilio.FORGED_TOKEN if script.is_forged else token
        statuses = twilio.list_statuses(sms, script)
        is_stop = script.report in twilio.STOP_REPORTS
        waits = self._compute_waits(script, len(statuses) + is_stop)
        posts = [
            twilio.build_status_post(sms, status, code, context.now + wait - script.age, signing_token)
            for (status, code), wait in zip(statuses, waits, strict=False)
        ]
        if is_stop:
            url, sid = f"{self._options.url}/twilio/inbound", f"SM{context.message_number ^ (1 << 120):032x}"
            posts.append(twilio.build_inbound_post(url, sms, "STOP", signing_token, sid))
        return [_arrange(script, waits, posts)]

    def _plan_acks(self, request: ValidRequest, stub: Stub, context: ResponseContext) -> CallbackPlans:
        script, token, url = stub.script, request.details.receipt_token, f"{self._options.url}/fcm/ack"
        events = fcm.list_events(script) if token else ()
        posts = [fcm.build_post(url, token, event, is_forged=script.is_forged) for event in events]
        return [_arrange(script, self._compute_waits(script, len(posts)), posts)]

    def _compute_waits(self, script: CallbackScript, count: int) -> list[float]:
        """The seconds from the acceptance to each event: evenly over the delay."""
        return [script.wait + self._options.delay * (number + 1) / count for number in range(count)]


def _arrange(script: CallbackScript, waits: Sequence[float], contents: Sequence[CallbackPost | bytes]) -> list[Callback]:
    """The callbacks in the order and number of the script; `contents` are in the order in which they happened."""
    if script.is_silent:
        return []
    ordered = list(reversed(contents)) if script.is_reversed else contents
    return [
        Callback(wait + copy * COPY_INTERVAL, content, script.is_forged)
        for wait, content in zip(waits, ordered, strict=True)
        for copy in range(script.copies)
    ]
