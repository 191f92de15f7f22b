"""The operations on live. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Live(Transport):
    """The operations on live."""

    def stream_live_events(
        self,
        *,
        kinds: list[str] | None = None,
        channels: list[str] | None = None,
        priorities: list[str] | None = None,
        statuses: list[str] | None = None,
        categories: list[str] | None = None,
        types: list[str] | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        sampling: bool | None = None,
        cursor: str | None = None,
        last_event_id: str | None = None,
    ) -> str:
        """Watch what happens. Events as they are recorded, until the client closes the connection; the id of an event is its cursor. All rows, unless sampled."""
        result: str = self.call(
            Request(
                "GET",
                "/v1/live/events",
                query={
                    "kinds": kinds,
                    "channels": channels,
                    "priorities": priorities,
                    "statuses": statuses,
                    "categories": categories,
                    "types": types,
                    "user_id": user_id,
                    "notification_id": notification_id,
                    "sampling": sampling,
                    "cursor": cursor,
                },
                headers={"Last-Event-ID": last_event_id},
            ),
            {200: str},
        )
        return result

    def create_live_ticket(self) -> models.LiveTicket:
        """Get a ticket for /ws. For one connection, `/ws?ticket=...`: a browser can send no header with it."""
        result: models.LiveTicket = self.call(Request("POST", "/v1/live/tickets"), {201: models.LiveTicket})
        return result


class AsyncLive(AsyncTransport):
    """The operations on live, to await."""

    async def stream_live_events(
        self,
        *,
        kinds: list[str] | None = None,
        channels: list[str] | None = None,
        priorities: list[str] | None = None,
        statuses: list[str] | None = None,
        categories: list[str] | None = None,
        types: list[str] | None = None,
        user_id: str | None = None,
        notification_id: str | None = None,
        sampling: bool | None = None,
        cursor: str | None = None,
        last_event_id: str | None = None,
    ) -> str:
        """Watch what happens. Events as they are recorded, until the client closes the connection; the id of an event is its cursor. All rows, unless sampled."""
        result: str = await self.call(
            Request(
                "GET",
                "/v1/live/events",
                query={
                    "kinds": kinds,
                    "channels": channels,
                    "priorities": priorities,
                    "statuses": statuses,
                    "categories": categories,
                    "types": types,
                    "user_id": user_id,
                    "notification_id": notification_id,
                    "sampling": sampling,
                    "cursor": cursor,
                },
                headers={"Last-Event-ID": last_event_id},
            ),
            {200: str},
        )
        return result

    async def create_live_ticket(self) -> models.LiveTicket:
        """Get a ticket for /ws. For one connection, `/ws?ticket=...`: a browser can send no header with it."""
        result: models.LiveTicket = await self.call(Request("POST", "/v1/live/tickets"), {201: models.LiveTicket})
        return result
