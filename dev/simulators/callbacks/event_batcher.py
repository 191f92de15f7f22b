"""Gathers the events of SendGrid for a moment, because SendGrid posts those of many messages in one array."""

import asyncio

from dev.simulators.callbacks.sender import CallbackSender
from dev.simulators.callbacks.sendgrid import build_post
from dev.simulators.callbacks.signatures import SendGridSigner
from schemas.ports import Clock

GATHERING_TIME = 0.05  # seconds
MAX_EVENTS = 500  # of one post

GatheredEvent = tuple[bytes, "asyncio.Future[None]"]


class EventBatcher:
    """Posts what it gathered; genuine and forged events apart."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock, url: str, signer: SendGridSigner, sender: CallbackSender) -> None:
        self._loop, self._clock, self._url, self._signer, self._sender = loop, clock, url, signer, sender
        self._events: dict[bool, list[GatheredEvent]] = {False: [], True: []}

    def add(self, event: bytes, first_try: asyncio.Future[None], *, is_forged: bool) -> None:
        """Post the event soon; `first_try` is set after the first try of its post."""
        events = self._events[is_forged]
        if not events:
            self._loop.call_later(GATHERING_TIME, self._post_events, is_forged)
        events.append((event, first_try))
        if len(events) == MAX_EVENTS:
            self._post_events(is_forged)

    def _post_events(self, is_forged: bool) -> None:
        gathered, self._events[is_forged] = self._events[is_forged], []
        if not gathered:  # an earlier call took them, because there were many
            return
        events = [event for event, _ in gathered]
        post = build_post(self._url, self._signer, events, int(self._clock()), is_forged=is_forged)
        tried: asyncio.Future[None] = self._loop.create_future()
        tried.add_done_callback(lambda _: _end_tries(gathered))
        self._sender.send(post, tried)


def _end_tries(gathered: list[GatheredEvent]) -> None:
    for _, first_try in gathered:
        if not first_try.done():
            first_try.set_result(None)
