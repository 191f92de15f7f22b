"""Twilio's status callbacks and inbound messages mapped to our events.

Source: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks (statuses and parameters) and
https://help.twilio.com/articles/223134027 (keywords), https://help.twilio.com/articles/31560110671259 (OptOutType). A callback has no time
of its own: RawDlrDoneDate has the precision of a minute and no zone, so the time is that of the request.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from agents.callbacks.mapped_callback import MappedCallback, find_numbers
from agents.callbacks.twilio_error_codes import ERROR_CODES, UNLISTED, ErrorMeaning, build_unlisted
from schemas.addresses import NORMALIZERS, InvalidAddress
from schemas.enums import Reason, Status
from schemas.events import InboundEvent, ReceiptEvent
from schemas.ids import DELIVERY_PREFIX, is_id
from schemas.record_source import decode_source

PROVIDER = "twilio"

STATUSES: Mapping[str, Status] = {
    "accepted": Status.SENT,
    "scheduled": Status.SENT,
    "queued": Status.SENT,
    "sending": Status.SENT,
    "sent": Status.SENT,
    "delivered": Status.DELIVERED,
    "read": Status.DELIVERED,
}
FAILURES = frozenset({"undelivered", "failed"})
CANCELED = ErrorMeaning(Status.FAILED, Reason.CANCELED, "canceled at Twilio")

KEYWORDS: Mapping[str, Literal["stop", "start", "help"]] = {
    **dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"), "stop"),
    **dict.fromkeys(("start", "yes", "unstop"), "start"),
    **dict.fromkeys(("help", "info"), "help"),
}
"""What counts as a whole message, without case. With Advanced Opt-Out, Twilio says in OptOutType what a message counts as instead."""

OPT_OUT_TYPES: Mapping[str, Literal["stop", "start", "help"]] = {"STOP": "stop", "START": "start", "HELP": "help"}

_match_sid = re.compile(r"[A-Z]{2}[0-9a-fA-F]{32}").fullmatch
_match_code = re.compile(r"[1-9][0-9]{0,8}").fullmatch


def map_twilio_status(query: Mapping[str, str], form: Mapping[str, str], now: float) -> MappedCallback:
    """The event of a status callback; `query` is that of the callback URL, which names the delivery. `now` in epoch seconds."""
    counts: Counter[Any] = Counter()
    name = form.get("MessageStatus") or form.get("SmsStatus") or ""
    code = int(form["ErrorCode"]) if _match_code(form.get("ErrorCode", "")) else 0
    meaning = _find_meaning(name, code)
    if meaning is None:
        return MappedCallback([], Counter({("other", "unknown"): 1}))
    sid, numbers, delivery_id = form.get("MessageSid") or form.get("SmsSid") or "", find_numbers(query), query.get("delivery", "")
    if not _match_sid(sid) or numbers is None or not is_id(delivery_id, DELIVERY_PREFIX):
        return MappedCallback([], Counter({(name, "foreign"): 1}))
    counts[name, "taken"] += 1
    attempt, redrive_count = numbers
    address = _normalize(form.get("To", "")) if meaning.consent else ""
    source = query.get("source", "")
    if not meaning.max_resends or decode_source(source) is None:
        source = ""
    event = ReceiptEvent(
        delivery_id=delivery_id,
        channel="sms",
        provider=PROVIDER,
        event_key=f"{sid}|{name}|{code or ''}",
        event=name,
        status=meaning.status,
        occurred_at=now,
        redrive_count=redrive_count,
        attempt=attempt,
        reason=meaning.reason,
        provider_message_id=sid,
        provider_code=code,
        detail=f"{name}: {meaning.text}" if meaning.text else name,
        consent=meaning.consent if address else "",
        address=address,
        max_resends=meaning.max_resends if source else 0,
        source=source,
    )
    return MappedCallback([event], counts)


def map_twilio_inbound(form: Mapping[str, str], now: float) -> MappedCallback:
    """The event of a message that a recipient wrote: of a keyword; any other message is ignored. `now` in epoch seconds."""
    kind = OPT_OUT_TYPES.get(form.get("OptOutType", "")) or KEYWORDS.get(form.get("Body", "").strip().lower())
    if kind is None:
        return MappedCallback([], Counter({("message", "ignored"): 1}))
    sid, address = form.get("MessageSid") or form.get("SmsSid") or "", _normalize(form.get("From", ""))
    if not _match_sid(sid) or not address:
        return MappedCallback([], Counter({(kind, "foreign"): 1}))
    return MappedCallback([InboundEvent("sms", PROVIDER, sid, kind, address, now)], Counter({(kind, "taken"): 1}))


def _find_meaning(name: str, code: int) -> ErrorMeaning | None:
    if name in STATUSES:
        return ErrorMeaning(STATUSES[name], "", "")
    if name == "canceled":
        return CANCELED
    if name not in FAILURES:
        return None
    return ERROR_CODES.get(code) or (build_unlisted(code) if code else UNLISTED)


def _normalize(text: str) -> str:
    """The number in normal form; empty for a short code, a name or another channel, such as whatsapp:+43..."""
    address = NORMALIZERS["sms"](text)
    return "" if isinstance(address, InvalidAddress) else address
