"""The message of FCM's HTTP v1 API (Google's discovery document fcm.v1, Message)."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from schemas.content import PushContent
from schemas.delivery import Delivery
from schemas.push_options import PushOptions

MAX_TTL_SECONDS = 28 * 86_400


class _Notification(Struct, gc=False, omit_defaults=True):
    title: str
    body: str
    image: str = ""


class _AndroidNotification(Struct, gc=False, omit_defaults=True):
    """Without `collapse_key` in AndroidConfig: FCM ignores it for messages with a notification, and `tag` is what replaces."""

    tag: str
    sound: str = ""
    channel_id: str = ""
    click_action: str = ""
    notification_count: int | None = None


class _AndroidConfig(Struct, gc=False, omit_defaults=True):
    ttl: str
    notification: _AndroidNotification
    priority: str = ""


class _ApnsHeaders(Struct, gc=False, rename="kebab", omit_defaults=True):
    apns_collapse_id: str
    apns_expiration: str
    apns_priority: str = ""


class _Aps(Struct, gc=False, rename="kebab", omit_defaults=True):
    mutable_content: int = 0
    sound: str = ""
    badge: int | None = None
    category: str = ""
    interruption_level: str = ""


class _ApnsPayload(Struct, gc=False):
    aps: _Aps


class _ApnsConfig(Struct, gc=False):
    headers: _ApnsHeaders
    payload: _ApnsPayload | UnsetType = UNSET


class _WebpushHeaders(Struct, gc=False, omit_defaults=True):
    TTL: str
    Urgency: str = ""


class _WebpushOptions(Struct, gc=False):
    link: str


class _WebpushConfig(Struct, gc=False):
    headers: _WebpushHeaders
    fcm_options: _WebpushOptions | UnsetType = UNSET
    notification: dict[str, Any] | UnsetType = UNSET


class Message(Struct, gc=False):
    """A message to one token, installation or topic."""

    notification: _Notification
    data: dict[str, str]
    android: _AndroidConfig
    apns: _ApnsConfig
    webpush: _WebpushConfig
    token: str | UnsetType = UNSET
    fid: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET


class SendMessageRequest(Struct, gc=False):
    """The body of a call."""

    message: Message


_WITH_EXTENSION = _Aps(mutable_content=1)  # without it, iOS does not let the app's extension fetch the image
_ANDROID_PRIORITIES = {"": "", "normal": "NORMAL", "high": "HIGH"}
_APNS_PRIORITIES = {"": "", "normal": "5", "high": "10"}


def build_message(delivery: Delivery, content: PushContent, now: float) -> Message:
    """The message without its target: it expires with the delivery, and a second copy replaces the first.

    Apps open the link that is in the data; a browser takes only https, in WebpushFcmOptions.link.
    """
    if content.options is not None:
        return _build_with_options(delivery, content, content.options, now)
    tag, ttl = delivery.notification_id, compute_ttl(delivery.expires_at, now)
    return Message(
        _Notification(content.title, content.body, content.image),
        build_data(delivery, content),
        _AndroidConfig(f"{ttl}s", _AndroidNotification(tag)),
        _ApnsConfig(_ApnsHeaders(tag, str(int(now) + ttl)), _ApnsPayload(_WITH_EXTENSION) if content.image else UNSET),
        _WebpushConfig(_WebpushHeaders(str(ttl)), _build_web_link(content)),
    )


def build_data(delivery: Delivery, content: PushContent) -> dict[str, str]:
    """What the app gets beside the texts; nothing of it can hide the id of the delivery."""
    return {**content.data, **({"link": content.link} if content.link else {}), "delivery_id": delivery.id}


def compute_ttl(expires_at: float, now: float) -> int:
    """TTL: the seconds in which FCM may still deliver, at most four weeks."""
    return min(MAX_TTL_SECONDS, max(0, int(expires_at - now)))


def _build_with_options(delivery: Delivery, content: PushContent, options: PushOptions, now: float) -> Message:
    tag, ttl = options.collapse_key or delivery.notification_id, compute_ttl(delivery.expires_at, now)
    android = _AndroidNotification(tag, options.sound, options.channel_id, options.click_action, options.badge)
    headers = _ApnsHeaders(tag, str(int(now) + ttl), _APNS_PRIORITIES[options.priority])
    has_extension = options.mutable_content or bool(content.image)
    aps = _Aps(int(has_extension), options.sound, options.badge, options.category, options.interruption_level)
    return Message(
        _Notification(content.title, content.body, content.image),
        build_data(delivery, content),
        _AndroidConfig(f"{ttl}s", android, _ANDROID_PRIORITIES[options.priority]),
        _ApnsConfig(headers, _ApnsPayload(aps) if aps != _Aps() else UNSET),
        _WebpushConfig(
            _WebpushHeaders(str(ttl), options.urgency),
            _build_web_link(content),
            {"tag": tag} if options.collapse_key else UNSET,
        ),
    )


def _build_web_link(content: PushContent) -> _WebpushOptions | UnsetType:
    return _WebpushOptions(content.link) if content.link.startswith("https://") else UNSET
