"""Prints the link with which the first account is made, once, when a gateway starts and there is no account."""

from collections.abc import Callable

from app.auth.password_links import PasswordLinks
from schemas.errors import UnavailableError
from schemas.ports import Sleep

RETRY_DELAY = 5.0  # seconds
TEXT = "There is no account yet. Make the first one, an admin, within 24 hours; the link works once:\n{link}\n"


async def announce_first_admin(links: PasswordLinks, write: Callable[[str], object], sleep: Sleep) -> None:
    """Write the link, which is a secret: to a terminal, not to a log. Waits while PostgreSQL does not answer."""
    while True:
        try:
            link = await links.make_first_admin_link()
        except UnavailableError:
            await sleep(RETRY_DELAY)
            continue
        if link is not None:
            write(TEXT.format(link=link))
        return
