"""The tokens of links by the settings of a process."""

from agents.providers.request import parse_base_url
from app.settings import LinksSection
from schemas.addresses import InvalidAddress, normalize_email
from schemas.errors import SettingError
from schemas.link_tokens import LinkTokens, decode_secrets
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
    if tokens is None:
        return None
    mailbox = normalize_email(section.unsubscribe_mailbox) if section.unsubscribe_mailbox else ""
    if isinstance(mailbox, InvalidAddress):
        raise SettingError("links.unsubscribe_mailbox", mailbox.problem)
    return LinkBuilder(tokens, section.base_url, mailbox)
