"""The operations on rate limits. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body, format_version
from herold_client.transport import AsyncTransport, Transport


class RateLimits(Transport):
    """The operations on rate limits."""

    def list_rate_limits(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook", "all"] | None = None,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RateLimitPage:
        """List rate limits. In the order of channel, category, tier and window; those of all channels first."""
        result: models.RateLimitPage = self.call(
            Request(
                "GET", "/v1/rate-limits", query={"channel": channel, "category": category, "tier": tier, "limit": limit, "cursor": cursor}
            ),
            {200: models.RateLimitPage},
        )
        return result

    def iterate_rate_limits(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook", "all"] | None = None,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.RateLimitResponse]:
        """All items of `list_rate_limits`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_rate_limits(channel=channel, category=category, tier=tier, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
    ) -> models.RateLimitResponse:
        """Get a rate limit. The ETag is the version."""
        result: models.RateLimitResponse = self.call(
            Request(
                "GET",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier},
            ),
            {200: models.RateLimitResponse},
        )
        return result

    def put_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        body: models.RateLimitChange,
        *,
        category: str | None = None,
        tier: str | None = None,
        if_match: int | str | None = None,
        actor: str | None = None,
        comment: str | None = None,
    ) -> models.RateLimitResponse:
        """Create or change a rate limit. Creates a limit that does not exist. One that does is changed, for which If-Match is needed."""
        result: models.RateLimitResponse = self.call(
            Request(
                "PUT",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor},
                body=encode_body(body),
            ),
            {200: models.RateLimitResponse, 201: models.RateLimitResponse},
        )
        return result

    def delete_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        if_match: int | str | None = None,
        actor: str | None = None,
        comment: str | None = None,
    ) -> None:
        """Delete a rate limit. Nothing is counted for it any more. Its versions stay. Needs If-Match."""
        result: None = self.call(
            Request(
                "DELETE",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor},
            ),
            {204: None},
        )
        return result

    def list_rate_limit_versions(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RateLimitVersionPage:
        """List the versions of a rate limit. Newest first, with who made each and why; `max_count` is null in the version that deleted it."""
        result: models.RateLimitVersionPage = self.call(
            Request(
                "GET",
                "/v1/rate-limits/{channel}/{window_seconds}/versions",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "limit": limit, "cursor": cursor},
            ),
            {200: models.RateLimitVersionPage},
        )
        return result

    def iterate_rate_limit_versions(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
    ) -> Iterator[models.RateLimitVersion]:
        """All items of `list_rate_limit_versions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_rate_limit_versions(channel, window_seconds, category=category, tier=tier, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


class AsyncRateLimits(AsyncTransport):
    """The operations on rate limits, to await."""

    async def list_rate_limits(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook", "all"] | None = None,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RateLimitPage:
        """List rate limits. In the order of channel, category, tier and window; those of all channels first."""
        result: models.RateLimitPage = await self.call(
            Request(
                "GET", "/v1/rate-limits", query={"channel": channel, "category": category, "tier": tier, "limit": limit, "cursor": cursor}
            ),
            {200: models.RateLimitPage},
        )
        return result

    async def iterate_rate_limits(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook", "all"] | None = None,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.RateLimitResponse]:
        """All items of `list_rate_limits`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_rate_limits(channel=channel, category=category, tier=tier, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
    ) -> models.RateLimitResponse:
        """Get a rate limit. The ETag is the version."""
        result: models.RateLimitResponse = await self.call(
            Request(
                "GET",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier},
            ),
            {200: models.RateLimitResponse},
        )
        return result

    async def put_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        body: models.RateLimitChange,
        *,
        category: str | None = None,
        tier: str | None = None,
        if_match: int | str | None = None,
        actor: str | None = None,
        comment: str | None = None,
    ) -> models.RateLimitResponse:
        """Create or change a rate limit. Creates a limit that does not exist. One that does is changed, for which If-Match is needed."""
        result: models.RateLimitResponse = await self.call(
            Request(
                "PUT",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor},
                body=encode_body(body),
            ),
            {200: models.RateLimitResponse, 201: models.RateLimitResponse},
        )
        return result

    async def delete_rate_limit(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        if_match: int | str | None = None,
        actor: str | None = None,
        comment: str | None = None,
    ) -> None:
        """Delete a rate limit. Nothing is counted for it any more. Its versions stay. Needs If-Match."""
        result: None = await self.call(
            Request(
                "DELETE",
                "/v1/rate-limits/{channel}/{window_seconds}",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "comment": comment},
                headers={"If-Match": format_version(if_match), "Herold-Actor": actor},
            ),
            {204: None},
        )
        return result

    async def list_rate_limit_versions(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.RateLimitVersionPage:
        """List the versions of a rate limit. Newest first, with who made each and why; `max_count` is null in the version that deleted it."""
        result: models.RateLimitVersionPage = await self.call(
            Request(
                "GET",
                "/v1/rate-limits/{channel}/{window_seconds}/versions",
                path_values={"channel": channel, "window_seconds": window_seconds},
                query={"category": category, "tier": tier, "limit": limit, "cursor": cursor},
            ),
            {200: models.RateLimitVersionPage},
        )
        return result

    async def iterate_rate_limit_versions(
        self,
        channel: Literal["email", "sms", "push", "webhook"] | Literal["all"],
        window_seconds: int,
        *,
        category: str | None = None,
        tier: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.RateLimitVersion]:
        """All items of `list_rate_limit_versions`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_rate_limit_versions(channel, window_seconds, category=category, tier=tier, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
