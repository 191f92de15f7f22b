"""The links of messages as an operator builds them, with the secret of the settings or of the running stack."""

from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError
from app.link_tokens import build_link_builder
from schemas.channels import ChannelName
from schemas.errors import SettingError
from schemas.message_links import LinkTarget, MessageLinks

SOURCE = "command line"  # where another link has the id of its notification; it is shown in the history of consent


def build_links(user_id: str, category: str, channel: ChannelName) -> MessageLinks:
    """The links for a user. Raises CommandError without links in the settings."""
    try:
        builder = build_link_builder(load_connection_profile().links)
    except SettingError as error:
        raise CommandError(str(error), "set HEROLD_LINKS_BASE_URL and HEROLD_LINKS_SECRET to those of the router") from None
    if builder is None:
        raise CommandError("there are no links", "set HEROLD_LINKS_BASE_URL and HEROLD_LINKS_SECRET to those of the router")
    return builder.build(LinkTarget(user_id, category, channel, SOURCE))
