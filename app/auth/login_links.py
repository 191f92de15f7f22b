"""Links that lead into the dashboard once, for whoever may write to the database: to make the first account, or to log in to one."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple
from urllib.parse import quote

from app.auth.password_links import FIRST_ADMIN_SECONDS, LINK_BYTES, PAGE_PATH
from app.auth.refresh_tokens import hash_token
from schemas.accounts import Account
from schemas.errors import NoLinkError
from schemas.permissions import Role
from schemas.users import ChangeOrigin
from tables.postgres.accounts import AccountStore
from tables.postgres.credentials import CredentialStore

LOGIN_LINK_SECONDS = 600.0
MAX_ADMINS = 50  # that are looked at for one to log in


class DashboardLink(NamedTuple):
    """A link that works once; `email` is that of the account that it logs in to, empty if it makes the first one."""

    purpose: Literal["first_admin", "login"]
    url: str
    email: str = ""


class LoginLinks:
    """Makes links; `read_text` returns a new random text that may stand in a URL (secrets.token_urlsafe).

    A link takes the place of the password, not that of the second factor: there is none for an account with an authenticator app.
    """

    def __init__(self, accounts: AccountStore, credentials: CredentialStore, public_url: str, read_text: Callable[[int], str]) -> None:
        self._accounts, self._credentials = accounts, credentials
        self._public_url, self._read_text = public_url, read_text

    async def make_first_admin_link(self) -> DashboardLink | None:
        """The link with which the first account is made, in the place of earlier ones; None if there is an account.

        Raises UnavailableError.
        """
        token = self._read_text(LINK_BYTES)
        if not await self._credentials.replace_first_admin_link(hash_token(token), FIRST_ADMIN_SECONDS):
            return None
        return DashboardLink("first_admin", self._build_url("first-admin", token))

    async def make_login_link(self, origin: ChangeOrigin, email: str = "") -> DashboardLink:
        """A link that logs in to the account with this address, without one to the first admin, for ten minutes.

        Raises NoLinkError, and UnavailableError.
        """
        account, token = await self._find_account(email), self._read_text(LINK_BYTES)
        await self._credentials.add_login_link(hash_token(token), account.id, LOGIN_LINK_SECONDS, origin)
        return DashboardLink("login", self._build_url("login", token), account.email)

    async def _find_account(self, email: str) -> Account:
        if email:
            found = await self._accounts.list_accounts(MAX_ADMINS, "", None, None, email)
            return select_account([one for one in found if one.email.lower() == email.lower()], f"with the address {email}")
        return select_account(await self._accounts.list_accounts(MAX_ADMINS, "", Role.ADMIN, None, ""), "of an admin")

    def _build_url(self, page: str, token: str) -> str:
        return f"{self._public_url.rstrip('/')}{PAGE_PATH}{page}/{quote(token, safe='')}"


def select_account(accounts: Iterable[Account], which: str) -> Account:
    """The first account that a link may log in to. Raises NoLinkError, which says why there is none."""
    accounts = list(accounts)
    for account in accounts:
        if account.state == "active" and not account.has_totp:
            return account
    if any(account.state == "active" for account in accounts):
        raise NoLinkError(f"the account {which} has an authenticator app, which a link does not replace: log in with password and code")
    raise NoLinkError(f"there is no active account {which}")
