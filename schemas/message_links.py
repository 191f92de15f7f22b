"""The links of a message with which its user unsubscribes or chooses preferences without a login, and what their token says."""

from typing import Final, NamedTuple
from urllib.parse import quote

from schemas.channels import CHANNEL_NAMES, ChannelName
from schemas.link_tokens import LinkTokens

UNSUBSCRIBE_URL: Final = "unsubscribe_url"
PREFERENCES_URL: Final = "preferences_url"
LINK_VARIABLES: Final = frozenset({UNSUBSCRIBE_URL, PREFERENCES_URL})
"""The variables that every template has; data of the same name comes first."""

UNSUBSCRIBE_PATH: Final = "/u/"
PREFERENCES_PATH: Final = "/preferences"
MAX_HEADER_CHARACTERS = 900  # a line of a message has at most 998 (RFC 5322, 2.1.1), and the header's name is in it, too


class LinkTarget(NamedTuple):
    """Whom a link is for, and from what it unsubscribes: the category on the channel. The notification says where it came from."""

    user_id: str
    category: str
    channel: ChannelName
    notification_id: str


class MessageLinks(NamedTuple):
    """The two URLs, and the value of the header List-Unsubscribe (RFC 2369, 3.2); empty if the user id is too long for a line."""

    unsubscribe_url: str
    preferences_url: str
    list_unsubscribe: str


class LinkBuilder:
    """Builds the links of messages: `base_url` is that of the gateway; `mailbox`, if it is not empty, an address that takes requests."""

    def __init__(self, tokens: LinkTokens, base_url: str, mailbox: str = "") -> None:
        self._tokens, self._mailbox = tokens, quote(mailbox, safe="@+")
        self._prefix = base_url.rstrip("/") + UNSUBSCRIBE_PATH

    def build(self, target: LinkTarget) -> MessageLinks:
        """The links for a target, always the same."""
        token = self._tokens.sign("unsubscribe", *target)
        url = self._prefix + token
        header = f"<{url}>"
        if self._mailbox and len(header) + len(token) + len(self._mailbox) < MAX_HEADER_CHARACTERS:
            header = f"{header}, <mailto:{self._mailbox}?subject={token}>"
        return MessageLinks(url, url + PREFERENCES_PATH, header if len(header) < MAX_HEADER_CHARACTERS else "")


def read_target(tokens: LinkTokens, token: str) -> LinkTarget | None:
    """What a token is for; None for one that was not signed with one of the secrets."""
    match tokens.verify("unsubscribe", token):
        case [user_id, category, channel, notification_id] if channel in CHANNEL_NAMES:
            return LinkTarget(user_id, category, channel, notification_id)
    return None
