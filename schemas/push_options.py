"""The options of a push message: how its platforms show it, and what of it replaces what.

Source of the fields: Google's discovery document fcm.v1 (AndroidConfig, AndroidNotification, ApnsConfig, WebpushConfig), Apple's
"Generating a remote notification" (aps, interruption-level) and "Sending notification requests to APNs" (apns-collapse-id), RFC 8030, 5.3
(Urgency).
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.canonical_json import encode_sorted

MAX_COLLAPSE_KEY_BYTES: Final = 64  # apns-collapse-id
COLLAPSE_KEY_PATTERN: Final = f"^[ -~]{{0,{MAX_COLLAPSE_KEY_BYTES}}}$(?!\\n)"
MAX_DATA_KEYS: Final = 100

PushPriority = Literal["", "normal", "high"]
Urgency = Literal["", "very-low", "low", "normal", "high"]
InterruptionLevel = Literal["", "passive", "active", "time-sensitive", "critical"]
Name = Annotated[str, Meta(max_length=256)]


class PushOptions(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What a rendered push message has beside its texts; what is empty is left to the platform.

    A message replaces an earlier one with its `collapse_key` on the device; empty, only its own copy. `priority` is Android's and APNs',
    `urgency` that of web push. `channel_id` and `click_action` are Android's, `category` and `interruption_level` Apple's.
    `mutable_content` lets the app's extension change the message before iOS shows it.
    """

    collapse_key: str = ""
    priority: PushPriority = ""
    urgency: Urgency = ""
    sound: Name = ""
    badge: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    channel_id: Name = ""
    click_action: Name = ""
    category: Name = ""
    interruption_level: InterruptionLevel = ""
    mutable_content: bool = False


class NotificationPushOptions(PushOptions, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """The options of one notification, which come before those of its template; what is empty is the template's.

    They are checked as a submission is decoded, so that none of them can fail later.
    """

    collapse_key: Annotated[str, Meta(pattern=COLLAPSE_KEY_PATTERN, description="what replaces an earlier message on the device")] = ""


class PushOptionsEntry(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options in a template. `collapse_key`, `sound`, `badge`, `click_action` and the values of `data` may have expressions.

    `data` is what the app gets beside the texts: strings, as FCM requires.
    """

    collapse_key: Name = ""
    priority: PushPriority = ""
    urgency: Urgency = ""
    sound: Name = ""
    badge: Annotated[int, Meta(ge=0)] | Annotated[str, Meta(max_length=1000)] | None = None
    channel_id: Name = ""
    click_action: Name = ""
    category: Name = ""
    interruption_level: InterruptionLevel = ""
    mutable_content: bool = False
    data: Annotated[dict[str, str], Meta(max_length=MAX_DATA_KEYS)] = {}


NO_OPTIONS: Final = PushOptions()


class InvalidPushOptions(ValueError):
    """The options of a template do not render to valid ones; its cause says where."""


class _RenderedOptions(PushOptions, frozen=True, gc=False, forbid_unknown_fields=True):
    data: dict[str, str] = {}


_decode_entry = msgspec.json.Decoder(PushOptionsEntry).decode
_decode_rendered = msgspec.json.Decoder(_RenderedOptions, strict=False).decode  # a rendered badge is a text


def merge_options(template: PushOptions | None, own: NotificationPushOptions) -> PushOptions:
    """The options of a message: those of its notification, and for what they leave open those of its template."""
    given = {name: value for name in PushOptions.__struct_fields__ if (value := getattr(own, name)) != getattr(NO_OPTIONS, name)}
    return msgspec.structs.replace(template or NO_OPTIONS, **given)


def encode_entry(entry: PushOptionsEntry | None) -> str:
    """The options of a template as the source of its part `options`; empty without any."""
    return "" if entry is None or entry == PushOptionsEntry() else encode_sorted(entry).decode()


def decode_entry(source: str) -> PushOptionsEntry | None:
    """The options in the source of a part; None if it is empty."""
    return _decode_entry(source) if source else None


def decode_options(text: str) -> tuple[PushOptions, dict[str, str]]:
    """The options that a part renders to, and the data for the app. Raises InvalidPushOptions."""
    try:
        rendered = _decode_rendered(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise InvalidPushOptions(str(error)) from error
    values = {name: getattr(rendered, name) for name in PushOptions.__struct_fields__}
    return PushOptions(**values), rendered.data
