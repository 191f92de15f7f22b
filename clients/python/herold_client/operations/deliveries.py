"""The operations on deliveries. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Deliveries(Transport):
    """The operations on deliveries."""

    def list_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.DeliveryPage:
        """List deliveries. Those of which an event is recorded. A page may have fewer items than `limit`, or none, and still be followed by another one."""
        result: models.DeliveryPage = self.call(
            Request(
                "GET",
                "/v1/deliveries",
                query={
                    "status": status,
                    "channel": channel,
                    "provider": provider,
                    "reason": reason,
                    "priority": priority,
                    "category": category,
                    "type": type,
                    "template": template,
                    "is_test": is_test,
                    "user_id": user_id,
                    "since": since,
                    "until": until,
                    "order": order,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.DeliveryPage},
        )
        return result

    def iterate_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
    ) -> Iterator[models.FoundDelivery]:
        """All items of `list_deliveries`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_deliveries(
                status=status,
                channel=channel,
                provider=provider,
                reason=reason,
                priority=priority,
                category=category,
                type=type,
                template=template,
                is_test=is_test,
                user_id=user_id,
                since=since,
                until=until,
                order=order,
                limit=limit,
                cursor=cursor,
            )
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def export_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
    ) -> str:
        """Export deliveries as CSV. As the list is, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. Of a longer list, ask for
        parts by `since` and `until`. At most 2,000,000 deliveries are examined, 800,000 by priority, category or type, or 400,000 of a user,
        of tests or of a template: if others remain, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the
        middle, the connection is closed before the end."""
        result: str = self.call(
            Request(
                "GET",
                "/v1/deliveries/export",
                query={
                    "status": status,
                    "channel": channel,
                    "provider": provider,
                    "reason": reason,
                    "priority": priority,
                    "category": category,
                    "type": type,
                    "template": template,
                    "is_test": is_test,
                    "user_id": user_id,
                    "since": since,
                    "until": until,
                    "order": order,
                    "limit": limit,
                },
            ),
            {200: str},
        )
        return result


class AsyncDeliveries(AsyncTransport):
    """The operations on deliveries, to await."""

    async def list_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.DeliveryPage:
        """List deliveries. Those of which an event is recorded. A page may have fewer items than `limit`, or none, and still be followed by another one."""
        result: models.DeliveryPage = await self.call(
            Request(
                "GET",
                "/v1/deliveries",
                query={
                    "status": status,
                    "channel": channel,
                    "provider": provider,
                    "reason": reason,
                    "priority": priority,
                    "category": category,
                    "type": type,
                    "template": template,
                    "is_test": is_test,
                    "user_id": user_id,
                    "since": since,
                    "until": until,
                    "order": order,
                    "limit": limit,
                    "cursor": cursor,
                },
            ),
            {200: models.DeliveryPage},
        )
        return result

    async def iterate_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[models.FoundDelivery]:
        """All items of `list_deliveries`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_deliveries(
                status=status,
                channel=channel,
                provider=provider,
                reason=reason,
                priority=priority,
                category=category,
                type=type,
                template=template,
                is_test=is_test,
                user_id=user_id,
                since=since,
                until=until,
                order=order,
                limit=limit,
                cursor=cursor,
            )
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def export_deliveries(
        self,
        *,
        status: list[models.Status] | None = None,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        provider: str | None = None,
        reason: str | None = None,
        priority: Literal["high", "medium", "low"] | None = None,
        category: str | None = None,
        type: str | None = None,
        template: str | None = None,
        is_test: bool | None = None,
        user_id: str | None = None,
        since: float | None = None,
        until: float | None = None,
        order: Literal["newest", "oldest"] | None = None,
        limit: int | None = None,
    ) -> str:
        """Export deliveries as CSV. As the list is, streamed. A cell that a spreadsheet would take for a formula begins with an apostrophe. Of a longer list, ask for
        parts by `since` and `until`. At most 2,000,000 deliveries are examined, 800,000 by priority, category or type, or 400,000 of a user,
        of tests or of a template: if others remain, the last line begins with `incomplete:` and says how to go on. If PostgreSQL fails in the
        middle, the connection is closed before the end."""
        result: str = await self.call(
            Request(
                "GET",
                "/v1/deliveries/export",
                query={
                    "status": status,
                    "channel": channel,
                    "provider": provider,
                    "reason": reason,
                    "priority": priority,
                    "category": category,
                    "type": type,
                    "template": template,
                    "is_test": is_test,
                    "user_id": user_id,
                    "since": since,
                    "until": until,
                    "order": order,
                    "limit": limit,
                },
            ),
            {200: str},
        )
        return result
