"""The operations on suppressions. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


class Suppressions(Transport):
    """The operations on suppressions."""

    def list_suppressions(
        self,
        *,
        search: str | None = None,
        user_id: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        undone: bool | None = None,
        masked: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SuppressionPage:
        """List suppressions. Newest first, those in force."""
        result: models.SuppressionPage = self.call(
            Request(
                "GET",
                "/v1/suppressions",
                query={
                    "search": search,
                    "user_id": user_id,
                    "channel": channel,
                    "undone": undone,
                    "masked": masked,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.SuppressionPage},
        )
        return result

    def iterate_suppressions(
        self,
        *,
        search: str | None = None,
        user_id: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        undone: bool | None = None,
        masked: bool | None = None,
        limit: int | None = None,
    ) -> Iterator[models.Suppression]:
        """All items of `list_suppressions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_suppressions(
                search=search, user_id=user_id, channel=channel, undone=undone, masked=masked, limit=limit, cursor=cursor
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_suppression(
        self,
        body: models.SuppressionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Suppression:
        """Suppress an address or a user. For all categories or one. A repeated request changes nothing and gets the suppression that is in force."""
        result: models.Suppression = self.call(
            Request(
                "POST",
                "/v1/suppressions",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Suppression, 201: models.Suppression},
        )
        return result

    def get_suppression(self, suppression_id: str, *, masked: bool | None = None) -> models.Suppression:
        """Get a suppression. Also one that is undone."""
        result: models.Suppression = self.call(
            Request("GET", "/v1/suppressions/{suppression_id}", path_values={"suppression_id": suppression_id}, query={"masked": masked}),
            {200: models.Suppression},
        )
        return result

    def undo_suppression(
        self,
        suppression_id: str,
        *,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Suppression:
        """Undo a suppression. It stays in the list with who undid it and when. One that is undone already stays as it is."""
        result: models.Suppression = self.call(
            Request(
                "DELETE",
                "/v1/suppressions/{suppression_id}",
                path_values={"suppression_id": suppression_id},
                query={"reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.Suppression},
        )
        return result


class AsyncSuppressions(AsyncTransport):
    """The operations on suppressions, to await."""

    async def list_suppressions(
        self,
        *,
        search: str | None = None,
        user_id: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        undone: bool | None = None,
        masked: bool | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SuppressionPage:
        """List suppressions. Newest first, those in force."""
        result: models.SuppressionPage = await self.call(
            Request(
                "GET",
                "/v1/suppressions",
                query={
                    "search": search,
                    "user_id": user_id,
                    "channel": channel,
                    "undone": undone,
                    "masked": masked,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.SuppressionPage},
        )
        return result

    async def iterate_suppressions(
        self,
        *,
        search: str | None = None,
        user_id: str | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        undone: bool | None = None,
        masked: bool | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.Suppression]:
        """All items of `list_suppressions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_suppressions(
                search=search, user_id=user_id, channel=channel, undone=undone, masked=masked, limit=limit, cursor=cursor
            )
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_suppression(
        self,
        body: models.SuppressionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Suppression:
        """Suppress an address or a user. For all categories or one. A repeated request changes nothing and gets the suppression that is in force."""
        result: models.Suppression = await self.call(
            Request(
                "POST",
                "/v1/suppressions",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Suppression, 201: models.Suppression},
        )
        return result

    async def get_suppression(self, suppression_id: str, *, masked: bool | None = None) -> models.Suppression:
        """Get a suppression. Also one that is undone."""
        result: models.Suppression = await self.call(
            Request("GET", "/v1/suppressions/{suppression_id}", path_values={"suppression_id": suppression_id}, query={"masked": masked}),
            {200: models.Suppression},
        )
        return result

    async def undo_suppression(
        self,
        suppression_id: str,
        *,
        reason: str | None = None,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
    ) -> models.Suppression:
        """Undo a suppression. It stays in the list with who undid it and when. One that is undone already stays as it is."""
        result: models.Suppression = await self.call(
            Request(
                "DELETE",
                "/v1/suppressions/{suppression_id}",
                path_values={"suppression_id": suppression_id},
                query={"reason": reason},
                headers={"Herold-Actor": actor, "Herold-Source": source},
            ),
            {200: models.Suppression},
        )
        return result
