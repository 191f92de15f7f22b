"""SendGrid's Event Webhook mapped to our events: each kind of report with its status, reason and what it says of the recipient.

Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (kinds and fields),
https://www.twilio.com/docs/sendgrid/ui/sending-email/bounces (bounce and blocked) and
https://www.twilio.com/docs/sendgrid/ui/analytics-and-reporting/bounce-and-block-classifications. What the receiving server said in words is
not kept, because it often quotes the address.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import Struct

from agents.callbacks.mapped_callback import MAX_EVENT_KEY_CHARACTERS, MappedCallback, find_numbers
from schemas.addresses import InvalidAddress, normalize_email
from schemas.email_options import compute_recipient_digest
from schemas.enums import Reason, Status
from schemas.events import ConsentReport, EngagementEvent, ProviderEvent, ReceiptEvent
from schemas.ids import DELIVERY_PREFIX, is_id
from schemas.timestamps import is_plausible

PROVIDER = "sendgrid"


class Meaning(NamedTuple):
    """What follows from a kind of report."""

    status: Status
    reason: str = ""
    consent: ConsentReport = ""


MEANINGS: Mapping[str, Meaning] = {
    "processed": Meaning(Status.SENT),
    "deferred": Meaning(Status.SENT),
    "delivered": Meaning(Status.DELIVERED),
    "spamreport": Meaning(Status.UNSUBSCRIBED, Reason.COMPLAINED, "complaint"),
    "unsubscribe": Meaning(Status.UNSUBSCRIBED, Reason.OPTED_OUT, "stop"),
    "group_unsubscribe": Meaning(Status.UNSUBSCRIBED, Reason.OPTED_OUT, "category_stop"),
}
BOUNCES: Mapping[str, Meaning] = {
    "bounce": Meaning(Status.BOUNCED, Reason.BOUNCED, "hard_bounce"),
    "blocked": Meaning(Status.BOUNCED, Reason.BLOCKED),  # of this message: the next one to the address may arrive
}
"""By the field `type` of a bounce; another one counts as blocked, so that nobody is suppressed by mistake."""

DROPS: Mapping[str, Meaning] = {
    "bounced address": Meaning(Status.BOUNCED, Reason.BOUNCED, "hard_bounce"),
    "invalid": Meaning(Status.BOUNCED, Reason.BOUNCED, "hard_bounce"),
    "spam reporting address": Meaning(Status.UNSUBSCRIBED, Reason.COMPLAINED, "complaint"),
    "unsubscribed address": Meaning(Status.UNSUBSCRIBED, Reason.OPTED_OUT, "stop"),
}
"""By the field `reason` of a dropped message, in lower case; another one is FAILED: the quota, the content, the header."""

ENGAGEMENTS: Mapping[str, Literal["open", "click"]] = {"open": "open", "click": "click"}
IGNORED = frozenset({"group_resubscribe", "account_status_change"})
"""`group_resubscribe` lifts nothing: whoever opted out of us opts in with us."""

DROP_REASONS = frozenset(
    {*DROPS, "invalid smtpapi header", "spam content (if spam checker app is enabled)", "recipient list over package quota"}
)
CLASSIFICATIONS = frozenset(
    {"invalid address", "technical", "content", "reputation", "frequency or volume too high", "mailbox unavailable", "unclassified"}
)

_match_smtp_status = re.compile(r"[245](?:\.[0-9]{1,3}){2}|[245][0-9]{2}").fullmatch
_match_message_id = re.compile(r"[!-~]{1,128}").fullmatch


class _Report(Struct, gc=False):
    """The fields of a report that are read. Their types are loose: one odd report must not refuse the thousand beside it."""

    event: Any = None
    sg_event_id: Any = None
    sg_message_id: Any = None
    timestamp: Any = None
    email: Any = None
    delivery_id: Any = None
    attempt: Any = "0"
    delivery_attempt: Any = None
    redrive_count: Any = "0"
    recipient_digest: Any = None
    type: Any = None
    reason: Any = None
    status: Any = None
    bounce_classification: Any = None
    sg_machine_open: Any = False


_decode = msgspec.json.Decoder(list[_Report]).decode


def map_sendgrid_events(body: bytes, now: float) -> MappedCallback:
    """The events of a verified body. Raises the errors of DECODE_ERRORS for one that is not an array of objects; `now` in epoch seconds."""
    events: list[ProviderEvent] = []
    counts: Counter[Any] = Counter()
    for report in _decode(body):
        name = report.event if isinstance(report.event, str) else ""
        if name in IGNORED:
            counts[name, "ignored"] += 1
            continue
        meaning = _find_meaning(name, report)
        if meaning is None and name not in ENGAGEMENTS:
            counts["other", "unknown"] += 1
            continue
        if _is_of_copy(report):
            counts[name, "ignored"] += 1
            continue
        event = _build_event(name, report, meaning, now)
        if event is None:
            counts[name, "foreign"] += 1
        else:
            counts[name, "taken"] += 1
            events.append(event)
    return MappedCallback(events, counts)


def _is_of_copy(report: _Report) -> bool:
    """Whether it is about the address of a cc or bcc: what becomes of a copy says nothing about the delivery."""
    if not isinstance(report.recipient_digest, str):
        return False
    return not isinstance(report.email, str) or compute_recipient_digest(report.email) != report.recipient_digest


def _find_meaning(name: str, report: _Report) -> Meaning | None:
    if name == "bounce":
        return BOUNCES.get(_get_word(report.type), BOUNCES["blocked"])
    if name == "dropped":
        return DROPS.get(_get_word(report.reason), Meaning(Status.FAILED, Reason.DROPPED))
    if name == "open" and report.sg_machine_open is True:  # a mail program loaded the pictures; nobody has read it
        return Meaning(Status.DELIVERED)
    return MEANINGS.get(name)


def _build_event(name: str, report: _Report, meaning: Meaning | None, now: float) -> ProviderEvent | None:
    """The event of a report; None if it does not name a delivery of ours and itself."""
    key, numbers = report.sg_event_id, find_numbers({"attempt": _get_attempt(name, report), "redrive_count": report.redrive_count})
    if not _is_text(key) or not 1 <= len(key) <= MAX_EVENT_KEY_CHARACTERS or numbers is None:
        return None
    if not isinstance(report.delivery_id, str) or not is_id(report.delivery_id, DELIVERY_PREFIX):
        return None
    attempt, redrive_count = numbers
    occurred_at = float(report.timestamp) if _is_time(report.timestamp) else now
    delivery_id, message_id = report.delivery_id, _get_message_id(report.sg_message_id)
    if meaning is None:
        kind = ENGAGEMENTS[name]
        return EngagementEvent(delivery_id, "email", PROVIDER, key, kind, occurred_at, redrive_count, attempt, message_id)
    address = _normalize(report.email) if meaning.consent else ""
    return ReceiptEvent(
        delivery_id=delivery_id,
        channel="email",
        provider=PROVIDER,
        event_key=key,
        event=name,
        status=meaning.status,
        occurred_at=occurred_at,
        redrive_count=redrive_count,
        attempt=attempt,
        reason=meaning.reason,
        provider_message_id=message_id,
        detail=_describe(name, report),
        consent=meaning.consent if address else "",
        address=address,
    )


def _get_attempt(name: str, report: _Report) -> object:
    """Our custom argument. A deferred report has a field `attempt` of SendGrid's own, in the place of an argument with this name."""
    if report.delivery_attempt is not None:
        return report.delivery_attempt
    return "0" if name == "deferred" else report.attempt


def _describe(name: str, report: _Report) -> str:
    """The report in words of SendGrid's own vocabulary; free text may quote the address."""
    words = [name]
    if name == "dropped" and _get_word(report.reason) in DROP_REASONS:
        words.append(_get_word(report.reason))
    if name == "bounce" and _get_word(report.type) == "blocked":
        words.append("blocked")
    if name in ("bounce", "deferred") and _is_text(report.status) and _match_smtp_status(report.status):
        words.append(report.status)
    if _get_word(report.bounce_classification) in CLASSIFICATIONS:
        words.append(_get_word(report.bounce_classification))
    if name == "open":
        words.append("by a machine")
    return ", ".join(words)


def _get_message_id(value: object) -> str:
    """X-Message-Id of the call, which is what stands before the first dot."""
    text = value.partition(".")[0] if isinstance(value, str) else ""
    return text if _match_message_id(text) else ""


def _normalize(value: object) -> str:
    address = normalize_email(value) if isinstance(value, str) else ""
    return "" if isinstance(address, InvalidAddress) else address


def _get_word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isprintable()


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and is_plausible(value)
