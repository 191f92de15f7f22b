"""The operations on broadcasts. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


class Broadcasts(Transport):
    """The operations on broadcasts."""

    def list_broadcasts(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        audience: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.BroadcastPage:
        """List broadcasts. Newest first."""
        result: models.BroadcastPage = self.call(
            Request(
                "GET", "/v1/broadcasts", query={"state": state, "audience": audience, "search": search, "limit": limit, "cursor": cursor}
            ),
            {200: models.BroadcastPage},
        )
        return result

    def iterate_broadcasts(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        audience: str | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.Broadcast]:
        """All items of `list_broadcasts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_broadcasts(state=state, audience=audience, search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def create_broadcast(
        self,
        body: models.BroadcastRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.RecipientPreview | models.Broadcast:
        """Start a broadcast. A worker of the scheduler begins within a second. With `preview` it is checked and counted, and nothing is sent."""
        result: models.RecipientPreview | models.Broadcast = self.call(
            Request(
                "POST",
                "/v1/broadcasts",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.RecipientPreview, 201: models.Broadcast},
        )
        return result

    def get_broadcast(self, broadcast_id: str) -> models.Broadcast:
        """Get a broadcast. With its progress: `expanded_count` of `total_count` users, and what became of them as of `counts.counted_at`."""
        result: models.Broadcast = self.call(
            Request("GET", "/v1/broadcasts/{broadcast_id}", path_values={"broadcast_id": broadcast_id}), {200: models.Broadcast}
        )
        return result

    def cancel_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Cancel a broadcast. It ends after the page that is in hand, and what waits of it in the scheduler is cancelled: what is held, and retries.

        `cancellation` says how far that is. What is on its way to a provider is sent."""
        result: models.Broadcast = self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/cancel",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result

    def pause_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Pause a broadcast. It stops after the page that is in hand."""
        result: models.Broadcast = self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/pause",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result

    def resume_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Resume a broadcast. It goes on where it was paused, or where it failed."""
        result: models.Broadcast = self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/resume",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result


class AsyncBroadcasts(AsyncTransport):
    """The operations on broadcasts, to await."""

    async def list_broadcasts(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        audience: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.BroadcastPage:
        """List broadcasts. Newest first."""
        result: models.BroadcastPage = await self.call(
            Request(
                "GET", "/v1/broadcasts", query={"state": state, "audience": audience, "search": search, "limit": limit, "cursor": cursor}
            ),
            {200: models.BroadcastPage},
        )
        return result

    async def iterate_broadcasts(
        self,
        *,
        state: Literal["pending", "running", "paused", "cancelled", "done", "failed"] | None = None,
        audience: str | None = None,
        search: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.Broadcast]:
        """All items of `list_broadcasts`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_broadcasts(state=state, audience=audience, search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def create_broadcast(
        self,
        body: models.BroadcastRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.RecipientPreview | models.Broadcast:
        """Start a broadcast. A worker of the scheduler begins within a second. With `preview` it is checked and counted, and nothing is sent."""
        result: models.RecipientPreview | models.Broadcast = await self.call(
            Request(
                "POST",
                "/v1/broadcasts",
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.RecipientPreview, 201: models.Broadcast},
        )
        return result

    async def get_broadcast(self, broadcast_id: str) -> models.Broadcast:
        """Get a broadcast. With its progress: `expanded_count` of `total_count` users, and what became of them as of `counts.counted_at`."""
        result: models.Broadcast = await self.call(
            Request("GET", "/v1/broadcasts/{broadcast_id}", path_values={"broadcast_id": broadcast_id}), {200: models.Broadcast}
        )
        return result

    async def cancel_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Cancel a broadcast. It ends after the page that is in hand, and what waits of it in the scheduler is cancelled: what is held, and retries.

        `cancellation` says how far that is. What is on its way to a provider is sent."""
        result: models.Broadcast = await self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/cancel",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result

    async def pause_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Pause a broadcast. It stops after the page that is in hand."""
        result: models.Broadcast = await self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/pause",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result

    async def resume_broadcast(
        self,
        broadcast_id: str,
        body: models.BroadcastActionRequest,
        *,
        actor: str | None = None,
        source: Literal["api", "cli", "import", "callback", "link"] | None = None,
        idempotency_key: str | None = None,
    ) -> models.Broadcast:
        """Resume a broadcast. It goes on where it was paused, or where it failed."""
        result: models.Broadcast = await self.call(
            Request(
                "POST",
                "/v1/broadcasts/{broadcast_id}/resume",
                path_values={"broadcast_id": broadcast_id},
                headers={"Herold-Actor": actor, "Herold-Source": source, "Idempotency-Key": idempotency_key or make_key()},
                body=encode_body(body),
            ),
            {200: models.Broadcast},
        )
        return result
