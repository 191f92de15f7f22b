"""The link that each run of the stack prints, so that whoever started it is in the dashboard with one click."""

from app.admin.login_links import open_login_links
from app.auth.login_links import LOGIN_LINK_SECONDS, LoginLinks
from app.settings import Settings
from schemas.errors import NoLinkError, UnavailableError
from schemas.users import ChangeOrigin

ORIGIN = ChangeOrigin("cli", "herold up")


async def describe_dashboard_link(settings: Settings) -> str:
    """The line with a link that makes the first account, or logs in to the first admin. It is a secret: for a terminal, and no log."""
    try:
        async with open_login_links(settings.postgres.url, settings.auth.public_url or settings.links.base_url) as links:
            return await _describe(links)
    except (NoLinkError, UnavailableError) as error:
        return f"no link to log in: {error}"


async def _describe(links: LoginLinks) -> str:
    first = await links.make_first_admin_link()
    if first is not None:
        return f"make the first account, once within 24 hours: {first.url}"
    link = await links.make_login_link(ORIGIN)
    return f"log in as {link.email}, once within {LOGIN_LINK_SECONDS / 60:.0f} minutes: {link.url}"
