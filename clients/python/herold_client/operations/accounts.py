"""The operations on accounts. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Accounts(Transport):
    """The operations on accounts."""

    def list_accounts(
        self,
        *,
        role: models.Role | None = None,
        state: Literal["active", "disabled"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.AccountPage:
        """List accounts. In the order of their creation."""
        result: models.AccountPage = self.call(
            Request("GET", "/v1/accounts", query={"role": role, "state": state, "search": search, "limit": limit, "cursor": cursor}),
            {200: models.AccountPage},
        )
        return result

    def iterate_accounts(
        self,
        *,
        role: models.Role | None = None,
        state: Literal["active", "disabled"] | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.Account]:
        """All items of `list_accounts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_accounts(role=role, state=state, search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_account(self, body: models.AccountRequest, *, idempotency_key: str | None = None) -> models.Account:
        """Create an account. The account has no password. Its person gets an e-mail with a link to choose one, unless `notify` is false."""
        result: models.Account = self.call(
            Request("POST", "/v1/accounts", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {201: models.Account},
        )
        return result

    def get_account(self, account_id: str) -> models.Account:
        """Get an account. The ETag is the version."""
        result: models.Account = self.call(
            Request("GET", "/v1/accounts/{account_id}", path_values={"account_id": account_id}), {200: models.Account}
        )
        return result

    def delete_account(self, account_id: str, *, if_match: int | str | None = None) -> None:
        """Delete an account. With its sessions, passkeys and codes. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/accounts/{account_id}",
                path_values={"account_id": account_id},
                headers={"If-Match": format_version(if_match)},
            ),
            {204: None},
        )
        return result

    def change_account(self, account_id: str, body: models.AccountChange, *, if_match: int | str | None = None) -> models.Account:
        """Change an account. A new role counts within 30 s. The state `disabled` ends all sessions. Needs If-Match."""
        result: models.Account = self.call(
            Request(
                "PATCH",
                "/v1/accounts/{account_id}",
                path_values={"account_id": account_id},
                headers={"If-Match": format_version(if_match)},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    def reset_account_second_factor(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.Account:
        """Remove the authenticator app of an account. For who has lost both the app and the recovery codes; passkeys stay."""
        result: models.Account = self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/reset-second-factor",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    def revoke_account_sessions(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.Account:
        """End all sessions of an account. Its access tokens end within 30 s."""
        result: models.Account = self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/revoke-sessions",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    def send_account_link(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.AcceptedResponse:
        """Send a link to choose a password. By e-mail, to the person of the account."""
        result: models.AcceptedResponse = self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/send-link",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {202: models.AcceptedResponse},
        )
        return result


class AsyncAccounts(AsyncTransport):
    """The operations on accounts, to await."""

    async def list_accounts(
        self,
        *,
        role: models.Role | None = None,
        state: Literal["active", "disabled"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.AccountPage:
        """List accounts. In the order of their creation."""
        result: models.AccountPage = await self.call(
            Request("GET", "/v1/accounts", query={"role": role, "state": state, "search": search, "limit": limit, "cursor": cursor}),
            {200: models.AccountPage},
        )
        return result

    async def iterate_accounts(
        self,
        *,
        role: models.Role | None = None,
        state: Literal["active", "disabled"] | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.Account]:
        """All items of `list_accounts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_accounts(role=role, state=state, search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_account(self, body: models.AccountRequest, *, idempotency_key: str | None = None) -> models.Account:
        """Create an account. The account has no password. Its person gets an e-mail with a link to choose one, unless `notify` is false."""
        result: models.Account = await self.call(
            Request("POST", "/v1/accounts", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {201: models.Account},
        )
        return result

    async def get_account(self, account_id: str) -> models.Account:
        """Get an account. The ETag is the version."""
        result: models.Account = await self.call(
            Request("GET", "/v1/accounts/{account_id}", path_values={"account_id": account_id}), {200: models.Account}
        )
        return result

    async def delete_account(self, account_id: str, *, if_match: int | str | None = None) -> None:
        """Delete an account. With its sessions, passkeys and codes. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/accounts/{account_id}",
                path_values={"account_id": account_id},
                headers={"If-Match": format_version(if_match)},
            ),
            {204: None},
        )
        return result

    async def change_account(self, account_id: str, body: models.AccountChange, *, if_match: int | str | None = None) -> models.Account:
        """Change an account. A new role counts within 30 s. The state `disabled` ends all sessions. Needs If-Match."""
        result: models.Account = await self.call(
            Request(
                "PATCH",
                "/v1/accounts/{account_id}",
                path_values={"account_id": account_id},
                headers={"If-Match": format_version(if_match)},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    async def reset_account_second_factor(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.Account:
        """Remove the authenticator app of an account. For who has lost both the app and the recovery codes; passkeys stay."""
        result: models.Account = await self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/reset-second-factor",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    async def revoke_account_sessions(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.Account:
        """End all sessions of an account. Its access tokens end within 30 s."""
        result: models.Account = await self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/revoke-sessions",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Account},
        )
        return result

    async def send_account_link(
        self, account_id: str, body: models.AccountActionBody, *, idempotency_key: str | None = None
    ) -> models.AcceptedResponse:
        """Send a link to choose a password. By e-mail, to the person of the account."""
        result: models.AcceptedResponse = await self.call(
            Request(
                "POST",
                "/v1/accounts/{account_id}/send-link",
                path_values={"account_id": account_id},
                headers={"Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {202: models.AcceptedResponse},
        )
        return result
