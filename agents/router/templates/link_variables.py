"""The links of one message on one channel, as variables of its template and as a header of an e-mail."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from schemas.channels import ChannelName
from schemas.message_links import PREFERENCES_URL, UNSUBSCRIBE_URL, LinkBuilder, LinkTarget, MessageLinks

NO_LINKS: Final[Mapping[str, Any]] = MappingProxyType({UNSUBSCRIBE_URL: "", PREFERENCES_URL: ""})


class LinkSource(Struct, gc=False):
    """Signs the links of a message when they are needed: most templates print none. `is_optional`: the user may opt out of the message."""

    builder: LinkBuilder
    user_id: str
    category: str
    notification_id: str
    is_optional: bool

    def build_links(self, channel: ChannelName) -> MessageLinks:
        """The links for a channel."""
        return self.builder.build(LinkTarget(self.user_id, self.category, channel, self.notification_id))

    def build_variables(self, links: MessageLinks) -> Mapping[str, Any]:
        """The variables; the link to unsubscribe is empty in a message that the user cannot opt out of."""
        return {UNSUBSCRIBE_URL: links.unsubscribe_url if self.is_optional else "", PREFERENCES_URL: links.preferences_url}


SAMPLE_LINKS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        UNSUBSCRIBE_URL: "https://notifications.example.org/u/sample",
        PREFERENCES_URL: "https://notifications.example.org/u/sample/preferences",
    }
)
"""What a preview shows in the place of links."""
