"""Decides whether a dead letter is sent again, and builds its record; pure.

A record goes to the topic that it came from. A delivery goes with the next redrive_count and a new count of attempts; a notification
as the original bytes, with headers from which the router knows it again. Whoever builds the record twice builds the same one, so that
the worker that reads both skips the second.
"""

from collections.abc import Mapping
from functools import cache

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from agents.redrives.consent import find_delivery_objection
from schemas.dead_letter import REDRIVE_COUNT_HEADER, REDRIVEN_ID_HEADER
from schemas.dead_letters import DeadLetterContent, StoredDeadLetter
from schemas.delivery import Delivery
from schemas.enums import Outcome, Reason, Status
from schemas.errors import DECODE_ERRORS
from schemas.events import ReceiptEvent
from schemas.ids import is_id, try_parse_time
from schemas.json_errors import BYTE_ORDER_MARK
from schemas.lifetimes import NOTIFICATION_EXPIRY
from schemas.notification import Notification
from schemas.redrives import RedriveFacts, RedriveOptions, RedriveRecord, RedriveResult
from schemas.scheduled import DIGEST_HEADER, ORIGINAL_TIME_HEADER, RESUME_COUNT_HEADER
from schemas.sealed_records import close_delivery, is_sealed_record
from schemas.timestamps import is_plausible, to_epoch_seconds
from schemas.topics import DEAD_LETTER_TOPIC, TOPICS, get_notifications_topic

_REPLACED_HEADERS = frozenset({REDRIVE_COUNT_HEADER, REDRIVEN_ID_HEADER, ORIGINAL_TIME_HEADER})
_NEVER_AGAIN: dict[Status | None, RedriveResult] = {Status.BOUNCED: "suppressed", Status.UNSUBSCRIBED: "opted_out"}
_ARRIVED = (Status.SENT, Status.DELIVERED)

_decode_delivery = msgspec.json.Decoder(Delivery).decode
_decode_receipt = msgspec.json.Decoder(ReceiptEvent).decode
_decode_notification = msgspec.json.Decoder(Notification).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class _Test(Struct):
    """What says in a notification, which may be invalid in other fields, whether it is a test."""

    is_test: bool = False


_decode_test = msgspec.json.Decoder(_Test).decode

Judgement = RedriveRecord | RedriveResult


@cache
def list_source_topics(topic_prefix: str) -> frozenset[str]:
    """The topics to which a record may go, with their prefix: all whose records become dead letters."""
    return frozenset(topic_prefix + topic.name for topic in TOPICS if topic.name != DEAD_LETTER_TOPIC)


def judge(content: DeadLetterContent | None, facts: RedriveFacts, options: RedriveOptions, now: float, topic_prefix: str) -> Judgement:
    """The record to produce, or why there is none. `now` in epoch seconds; `topic_prefix`: of the installation."""
    if content is None:
        return "missing"
    stored = content.stored
    if stored.state != "open":
        return "already_redriven" if stored.state == "redriven" else "discarded"
    if stored.source_topic not in list_source_topics(topic_prefix):
        return "unknown_source"
    if content.value is None and options.replacement is None:
        return "unreadable"
    if facts.redrive_count > stored.redrive_count:
        return "already_redriven"
    if stored.stage == "delivery":
        return _judge_delivery(content, facts, options, now)
    if stored.stage == "router":
        return _judge_notification(content, options, now, topic_prefix)
    return _judge_other(content)


def _judge_delivery(content: DeadLetterContent, facts: RedriveFacts, options: RedriveOptions, now: float) -> Judgement:
    try:
        delivery = _decode_delivery(content.value or b"")
    except DECODE_ERRORS:
        return "unreadable"
    if obstacle := _find_obstacle(content.stored, delivery, facts, options):
        return obstacle
    expires_at = delivery.expires_at
    if expires_at <= now:
        if options.extend_expiry is None:
            return "expired"
        expires_at = now + options.extend_expiry
    is_possible_duplicate = delivery.possible_duplicate or _may_be_sent(content.stored, delivery)
    redriven = replace(
        delivery,
        redrive_count=delivery.redrive_count + 1,
        possible_duplicate=is_possible_duplicate,
        expires_at=expires_at,
        attempt=0,
        counted_attempts=0,
        unanswered=None,
        account="",
        next_step=None,  # it was taken when the delivery failed
        resends=0,
        undelivered_attempt=-1,
        sent_again=False,
    )
    user_key = delivery.user_id.encode()
    return RedriveRecord(content.stored.source_topic, user_key, user_key, _encode(close_delivery(redriven)), [])


def _find_obstacle(stored: StoredDeadLetter, delivery: Delivery, facts: RedriveFacts, options: RedriveOptions) -> RedriveResult | None:
    """Why the delivery must not be sent, or need not be unless somebody asks for it."""
    if facts.status in _NEVER_AGAIN:
        return _NEVER_AGAIN[facts.status]
    if objection := find_delivery_objection(delivery, facts.profiles):
        return objection
    if delivery.at_most_once and _may_be_sent(stored, delivery):
        return "maybe_sent"
    if not options.include_delivered:
        if facts.status in _ARRIVED:
            return "delivered"
        if facts.is_delivered_elsewhere:
            return "delivered_elsewhere"
    return None


