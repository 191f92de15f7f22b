"""The message of FCM's HTTP v1 API (Google's discovery document fcm.v1, Message)."""

from msgspec import UNSET, Struct, UnsetType

from schemas.content import PushContent
from schemas.delivery import Delivery

MAX_TTL_SECONDS = 28 * 86_400


class _Notification(Struct, gc=False, omit_defaults=True):
    title: str
    body: str
    image: str = ""


class _AndroidNotification(Struct, gc=False):
    tag: str


class _AndroidConfig(Struct, gc=False):
    collapse_key: str
    ttl: str
    notification: _AndroidNotification


class _ApnsHeaders(Struct, gc=False, rename="kebab"):
    apns_collapse_id: str
    apns_expiration: str


class _Aps(Struct, gc=False, rename="kebab"):
    mutable_content: int = 1  # without it, iOS does not let the app's extension fetch the image


class _ApnsPayload(Struct, gc=False):
    aps: _Aps


class _ApnsConfig(Struct, gc=False):
    headers: _ApnsHeaders
    payload: _ApnsPayload | UnsetType = UNSET


class _WebpushHeaders(Struct, gc=False):
    TTL: str


class _WebpushOptions(Struct, gc=False):
    link: str


class _WebpushConfig(Struct, gc=False):
    headers: _WebpushHeaders
    fcm_options: _WebpushOptions | UnsetType = UNSET


class Message(Struct, gc=False):
    """A message to one token or topic."""

    notification: _Notification
    data: dict[str, str]
    android: _AndroidConfig
    apns: _ApnsConfig
    webpush: _WebpushConfig
    token: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET


class SendMessageRequest(Struct, gc=False):
    """The body of a call."""

    message: Message


def build_message(delivery: Delivery, content: PushContent, topic: str | None, now: float) -> Message:
    """The message: it expires with the delivery, and a second copy replaces the first.

    Apps open the link that is in the data; a browser takes only https, in WebpushFcmOptions.link.
    """
    collapse_key, ttl = delivery.notification_id, compute_ttl(delivery.expires_at, now)
    return Message(
        _Notification(content.title, content.body, content.image),
        {**content.data, **({"link": content.link} if content.link else {}), "delivery_id": delivery.id},
        _AndroidConfig(collapse_key, f"{ttl}s", _AndroidNotification(collapse_key)),
        _ApnsConfig(_ApnsHeaders(collapse_key, str(int(now) + ttl)), _ApnsPayload(_Aps()) if content.image else UNSET),
        _WebpushConfig(_WebpushHeaders(str(ttl)), _WebpushOptions(content.link) if content.link.startswith("https://") else UNSET),
        delivery.address if topic is None else UNSET,
        topic or UNSET,
    )


def compute_ttl(expires_at: float, now: float) -> int:
    """TTL: the seconds in which FCM may still deliver, at most four weeks."""
    return min(MAX_TTL_SECONDS, max(0, int(expires_at - now)))
