"""The catalogue of channels. A new channel is one line here, its content in schemas/content.py and its provider in agents/providers."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

from msgspec import Struct

from schemas.content import (
    BuildRenderer,
    Content,
    EmailContent,
    PushContent,
    SmsContent,
    WebhookContent,
    build_email_renderer,
    build_push_renderer,
    build_sms_renderer,
    build_webhook_renderer,
)
from schemas.content_limits import TOPIC_PREFIX, ContentProblem, find_email_problem, find_push_problem, find_sms_problem

ChannelName = Literal["email", "sms", "push", "webhook"]


class Channel(Struct, frozen=True):
    """What sets one channel apart from the others.

    `provider`: the module below agents.providers that delivers it, and its section in faust.yml. `build_renderer`: makes the renderer of a
    template. `build_content`: makes the content of the notification's type and data, where there is no template, or of the type and what a
    template renders to. `parts`: those that a template may have. `find_problem`: why the provider would not take a content for these
    addresses; None if it takes any.
    `is_repeatable`: a message that comes twice replaces the first one at the receiver, or carries the same id.
    `is_limited_per_host`: calls in flight are bounded for each host instead of for the provider's account. `has_receipts`: the provider
    or the app can report deliveries; faust.yml says how long after SENT. `reports_reads`: it can also report that a message was opened or
    clicked. `has_devices`: the addresses of a user are the tokens of the
    user's devices.
    `has_endpoints`: the addresses of a user are also the URLs of the user's webhook endpoints, each for the types that it takes.
    `address_prefix`: a user id with this prefix is itself an address of the channel, and has no profile. `word` names it in a sentence.
    """

    name: ChannelName
    content: type[Content]
    provider: str
    build_renderer: BuildRenderer
    parts: tuple[str, ...]
    build_content: Callable[[str, dict[str, Any]], Content] | None = None
    find_problem: Callable[[Any, Sequence[str]], ContentProblem | None] | None = None
    is_limited_per_host: bool = False
    is_repeatable: bool = False
    has_receipts: bool = False
    reports_reads: bool = False
    has_devices: bool = False
    has_endpoints: bool = False
    address_prefix: str = ""
    word: str = ""


CHANNELS: tuple[Channel, ...] = (
    Channel(
        "email",
        EmailContent,
        "sendgrid",
        build_email_renderer,
        ("subject", "text", "html", "template_id"),
        find_problem=find_email_problem,
        has_receipts=True,
        reports_reads=True,
        word="e-mail",
    ),
    Channel("sms", SmsContent, "twilio", build_sms_renderer, ("text",), find_problem=find_sms_problem, has_receipts=True, word="SMS"),
    Channel(
        "push",
        PushContent,
        "fcm",
        build_push_renderer,
        ("subject", "text", "image", "link", "options"),
        find_problem=find_push_problem,
        has_receipts=True,
        reports_reads=True,
        has_devices=True,
        is_repeatable=True,
        address_prefix=TOPIC_PREFIX,
        word="push",
    ),
    Channel(
        "webhook",
        WebhookContent,
        "webhook",
        build_webhook_renderer,
        ("body",),
        build_content=WebhookContent,
        is_limited_per_host=True,
        is_repeatable=True,
        has_endpoints=True,
        word="webhook",
    ),
)

CHANNEL_NAMES: tuple[ChannelName, ...] = get_args(ChannelName)

_BY_NAME = {channel.name: channel for channel in CHANNELS}


def get_channel(name: ChannelName) -> Channel:
    """The channel with this name."""
    return _BY_NAME[name]
