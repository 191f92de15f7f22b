"""The content of a notification on one channel: rendered, checked against what the provider takes, and encoded.

The router uses it, and the gateway at submission.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from agents.router.templates.cache import TEMPLATE_ERROR, UNKNOWN_TEMPLATE, TemplateCache, TemplateFailure, render
from agents.router.templates.link_variables import NO_LINKS, LinkSource
from schemas.channels import CHANNELS, ChannelName
from schemas.content import MAX_CONTENT_BYTES, EmailContent, WebhookContent
from schemas.notification import Notification
from schemas.policy import Rule

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
    links: LinkSource | None = None,
    default_links: Mapping[str, Any] = NO_LINKS,
) -> tuple[bytes, str] | TemplateFailure:
    """The content as JSON, as it stands in the delivery, and the label of its template; or why there is none.

    `locale` and `zone` are the user's; an empty zone is UTC. Without `links` the template has the default ones.
    """
    template, build = templates.get(name, channel, locale), _CONTENT_BUILDERS.get(channel)
    if isinstance(template, TemplateFailure):
        if build is None or template.reason != UNKNOWN_TEMPLATE:
            return template
        return _check_and_encode(build(notification.type, notification.data), channel, "data", addresses)
    message_links = links.build_links(channel) if links and (template.uses_links or (links.is_optional and channel == "email")) else None
    data: Mapping[str, Any] = notification.data
    if template.uses_links:
        data = {**(links.build_variables(message_links) if links and message_links else default_links), **data}
    content = render(template, channel, data, locale, zone)
    if isinstance(content, TemplateFailure):
        return content
    if message_links and links and links.is_optional and isinstance(content, EmailContent):
        content = replace(content, list_unsubscribe=message_links.list_unsubscribe)
    if build is not None and isinstance(content, WebhookContent):
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
    if len(encoded) > MAX_CONTENT_BYTES:
        return TemplateFailure(CONTENT_TOO_LARGE, f"{channel} content of {len(encoded)} bytes is larger than {MAX_CONTENT_BYTES}")
    return encoded, label
