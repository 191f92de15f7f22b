"""The operations on live. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from herold_client import models
from herold_client.requests import Request
from herold_client.transport import AsyncTransport, Transport


class Live(Transport):
    """The operations on live."""

    def create_live_ticket(self) -> models.LiveTicket:
        """Get a ticket for /ws. For one connection, `/ws?ticket=...`: a browser can send no header with it."""
        result: models.LiveTicket = self.call(Request("POST", "/v1/live/tickets"), {201: models.LiveTicket})
        return result


class AsyncLive(AsyncTransport):
    """The operations on live, to await."""

    async def create_live_ticket(self) -> models.LiveTicket:
        """Get a ticket for /ws. For one connection, `/ws?ticket=...`: a browser can send no header with it."""
        result: models.LiveTicket = await self.call(Request("POST", "/v1/live/tickets"), {201: models.LiveTicket})
        return result
