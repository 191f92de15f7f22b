"""What the providers require of a content, checked before any call: required parts, lengths, reserved names.

The sources are the vendors' documents, named at each limit. SendGrid's other limits cannot be reached: 30 MB for a message, of which a
content has at most 64 KiB, and 10,000 bytes of custom arguments, which are three short ones of Herold's
(https://www.twilio.com/docs/sendgrid/api-reference/mail-send, limitations).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from schemas.content import EmailContent, PushContent, SmsContent
from schemas.push_options import MAX_COLLAPSE_KEY_BYTES
from schemas.push_receipts import RECEIPT_KEY

BLANK_CONTENT: Final = "blank_content"
PROVIDER_LIMIT: Final = "provider_limit"

# a line of a message (RFC 5322, 2.1.1), which a subject is; SendGrid names no number of its own
MAX_SUBJECT_CHARACTERS = 998
# https://www.twilio.com/docs/api/errors/21617: 1,600 characters, of which an emoji is more than one; so they are UTF-16 code units
MAX_SMS_CHARACTERS = 1600
# https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode, "Message too big": the keys and values of the payload
MAX_FCM_BYTES = 4096
MAX_FCM_TOPIC_BYTES = 2048
# the same page, "Invalid data key", and Message.data in Google's discovery document fcm.v1; the last three are Herold's own
RESERVED_FCM_KEYS = frozenset(["from", "gcm", "message_type", "delivery_id", "link", RECEIPT_KEY])
RESERVED_FCM_PREFIXES = ("google", "gcm.")

TOPIC_PREFIX = "topic:"
FID_PREFIX = "fid:"
_COLLAPSE_KEY = re.compile(f"[ -~]{{1,{MAX_COLLAPSE_KEY_BYTES}}}").fullmatch
_IMAGE = re.compile(r"https://[^\s]+").fullmatch
_LINK = re.compile(r"(?!javascript:|data:|vbscript:|file:|about:)[a-z][a-z0-9+.-]*://[^\s]+", re.IGNORECASE).fullmatch
_FCM_KEY_BYTES = len("titlebody") + len("delivery_id") + len("dlv_") + 32
_MAX_UTF8_BYTES = 4  # of a character


class ContentProblem(Struct, frozen=True):
    """Why a provider would not take a content: the reason, and a text that names the part and the limit."""

    reason: str
    text: str


def find_email_problem(content: EmailContent, addresses: Sequence[str]) -> ContentProblem | None:
    """A blank subject, neither text nor HTML, or a subject that is too long; none of these with a template of the provider."""
    if content.template_id:
        return None
    if not content.subject:
        return _build_blank("subject is")
    if not content.text and not content.html:
        return _build_blank("text and the html are")
    if len(content.subject) > MAX_SUBJECT_CHARACTERS:
        return _build_too_long("subject", len(content.subject), MAX_SUBJECT_CHARACTERS, "a line of an e-mail")
    return None


def find_sms_problem(content: SmsContent, addresses: Sequence[str]) -> ContentProblem | None:
    """A blank text, or one that is too long."""
    if not content.text:
        return _build_blank("text is")
    if 2 * len(content.text) > MAX_SMS_CHARACTERS and (length := count_utf16_units(content.text)) > MAX_SMS_CHARACTERS:
        return _build_too_long("text", length, MAX_SMS_CHARACTERS, "Twilio")
    return None


def find_push_problem(content: PushContent, addresses: Sequence[str]) -> ContentProblem | None:
    """A blank title or body, a reserved key, a URL that apps cannot open, or a payload that is too large for one of the addresses."""
    if not content.title or not content.body:
        return _build_blank("body is" if content.title else "title is")
    for key in content.data:
        if key in RESERVED_FCM_KEYS or key.startswith(RESERVED_FCM_PREFIXES):
            return ContentProblem(PROVIDER_LIMIT, f"the data key `{key}` is reserved, by FCM or by Herold")
    if content.image and not _IMAGE(content.image):
        return ContentProblem(PROVIDER_LIMIT, "the image is no URL that begins with https://")
    if content.link and not _LINK(content.link):
        return ContentProblem(PROVIDER_LIMIT, "the link is no URL with https:// or a scheme of the app such as shop://")
    if content.options is not None and content.options.collapse_key and not _COLLAPSE_KEY(content.options.collapse_key):
        text = f"the collapse_key is not printable ASCII of at most {MAX_COLLAPSE_KEY_BYTES} bytes, as apns-collapse-id has to be"
        return ContentProblem(PROVIDER_LIMIT, text)
    is_plain = not (content.data or content.image or content.link)
    if is_plain and _MAX_UTF8_BYTES * (len(content.title) + len(content.body)) + _FCM_KEY_BYTES <= MAX_FCM_TOPIC_BYTES:
        return None
    size, is_topic = compute_fcm_bytes(content), any(address.startswith(TOPIC_PREFIX) for address in addresses)
    limit = MAX_FCM_TOPIC_BYTES if is_topic else MAX_FCM_BYTES
    if size <= limit:
        return None
    to = "to a topic" if is_topic else "to a device"
    text = f"the title, body and data have {size} bytes; FCM takes at most {limit} in a message {to}"
    return ContentProblem(PROVIDER_LIMIT, text)


def count_utf16_units(text: str) -> int:
    """The length of a text as Twilio counts it: a character beyond U+FFFF, such as an emoji, is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def compute_fcm_bytes(content: PushContent) -> int:
    """The payload as FCM counts it: all keys and values in UTF-8, with the id of the delivery."""
    size = _FCM_KEY_BYTES + _count_bytes([content.title, content.body, *content.data, *content.data.values()])
    urls = {"image": content.image, "link": content.link}
    return size + _count_bytes(text for name, url in urls.items() if url for text in (name, url))


def _count_bytes(texts: Iterable[str]) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _build_blank(parts: str) -> ContentProblem:
    return ContentProblem(BLANK_CONTENT, f"the {parts} blank: there is nothing to say")


def _build_too_long(part: str, length: int, limit: int, who: str) -> ContentProblem:
    return ContentProblem(PROVIDER_LIMIT, f"the {part} has {length} characters; {who} takes at most {limit}")
