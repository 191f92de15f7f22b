"""SendGrid's event webhook: the events of an accepted mail, and their posts.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from dev.simulators.callback_script import CallbackScript, Report
from dev.simulators.callbacks.post import ALL_FAILURES, CallbackPost, RetryRule
from dev.simulators.callbacks.signatures import SendGridSigner

# SendGrid tries for 24 h at growing intervals; so long no run lasts
RETRY_RULE = RetryRule((1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0), ALL_FAILURES)
HEADERS = {"Content-Type": "application/json;charset=utf-8", "User-Agent": "SendGrid Event API"}

_IP = {"ip": "203.0.113.7"}
_BROWSER = {**_IP, "useragent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
_PROCESSED = {"event": "processed"}
_DELIVERED = {"event": "delivered", "response": "250 2.0.0 OK", "tls": 1, **_IP}
_OPEN = {"event": "open", "sg_machine_open": False, "sg_content_type": "html", **_BROWSER}
_BOUNCE = {
    "event": "bounce",
    "type": "bounce",
    "status": "5.1.1",
    "reason": "550 5.1.1 The e-mail account does not exist",
    "bounce_classification": "Invalid Address",
    "tls": 1,
    **_IP,
}
_BLOCK = {**_BOUNCE, "type": "blocked", "status": "5.7.1", "reason": "550 5.7.1 Blocked", "bounce_classification": "Reputation"}
_UNSUBSCRIBE_URL = "https://u1.ct.sendgrid.net/wf/unsubscribe"
EVENTS: dict[Report, tuple[dict[str, Any], ...]] = {
    Report.DELIVERED: (_PROCESSED, _DELIVERED),
    Report.DEFERRED: (
        _PROCESSED,
        {"event": "deferred", "response": "421 4.7.0 Try again later", "attempt": "1", "tls": 0, **_IP},
        _DELIVERED,
    ),
    Report.BOUNCED: (_PROCESSED, _BOUNCE),
    Report.UNDELIVERED: (_PROCESSED, _BOUNCE),
    Report.BLOCKED: (_PROCESSED, _BLOCK),
    Report.DROPPED: ({"event": "dropped", "reason": "Bounced Address", "status": "5.0.0"},),
    Report.FAILED: ({"event": "dropped", "reason": "Invalid SMTPAPI header", "status": "5.0.0"},),
    Report.OPEN: (_PROCESSED, _DELIVERED, _OPEN),
    Report.CLICK: (
        _PROCESSED,
        _DELIVERED,
        _OPEN,
        {"event": "click", "url": "https://shop.example.org/", "url_offset": {"index": 0, "type": "html"}, **_BROWSER},
    ),
    Report.COMPLAINED: (_PROCESSED, _DELIVERED, {"event": "spamreport"}),
    Report.OPTED_OUT: (_PROCESSED, _DELIVERED, {"event": "unsubscribe", **_BROWSER}),
    Report.OPTED_OUT_OF_GROUP: (
        _PROCESSED,
        _DELIVERED,
        {"event": "group_unsubscribe", "asm_group_id": 1, "url": _UNSUBSCRIBE_URL, **_BROWSER},
    ),
}
UNSUBSCRIBED_EVENTS: tuple[dict[str, Any], ...] = ({"event": "dropped", "reason": "Unsubscribed Address", "status": "5.0.0"},)


class MailRecipient(NamedTuple):
    """A recipient of an accepted mail: what every event about it repeats.

    `message_id`: X-Message-Id. `number`: of the recipient within the mail.
    """

    email: str
    message_id: str
    number: int
    custom_args: dict[str, str]
    categories: Sequence[str] = ()
    asm_group_id: int = 0


def build_events(recipient: MailRecipient, events: Sequence[dict[str, Any]], times: Sequence[float]) -> Iterator[bytes]:
    """The events as JSON objects, with the times (epoch seconds) at which they happened."""
    shared: dict[str, Any] = {
        "email": recipient.email,
        "smtp-id": f"<{recipient.message_id}@geopod-ismtpd-1>",
        "sg_message_id": f"{recipient.message_id}.recvd-6d9f7c8b5-x2k4q-1-{recipient.number:08X}-1.0",
    }
    if recipient.categories:
        shared["category"] = list(recipient.categories)
    if recipient.asm_group_id:
        shared["asm_group_id"] = recipient.asm_group_id
    for number, (event, time) in enumerate(zip(events, times, strict=True)):
        # custom arguments cannot replace SendGrid's own fields
        ids = {"timestamp": int(time), "sg_event_id": _make_event_id(recipient, number)}
        yield msgspec.json.encode({**recipient.custom_args, **shared, **event, **ids})


def _make_event_id(recipient: MailRecipient, number: int) -> str:
    digest = hashlib.sha256(f"{recipient.message_id} {recipient.number} {number}".encode()).digest()
    return urlsafe_b64encode(digest[:18]).decode()


def select_events(script: CallbackScript, *, is_unsubscribed: bool) -> tuple[dict[str, Any], ...]:
    """The events of a script; a mail to somebody who unsubscribed before is dropped."""
    return UNSUBSCRIBED_EVENTS if is_unsubscribed else EVENTS[script.report]


def build_post(url: str, signer: SendGridSigner, events: Sequence[bytes], timestamp: int, *, is_forged: bool) -> CallbackPost:
    """The post of some events, with the line ends of SendGrid: the signature covers them."""
    body = b"[" + b",\r\n".join(events) + b"]\r\n"
    headers = {**HEADERS, **signer.build_headers(body, timestamp, is_forged=is_forged)}
    return CallbackPost(url, headers, body, RETRY_RULE)
