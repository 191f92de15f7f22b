"""Opens what makes links into the dashboard, for a command that may write to the database."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.auth.login_links import DashboardLink, LoginLinks
from app.ordered_ids import OrderedIds
from schemas.users import ChangeOrigin
from tables.postgres.accounts import AccountStore
from tables.postgres.credentials import CredentialStore
from tables.postgres.database import open_database

ID_BITS = 74


@asynccontextmanager
async def open_login_links(database_url: str, public_url: str) -> AsyncIterator[LoginLinks]:
    """What makes links to the gateway at `public_url`, while the connection is open."""
    make_id = OrderedIds(time.time, lambda: secrets.randbits(ID_BITS))
    async with open_database(database_url) as database:
        yield LoginLinks(AccountStore(database, make_id), CredentialStore(database, make_id), public_url, secrets.token_urlsafe)


async def make_login_link(database_url: str, public_url: str, origin: ChangeOrigin, email: str = "") -> DashboardLink:
    """A link that logs in to an account once (LoginLinks.make_login_link). Raises NoLinkError, and UnavailableError."""
    async with open_login_links(database_url, public_url) as links:
        return await links.make_login_link(origin, email)
