"""What a message has beside what its template renders: links, and for e-mails the options of rule and template, and attachments."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agents.router.templates.link_variables import NO_LINKS, SAMPLE_LINKS, LinkSource
from schemas.channels import ChannelName
from schemas.content import Content, EmailContent
from schemas.email_options import EmailOptions
from schemas.message_links import MessageLinks
from schemas.notification import Notification


class MessageExtras(Struct, gc=False):
    """What the messages of one notification have; without `links`, templates have the default ones."""

    links: LinkSource | None = None
    email_options: EmailOptions | None = None
    default_links: Mapping[str, Any] = NO_LINKS


NO_EXTRAS: Final = MessageExtras()
SAMPLE_EXTRAS: Final = MessageExtras(default_links=SAMPLE_LINKS)
"""What stands in a preview."""


def build_links(extras: MessageExtras, channel: ChannelName, uses_links: bool) -> MessageLinks | None:
    """The signed links of a message, if its template prints one, or its header has one."""
    links = extras.links
    if links is None or not (uses_links or (links.is_optional and channel == "email")):
        return None
    return links.build_links(channel)


def build_link_variables(extras: MessageExtras, links: MessageLinks | None) -> Mapping[str, Any]:
    """The links as variables."""
    return extras.links.build_variables(links) if extras.links and links else extras.default_links


def complete_email(content: EmailContent, extras: MessageExtras, links: MessageLinks | None, notification: Notification) -> Content:
    """The e-mail with its header, options and attachments; most have none of them, which costs nothing."""
    if links and extras.links and extras.links.is_optional:
        content = replace(content, list_unsubscribe=links.list_unsubscribe)
    if extras.email_options is not None:
        content = replace(content, options=extras.email_options)
    return replace(content, attachments=notification.attachments) if notification.attachments else content
