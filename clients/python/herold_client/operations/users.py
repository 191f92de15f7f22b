"""The operations on users. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport, make_key


class Users(Transport):
    """The operations on users."""

    def list_users(
        self, *, search: str | None = None, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.UserPage:
        """List users. In the order of ids: all users, or those whose id begins with the text or who have it as an address. Masked without users:unmask."""
        result: models.UserPage = self.call(
            Request("GET", "/v1/users", query={"search": search, "masked": masked, "limit": limit, "cursor": cursor}),
            {200: models.UserPage},
        )
        return result

    def iterate_users(self, *, search: str | None = None, masked: bool | None = None, limit: int | None = None) -> Iterator[models.User]:
        """All items of `list_users`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_users(search=search, masked=masked, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_user(self, user_id: str, *, masked: bool | None = None) -> models.User:
        """Get a user. The ETag is the version of the user with devices and preferences. Addresses and attributes are masked without users:unmask."""
        result: models.User = self.call(
            Request("GET", "/v1/users/{user_id}", path_values={"user_id": user_id}, query={"masked": masked}), {200: models.User}
        )
        return result

    def put_user(
        self,
        user_id: str,
        body: models.UserChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.User:
        """Create or replace a user. Creates a user who does not exist. One who exists is replaced, for which If-Match is needed; what is left out is empty then."""
        result: models.User = self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.User, 201: models.User},
        )
        return result

    def delete_user(
        self,
        user_id: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a user. Deletes the user with devices and preferences; each preference has a consent event. Suppressions and consent events stay."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def change_user(
        self,
        user_id: str,
        body: models.UserChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.User:
        """Change a user. Changes the fields of the body; each replaces the stored one as a whole. Needs If-Match."""
        result: models.User = self.call(
            Request(
                "PATCH",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.User},
        )
        return result

    def get_user_counts(self, user_id: str, *, first: str | None = None, last: str | None = None) -> models.UserCountsResponse:
        """Count what a user was sent. The messages that the providers of each channel accepted, by the day (UTC) of the attempt; a redrive that is sent counts again."""
        result: models.UserCountsResponse = self.call(
            Request("GET", "/v1/users/{user_id}/counts", path_values={"user_id": user_id}, query={"first": first, "last": last}),
            {200: models.UserCountsResponse},
        )
        return result

    def list_devices(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.DevicePage:
        """List a user's devices. In the order of tokens, sealed ones in that of hashes. Push messages go to the twenty that were updated last.

        Without users:unmask the first page, with hashes."""
        result: models.DevicePage = self.call(
            Request(
                "GET",
                "/v1/users/{user_id}/devices",
                path_values={"user_id": user_id},
                query={"masked": masked, "limit": limit, "cursor": cursor},
            ),
            {200: models.DevicePage},
        )
        return result

    def iterate_devices(self, user_id: str, *, masked: bool | None = None, limit: int | None = None) -> Iterator[models.Device]:
        """All items of `list_devices`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_devices(user_id, masked=masked, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def put_device(
        self,
        user_id: str,
        token: str,
        body: models.DeviceChange,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Device:
        """Create or change a device. Without If-Match, so that an app can register its token at each start; what is left out stays as it is."""
        result: models.Device = self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}/devices/{token}",
                path_values={"user_id": user_id, "token": token},
                headers={"Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Device, 201: models.Device},
        )
        return result

    def delete_device(
        self,
        user_id: str,
        token: str,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a device. No push message goes to it any more."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}/devices/{token}",
                path_values={"user_id": user_id, "token": token},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    def erase_user(
        self,
        user_id: str,
        body: models.ErasureRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Erasure:
        """Erase a user. Destroys the keys of the user and deletes the rows. Of suppressed addresses a hash stays, so that nothing is sent to them again."""
        result: models.Erasure = self.call(
            Request(
                "POST",
                "/v1/users/{user_id}/erasure",
                path_values={"user_id": user_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Erasure},
        )
        return result

    def export_user(self, user_id: str) -> models.UserExport:
        """Export a user. All that is stored of the user, also of one whose row was deleted; without masks. The texts of messages are not stored."""
        result: models.UserExport = self.call(
            Request("GET", "/v1/users/{user_id}/export", path_values={"user_id": user_id}), {200: models.UserExport}
        )
        return result

    def reset_rate_windows(
        self,
        user_id: str,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.WindowResetResponse:
        """Empty the rate windows of a user. What was sent does not count any more. The worker to which the user is assigned removes the rows, between two of its batches."""
        result: models.WindowResetResponse = self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}/rate-windows",
                path_values={"user_id": user_id},
                query={"channel": channel, "reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.WindowResetResponse},
        )
        return result

    def get_user_state(self, user_id: str) -> models.UserStateResponse:
        """Get the live state of a user. Each rate window, idempotency key, open digest and held entry, from the tables of the workers that have the user's partition."""
        result: models.UserStateResponse = self.call(
            Request("GET", "/v1/users/{user_id}/state", path_values={"user_id": user_id}), {200: models.UserStateResponse}
        )
        return result


class AsyncUsers(AsyncTransport):
    """The operations on users, to await."""

    async def list_users(
        self, *, search: str | None = None, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.UserPage:
        """List users. In the order of ids: all users, or those whose id begins with the text or who have it as an address. Masked without users:unmask."""
        result: models.UserPage = await self.call(
            Request("GET", "/v1/users", query={"search": search, "masked": masked, "limit": limit, "cursor": cursor}),
            {200: models.UserPage},
        )
        return result

    async def iterate_users(
        self, *, search: str | None = None, masked: bool | None = None, limit: int | None = None
    ) -> AsyncIterator[models.User]:
        """All items of `list_users`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_users(search=search, masked=masked, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_user(self, user_id: str, *, masked: bool | None = None) -> models.User:
        """Get a user. The ETag is the version of the user with devices and preferences. Addresses and attributes are masked without users:unmask."""
        result: models.User = await self.call(
            Request("GET", "/v1/users/{user_id}", path_values={"user_id": user_id}, query={"masked": masked}), {200: models.User}
        )
        return result

    async def put_user(
        self,
        user_id: str,
        body: models.UserChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.User:
        """Create or replace a user. Creates a user who does not exist. One who exists is replaced, for which If-Match is needed; what is left out is empty then."""
        result: models.User = await self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.User, 201: models.User},
        )
        return result

    async def delete_user(
        self,
        user_id: str,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a user. Deletes the user with devices and preferences; each preference has a consent event. Suppressions and consent events stay."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def change_user(
        self,
        user_id: str,
        body: models.UserChange,
        *,
        if_match: int | str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.User:
        """Change a user. Changes the fields of the body; each replaces the stored one as a whole. Needs If-Match."""
        result: models.User = await self.call(
            Request(
                "PATCH",
                "/v1/users/{user_id}",
                path_values={"user_id": user_id},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.User},
        )
        return result

    async def get_user_counts(self, user_id: str, *, first: str | None = None, last: str | None = None) -> models.UserCountsResponse:
        """Count what a user was sent. The messages that the providers of each channel accepted, by the day (UTC) of the attempt; a redrive that is sent counts again."""
        result: models.UserCountsResponse = await self.call(
            Request("GET", "/v1/users/{user_id}/counts", path_values={"user_id": user_id}, query={"first": first, "last": last}),
            {200: models.UserCountsResponse},
        )
        return result

    async def list_devices(
        self, user_id: str, *, masked: bool | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.DevicePage:
        """List a user's devices. In the order of tokens, sealed ones in that of hashes. Push messages go to the twenty that were updated last.

        Without users:unmask the first page, with hashes."""
        result: models.DevicePage = await self.call(
            Request(
                "GET",
                "/v1/users/{user_id}/devices",
                path_values={"user_id": user_id},
                query={"masked": masked, "limit": limit, "cursor": cursor},
            ),
            {200: models.DevicePage},
        )
        return result

    async def iterate_devices(self, user_id: str, *, masked: bool | None = None, limit: int | None = None) -> AsyncIterator[models.Device]:
        """All items of `list_devices`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_devices(user_id, masked=masked, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def put_device(
        self,
        user_id: str,
        token: str,
        body: models.DeviceChange,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Device:
        """Create or change a device. Without If-Match, so that an app can register its token at each start; what is left out stays as it is."""
        result: models.Device = await self.call(
            Request(
                "PUT",
                "/v1/users/{user_id}/devices/{token}",
                path_values={"user_id": user_id, "token": token},
                headers={"Herold-Actor": actor, "Herold-Source": source},
                body=encode_body(body),
            ),
            {200: models.Device, 201: models.Device},
        )
        return result

    async def delete_device(
        self,
        user_id: str,
        token: str,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> None:
        """Delete a device. No push message goes to it any more."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}/devices/{token}",
                path_values={"user_id": user_id, "token": token},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {204: None},
        )
        return result

    async def erase_user(
        self,
        user_id: str,
        body: models.ErasureRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Erasure:
        """Erase a user. Destroys the keys of the user and deletes the rows. Of suppressed addresses a hash stays, so that nothing is sent to them again."""
        result: models.Erasure = await self.call(
            Request(
                "POST",
                "/v1/users/{user_id}/erasure",
                path_values={"user_id": user_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Erasure},
        )
        return result

    async def export_user(self, user_id: str) -> models.UserExport:
        """Export a user. All that is stored of the user, also of one whose row was deleted; without masks. The texts of messages are not stored."""
        result: models.UserExport = await self.call(
            Request("GET", "/v1/users/{user_id}/export", path_values={"user_id": user_id}), {200: models.UserExport}
        )
        return result

    async def reset_rate_windows(
        self,
        user_id: str,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.WindowResetResponse:
        """Empty the rate windows of a user. What was sent does not count any more. The worker to which the user is assigned removes the rows, between two of its batches."""
        result: models.WindowResetResponse = await self.call(
            Request(
                "DELETE",
                "/v1/users/{user_id}/rate-windows",
                path_values={"user_id": user_id},
                query={"channel": channel, "reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.WindowResetResponse},
        )
        return result

    async def get_user_state(self, user_id: str) -> models.UserStateResponse:
        """Get the live state of a user. Each rate window, idempotency key, open digest and held entry, from the tables of the workers that have the user's partition."""
        result: models.UserStateResponse = await self.call(
            Request("GET", "/v1/users/{user_id}/state", path_values={"user_id": user_id}), {200: models.UserStateResponse}
        )
        return result
