"""The digest of what a notification says: the same for a producer's second try, which has a new id and a new time."""

from hashlib import blake2b

from schemas.canonical_json import canonicalise, encode_sorted
from schemas.notification import Notification
from schemas.push_options import NotificationPushOptions
from schemas.timestamps import Timestamp, to_epoch_seconds
from tables.idempotency import DIGEST_BYTES


def compute_content_digest(notification: Notification) -> bytes:
    """The digest of all fields but the user, the id, the key and the time of creation; the order of members does not count."""
    one = notification
    times = _to_milliseconds(one.send_at), _to_milliseconds(one.expires_at)
    fields = one.type, one.category, one.channels, one.template, one.data, one.locale, one.to, *times, one.digest, one.mandatory
    content = encode_sorted((*fields, one.attachments, *_list_push(one)) if one.attachments or one.push else fields)
    if b".0" in content:  # seldom: 17.0 in data is 17
        content = canonicalise(content)
    return blake2b(content, digest_size=DIGEST_BYTES).digest()


def _list_push(notification: Notification) -> list[NotificationPushOptions]:
    """The options of push messages, if there are any: notifications without them keep the digests that they have."""
    return [notification.push] if notification.push else []


def _to_milliseconds(timestamp: Timestamp | None) -> int | None:
    return None if timestamp is None else round(to_epoch_seconds(timestamp) * 1000)
