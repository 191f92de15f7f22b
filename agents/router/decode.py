"""The first gate: bytes to a notification with a time and an id, or a dead letter that says what is wrong and where."""

import msgspec

from agents.router.case import Case, Source, dead, passed
from schemas import ids
from schemas.errors import UNREADABLE
from schemas.notification import Notification
from schemas.ports import Record
from schemas.topics import MAX_NOTIFICATION_BYTES
from schemas.words import Reason

GATE = "decode"
DAY = 24 * 3600.0
MAX_NAME = 256
BACKSLASH = ord("\\")  # to look for bytes instead costs an exception inside Python
MAX_DEPTH = 64  # JSON nested deeper is refused here, before a provider's encoder meets it

# a record forwarded by the owner gate carries the time its first record had, so that its expiry and its id stay what they were
FIRST_SEEN = "herold-at"

PASSED = passed(GATE)
_decode = msgspec.json.Decoder(Notification).decode


class Sender(msgspec.Struct):
    """What can be said of a notification that is not valid."""

    user_id: str = ""
    type: str = ""
    id: str = ""


_sender = msgspec.json.Decoder(Sender).decode


def opened(record: Record, source: Source, partition: int, now: float) -> Case:
    """The case of a record; its ending is set if the record is dead already."""
    at = _time_of(record) if record.headers else record.timestamp / 1000
    value = record.value
    if value is None:
        return _dead(record, source, partition, at, now, Reason.NULL_VALUE, "the record has no value")
    if len(value) > MAX_NOTIFICATION_BYTES:
        error = f"{len(value)} bytes are more than {MAX_NOTIFICATION_BYTES}"
        return _dead(record, source, partition, at, now, Reason.TOO_LARGE, error)
    try:
        notification = _decode(value)
    except msgspec.ValidationError as error:
        return _dead(record, source, partition, at, now, Reason.INVALID, *_placed(str(error)))
    except UNREADABLE as error:
        return _dead(record, source, partition, at, now, Reason.UNDECODABLE, str(error))
    found = objection(notification, at, now, value)
    if found is not None:
        reason, path, text = found
        return _dead(record, source, partition, at, now, reason, f"{text} - at {path}", path)
    an_id = notification.id or _derived(record, source, partition, at)
    created_at = notification.created_at
    if created_at is None or abs(created_at - at) > DAY:  # a producer's clock may say anything
        created_at = at
    return Case(record, source, partition, notification, an_id, at, now, created_at)


def _time_of(record: Record) -> float:
    for name, text in record.headers:
        if name == FIRST_SEEN and text and text.isdigit() and len(text) < 16:
            return min(int(text), record.timestamp) / 1000
    return record.timestamp / 1000


def objection(notification: Notification, at: float, now: float, value: bytes) -> tuple[Reason, str, str] | None:
    """Reason, path and text of what the schema cannot say is wrong, as the gateway checks it too; `value` is the notification's JSON."""
    if notification.id is not None:
        id_time = ids.time_in(notification.id)
        if id_time is None:
            return Reason.INVALID, "$.id", "not an id: ntf_ and the 32 hex digits of a UUIDv7; a producer's own id goes to idempotency_key"
        if abs(id_time - at) > DAY:
            return Reason.FOREIGN_TIME, "$.id", "the id's time is more than a day off the time of its record"
    if notification.send_at is not None and notification.send_at > now:
        return Reason.UNSUPPORTED, "$.send_at", "a time in the future needs the scheduler, which this version does not have"
    if notification.digest is not None:
        return Reason.UNSUPPORTED, "$.digest", "digests need the scheduler, which this version does not have"
    if BACKSLASH in value and b"\\u0000" in value and (name := _with_nul(notification)):  # one byte is sought faster, and most have none
        return Reason.INVALID, f"$.{name}", "the character NUL cannot stand in a name or key"
    if value.count(b"{") + value.count(b"[") > MAX_DEPTH and _deeper(notification.data, MAX_DEPTH):
        return Reason.INVALID, "$.data", f"nested deeper than {MAX_DEPTH}"
    return None


def _with_nul(notification: Notification) -> str:
    """The first field with a NUL: it parts the fields of our keys, and PostgreSQL's text cannot hold it."""
    for name in ("user_id", "type", "category", "template", "idempotency_key"):
        if "\0" in (getattr(notification, name) or ""):
            return name
    addresses = [address for given in notification.to.values() for address in ([given] if isinstance(given, str) else given)]
    return "to" if any("\0" in address for address in addresses) else ""


def _deeper(value: object, most: int) -> bool:
    if not isinstance(value, (dict, list)):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_deeper(one, most - 1) for one in inside)


def _derived(record: Record, source: Source, partition: int, at: float) -> str:
    return ids.derived_id(ids.NOTIFICATION, at, source.topic, str(partition), str(record.offset))


def _placed(message: str) -> tuple[str, str]:
    """The message of msgspec with the path of the field at its end, and the path alone."""
    problem, _, rest = message.partition(" - at `")
    path = "$" + rest.rstrip("`").partition("$")[2]
    if problem.startswith("Object missing required field `"):
        path += "." + problem.split("`")[1]
    return f"{problem} - at {path}", path


def _dead(record: Record, source: Source, partition: int, at: float, now: float, reason: Reason, error: str, path: str = "") -> Case:
    known = _known(record, at)
    an_id = known.id or _derived(record, source, partition, at)
    notification = Notification(user_id=known.user_id, type=known.type)
    case = Case(record, source, partition, notification, an_id, at, now, at)
    case.ending = dead(GATE, reason, error, **({"path": path} if path else {}))
    return case


def buried(record: Record, source: Source, partition: int, now: float, error: str) -> Case:
    """The case of a record at which something of ours failed: dead, and named by no more than its place and key."""
    at = record.timestamp / 1000
    user_id = _storable(_text_of(record.key))
    case = Case(record, source, partition, Notification(user_id, ""), _derived(record, source, partition, at), at, now, at)
    case.ending = dead(GATE, Reason.UNEXPECTED, error)
    return case


def _known(record: Record, at: float) -> Sender:
    """Who and what a dead record is about, as far as its JSON or its key tells; an id only if it can be the key of a row."""
    try:
        sender = _sender(record.value or b"{}")
    except UNREADABLE:
        sender = Sender()
    id_time = ids.time_in(sender.id)
    if id_time is None or abs(id_time - at) > DAY:
        sender.id = ""
    if not sender.user_id:
        sender.user_id = _text_of(record.key)
    sender.user_id, sender.type = _storable(sender.user_id), _storable(sender.type)
    return sender


def _text_of(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        return ""


def _storable(text: str) -> str:
    """What PostgreSQL's text can hold, and no more of it than a valid notification could have."""
    return text[:MAX_NAME].replace("\0", "\ufffd")
