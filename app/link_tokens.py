"""The tokens of links by the settings of a process."""

import os
from collections.abc import Callable

from agents.providers.request import parse_base_url
from app.settings import LinksSection
from schemas.addresses import InvalidAddress, normalize_email
from schemas.errors import SettingError
from schemas.link_tokens import MIN_SECRET_BYTES, LinkTokens, decode_secrets
from schemas.message_links import LinkBuilder


def build_link_tokens(section: LinksSection) -> LinkTokens | None:
    """What signs and verifies tokens; None without `links.base_url`. Raises SettingError for a URL or secret that cannot be used."""
    if not section.base_url:
        return None
    try:
        parse_base_url(section.base_url)
    except ValueError as error:
        raise SettingError("links.base_url", str(error)) from None
    try:
        return LinkTokens(decode_secrets(section.secret))
    except ValueError as error:
        raise SettingError("links.secret", f"{error}; or leave links.base_url empty") from None


def build_link_builder(section: LinksSection) -> LinkBuilder | None:
    """What builds the links of messages; None without `links.base_url`. Raises SettingError as build_link_tokens does."""
    tokens = build_link_tokens(section)
    return None if tokens is None else LinkBuilder(tokens, section.base_url, _normalize_mailbox(section))


def build_sample_links(section: LinksSection, read_random: Callable[[int], bytes] = os.urandom) -> LinkBuilder | None:
    """What builds links for a preview: as long as those of messages, and signed with a secret that nobody knows, so that none works."""
    if not section.base_url:
        return None
    return LinkBuilder(LinkTokens([read_random(MIN_SECRET_BYTES)]), section.base_url, _normalize_mailbox(section))


def _normalize_mailbox(section: LinksSection) -> str:
    mailbox = normalize_email(section.unsubscribe_mailbox) if section.unsubscribe_mailbox else ""
    if isinstance(mailbox, InvalidAddress):
        raise SettingError("links.unsubscribe_mailbox", mailbox.problem)
    return mailbox
