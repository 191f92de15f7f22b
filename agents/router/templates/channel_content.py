"""The content of a notification on one channel: rendered, checked against what the provider takes, and encoded.

The router uses it, and the gateway at submission.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from agents.router.templates.cache import TEMPLATE_ERROR, UNKNOWN_TEMPLATE, TemplateCache, TemplateFailure, render
from agents.router.templates.message_extras import NO_EXTRAS, MessageExtras, build_link_variables, build_links, complete_email
from schemas.attachments import count_encoded_bytes
from schemas.channels import CHANNELS, ChannelName
from schemas.content import MAX_CONTENT_BYTES, Content, EmailContent, PushContent, WebhookContent
from schemas.notification import Notification
from schemas.policy import Rule
from schemas.push_options import merge_options

CONTENT_TOO_LARGE: Final = "content_too_large"
INVALID_VARIABLES: Final = "invalid_variables"

_CONTENT_BUILDERS = {channel.name: channel.build_content for channel in CHANNELS if channel.build_content is not None}
_PROBLEM_FINDERS = {channel.name: channel.find_problem for channel in CHANNELS if channel.find_problem is not None}
_encode = msgspec.json.Encoder().encode


def select_template(notification: Notification, rule: Rule) -> str:
    """The template's name: the notification's, the rule's, or the type."""
    return notification.template or rule.template or notification.type


def build_content(
    templates: TemplateCache,
    name: str,
    channel: ChannelName,
    locale: str,
    notification: Notification,
    addresses: Sequence[str],
    zone: str = "",
    extras: MessageExtras = NO_EXTRAS,
) -> tuple[bytes, str] | TemplateFailure:
    """The content as JSON, as it stands in the delivery, and the label of its template; or why there is none.

    `locale` and `zone` are the user's; an empty zone is UTC.
    """
    template, build = templates.get(name, channel, locale), _CONTENT_BUILDERS.get(channel)
    if isinstance(template, TemplateFailure):
        if build is None or template.reason != UNKNOWN_TEMPLATE:
            return template
        return _check_and_encode(build(notification.type, notification.data), channel, "data", addresses)
    links = build_links(extras, channel, template.uses_links)
    data: Mapping[str, Any] = notification.data
    if template.uses_links:
        data = {**build_link_variables(extras, links), **data}
    content = render(template, channel, data, locale, zone)
    if isinstance(content, TemplateFailure):
        return content
    if isinstance(content, EmailContent):
        content = complete_email(content, extras, links, notification)
    elif notification.push is not None and isinstance(content, PushContent):
        content = replace(content, options=merge_options(content.options, notification.push))
    elif build is not None and isinstance(content, WebhookContent):
        content = build(notification.type, content.data)
    return _check_and_encode(content, channel, template.label, addresses)


def _check_and_encode(content: Any, channel: ChannelName, label: str, addresses: Sequence[str]) -> tuple[bytes, str] | TemplateFailure:
    find_problem = _PROBLEM_FINDERS.get(channel)
    if find_problem is not None and (problem := find_problem(content, addresses)) is not None:
        return TemplateFailure(problem.reason, f"template {label} for {channel}: {problem.text}")
    try:
        encoded = _encode(content)
    except UnicodeEncodeError:  # an expression can give half a surrogate pair
        return TemplateFailure(TEMPLATE_ERROR, f"template {label} for {channel}: it renders to half a surrogate pair")
    if len(encoded) > MAX_CONTENT_BYTES and len(encoded) > MAX_CONTENT_BYTES + _count_file_bytes(content):
        return TemplateFailure(CONTENT_TOO_LARGE, f"{channel} content of {len(encoded)} bytes is larger than {MAX_CONTENT_BYTES}")
    return encoded, label


def _count_file_bytes(content: Content) -> int:
    """The bytes of attachments, which have a limit of their own."""
    return count_encoded_bytes(content.attachments) if isinstance(content, EmailContent) else 0