def _may_be_sent(stored: StoredDeadLetter, delivery: Delivery) -> bool:
    """Whether the last call got no answer. One that was searched for in vain has no outcome of its own."""
    return stored.outcome == Outcome.UNKNOWN or delivery.unanswered is not None


def _judge_notification(content: DeadLetterContent, options: RedriveOptions, now: float, topic_prefix: str) -> Judgement:
    """The router judges consent and duplicates again, and more than this; here is decided what it would not send for certain."""
    stored, headers = content.stored, _select_headers(content)
    if any(name == DIGEST_HEADER for name, _ in content.source_headers):
        return "digest"
    if options.replacement is not None:
        return _build_replacement(content, options, topic_prefix)
    value = (content.value or b"").removeprefix(BYTE_ORDER_MARK)
    if is_sealed_record(value):  # the router opens it, and judges all
        headers.append((ORIGINAL_TIME_HEADER, b"%d" % round(find_source_time(stored) * 1000)))
        return RedriveRecord(stored.source_topic, stored.user_id.encode(), stored.user_id.encode(), value, headers)
    try:
        notification = _decode_notification(value)
    except DECODE_ERRORS:
        return "unreadable"
    source_time = find_source_time(stored)
    if compute_expiry(notification, source_time) <= now:
        if options.extend_expiry is None:
            return "expired"
        value = _encode({**_decode_fields(value), "expires_at": now + options.extend_expiry})
    else:
        headers.append((ORIGINAL_TIME_HEADER, b"%d" % round(source_time * 1000)))
    user_key = notification.user_id.encode()
    return RedriveRecord(stored.source_topic, user_key, content.key, value, headers)


def _build_replacement(content: DeadLetterContent, options: RedriveOptions, topic_prefix: str) -> RedriveRecord:
    """A notification with another value meets all gates again, as of the time of its new record; that of a test stays a test."""
    assert options.replacement is not None
    value, priority = options.replacement.value, options.replacement.priority
    if read_test_flag(content.value or b""):
        value = _encode({**_decode_fields(value), "is_test": True})
    topic = topic_prefix + get_notifications_topic(priority) if priority else content.stored.source_topic
    user_key = _decode_notification(value).user_id.encode()
    kept = [header for header in _select_headers(content) if header[0] in (REDRIVE_COUNT_HEADER, REDRIVEN_ID_HEADER, RESUME_COUNT_HEADER)]
    return RedriveRecord(topic, user_key, user_key, value, kept)


def read_test_flag(value: bytes) -> bool | None:
    """Whether a notification, which may be invalid in other fields, is a test; None if it cannot be read."""
    try:
        return _decode_test(value.removeprefix(BYTE_ORDER_MARK)).is_test
    except DECODE_ERRORS:
        return None


def _judge_other(content: DeadLetterContent) -> Judgement:
    """An event or a scheduled record, which goes back as it is; one that is no JSON would fail again."""
    try:
        msgspec.json.decode(content.value or b"", type=Raw)
    except DECODE_ERRORS:
        return "unreadable"
    if content.stored.is_truncated:
        return "unreadable"
    user_key = content.stored.user_id.encode() or content.key or b""
    value = _drop_consent(content.value or b"") if content.stored.reason == Reason.UNMATCHED else content.value or b""
    return RedriveRecord(content.stored.source_topic, user_key, content.key, value, _select_headers(content))


def _drop_consent(value: bytes) -> bytes:
    """The report of a provider without what it says of the recipient: that counted when it came, and may have been undone since."""
    try:
        return _encode(replace(_decode_receipt(value), consent="", address=""))
    except DECODE_ERRORS:
        return value  # it is about an opening or a click


def _select_headers(content: DeadLetterContent) -> list[tuple[str, bytes]]:
    """The headers of the source, with those of a redriven record."""
    stored = content.stored
    kept = [header for header in content.source_headers if header[0] not in _REPLACED_HEADERS]
    own = [(REDRIVE_COUNT_HEADER, b"%d" % (stored.redrive_count + 1)), (REDRIVEN_ID_HEADER, stored.notification_id.encode())]
    return [*kept, *own]


def find_source_time(stored: StoredDeadLetter) -> float:
    """When the record was first produced, in epoch seconds; of one of an earlier release, the time in the notification's id."""
    if stored.source_time:
        return stored.source_time
    return try_parse_time(stored.notification_id) or stored.created_at if is_id(stored.notification_id) else stored.created_at


def compute_expiry(notification: Notification, source_time: float) -> float:
    """The latest time at which the router may send a notification, whatever its rule says (epoch seconds)."""
    send_at, expires_at = notification.send_at, notification.expires_at
    due_at = max(source_time, to_epoch_seconds(send_at)) if send_at is not None and is_plausible(send_at) else source_time
    latest = due_at + NOTIFICATION_EXPIRY
    return latest if expires_at is None or not is_plausible(expires_at) else min(latest, to_epoch_seconds(expires_at))


def count_results(results: Mapping[str, RedriveResult]) -> dict[str, int]:
    """How many dead letters have each result."""
    counts: dict[str, int] = {}
    for result in results.values():
        counts[result] = counts.get(result, 0) + 1
    return counts
