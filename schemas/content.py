"""The content of a delivery on each channel, at most 64 KiB encoded, and how a template renders to it."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from schemas.attachments import Attachment
from schemas.email_options import EmailOptions
from schemas.push_options import NO_OPTIONS, PushOptions, decode_options

MAX_CONTENT_BYTES = 64 * 1024


class EmailContent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="email"):
    """An e-mail: subject without line breaks, a plain text part, and an HTML part if the template has one.

    With `template_id` instead, the provider renders its own template of that id with `data`. `list_unsubscribe` is the value of the header
    of that name, which stands with List-Unsubscribe-Post (RFC 8058); empty for a message that the user cannot opt out of.
    """

    subject: str
    text: str
    html: str = ""
    template_id: str = ""
    data: dict[str, Any] = {}
    list_unsubscribe: str = ""
    options: EmailOptions | None = None
    attachments: Sequence[Attachment] = ()


class SmsContent(Struct, frozen=True, gc=False, tag_field="kind", tag="sms"):
    """A text message."""

    text: str


class PushContent(Struct, frozen=True, gc=False, omit_defaults=True, tag_field="kind", tag="push"):
    """A push message; the values of `data` are strings, as FCM requires (HTTP v1, Message.data). `image` and `link` are URLs.

    `options` is None if the platforms decide how they show it.
    """

    title: str
    body: str
    data: dict[str, str] = {}
    image: str = ""
    link: str = ""
    options: PushOptions | None = None


class WebhookContent(Struct, frozen=True, gc=False, tag_field="kind", tag="webhook"):
    """The body of a webhook: the notification's type and data."""

    type: str
    data: dict[str, Any]


Content = EmailContent | SmsContent | PushContent | WebhookContent

Part = Callable[[Mapping[Any, Any]], str]
"""A compiled part of a template: a function of the variables that returns its text."""

Renderer = Callable[[Mapping[Any, Any]], Content]
"""A compiled template: a function of the variables that returns the content."""

BuildRenderer = Callable[[Callable[[str], Part]], Renderer]
"""Makes a renderer from a function that compiles a part of a template by its name; an empty part is render_nothing."""


def render_nothing(variables: Mapping[Any, Any]) -> str:
    """The part of a template that has no source."""
    return ""


_decode_data = msgspec.json.Decoder(dict[str, Any]).decode

# the first character that is neither white space nor one without width (Unicode's general categories Cc and Cf, as far as texts use them)
_find_visible = re.compile(
    "[^\\s\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\U000e0000-\\U000e007f]"
).search
_LINE_BREAKS = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+")


def build_email_renderer(compile_part: Callable[[str], Part]) -> Renderer:
    """The renderer of an e-mail."""
    if (template_id := compile_part("template_id")) is not render_nothing:
        return lambda variables: EmailContent("", "", "", template_id(variables).strip(), dict(variables))
    subject, text, html = compile_part("subject"), compile_part("text"), compile_part("html")
    return lambda variables: EmailContent(_to_single_line(subject(variables)), _drop_blank(text(variables)), _drop_blank(html(variables)))


def build_sms_renderer(compile_part: Callable[[str], Part]) -> Renderer:
    """The renderer of a text message."""
    text = compile_part("text")
    return lambda variables: SmsContent(_drop_blank(text(variables).strip()))


def build_push_renderer(compile_part: Callable[[str], Part]) -> Renderer:
    """The renderer of a push message; its title is the template's subject."""
    title, body, image, link = compile_part("subject"), compile_part("text"), compile_part("image"), compile_part("link")
    if (options := compile_part("options")) is not render_nothing:
        return partial(_render_push, title, body, image, link, options)
    if image is link is render_nothing:
        return lambda variables: PushContent(_to_single_line(title(variables)), _drop_blank(body(variables).strip()))
    return lambda variables: PushContent(
        _to_single_line(title(variables)), _drop_blank(body(variables).strip()), {}, image(variables).strip(), link(variables).strip()
    )


def _render_push(title: Part, body: Part, image: Part, link: Part, options: Part, variables: Mapping[Any, Any]) -> PushContent:
    found, data = decode_options(options(variables))
    texts = _to_single_line(title(variables)), _drop_blank(body(variables).strip())
    return PushContent(*texts, data, image(variables).strip(), link(variables).strip(), None if found == NO_OPTIONS else found)


def build_webhook_renderer(compile_part: Callable[[str], Part]) -> Renderer:
    """The renderer of a webhook's data, to which the type of the notification is added; its part `body` is JSON."""
    body = compile_part("body")
    return lambda variables: WebhookContent("", _decode_object(body(variables)))


class NoJsonObject(ValueError):
    """The body of a webhook does not render to a JSON object; says where."""


def _decode_object(text: str) -> dict[str, Any]:
    try:
        return _decode_data(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise NoJsonObject(f"the body does not render to a JSON object: {error}") from error


def _drop_blank(text: str) -> str:
    """The text, or nothing if a reader would see nothing: an optional part is then left out, a required one is an error."""
    return text if text and ("!" <= text[0] <= "~" or _find_visible(text)) else ""


def _to_single_line(text: str) -> str:
    """The text without line breaks and control characters: a line break in a subject could end the header that it is in."""
    return text.strip() if text.isprintable() else _drop_blank(_LINE_BREAKS.sub(" ", text).strip())
