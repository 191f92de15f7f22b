"""The operations on simulators. Generated from docs/reference/openapi.json by `python -m dev.clients`; do not edit."""

from collections.abc import AsyncIterator, Iterator
from typing import Literal

from herold_client import models
from herold_client.requests import Request, encode_body
from herold_client.transport import AsyncTransport, Transport, make_key


class Simulators(Transport):
    """The operations on simulators."""

    def list_simulator_faults(self) -> models.ActiveFaults:
        """List the faults of the simulators. Those that are switched on, the newest first."""
        result: models.ActiveFaults = self.call(Request("GET", "/v1/simulators/faults"), {200: models.ActiveFaults})
        return result

    def start_simulator_fault(self, body: models.SimulatorFault, *, idempotency_key: str | None = None) -> models.ActiveFault:
        """Switch a fault of the simulators on. It ends by itself after `seconds`. A provider can have several: the newest that changes a request counts."""
        result: models.ActiveFault = self.call(
            Request("POST", "/v1/simulators/faults", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {201: models.ActiveFault},
        )
        return result

    def stop_simulator_faults(self) -> models.RemovedFaults:
        """Switch all faults of the simulators off. All providers work again."""
        result: models.RemovedFaults = self.call(Request("DELETE", "/v1/simulators/faults"), {200: models.RemovedFaults})
        return result

    def stop_simulator_fault(self, fault_id: str) -> models.RemovedFaults:
        """Switch a fault of the simulators off. Before its end. One that has ended is not there any more."""
        result: models.RemovedFaults = self.call(
            Request("DELETE", "/v1/simulators/faults/{fault_id}", path_values={"fault_id": fault_id}), {200: models.RemovedFaults}
        )
        return result

    def list_simulated_messages(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SimulatedMessagePage:
        """List what arrived at the simulators. The accepted messages, newest first. The last 300 are kept; a restart of the simulators drops them."""
        result: models.SimulatedMessagePage = self.call(
            Request("GET", "/v1/simulators/messages", query={"channel": channel, "search": search, "limit": limit, "cursor": cursor}),
            {200: models.SimulatedMessagePage},
        )
        return result

    def iterate_simulated_messages(
        self, *, channel: Literal["email", "sms", "push", "webhook"] | None = None, search: str | None = None, limit: int | None = None
    ) -> Iterator[models.SimulatedMessage]:
        """All items of `list_simulated_messages`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_simulated_messages(channel=channel, search=search, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    def get_simulated_message(self, number: str) -> models.SimulatedMessageDetails:
        """Get a message of the simulators. All that was sent: the document of an e-mail, the headers and the body of a webhook."""
        result: models.SimulatedMessageDetails = self.call(
            Request("GET", "/v1/simulators/messages/{number}", path_values={"number": number}), {200: models.SimulatedMessageDetails}
        )
        return result

    def list_simulated_requests(
        self, *, delivery_id: str | None = None, address: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.SimulatedRequestPage:
        """List the requests that the simulators got. With those that were refused or not processed, newest first. With a filter: the first 200 that match, on one page."""
        result: models.SimulatedRequestPage = self.call(
            Request(
                "GET", "/v1/simulators/requests", query={"delivery_id": delivery_id, "address": address, "limit": limit, "cursor": cursor}
            ),
            {200: models.SimulatedRequestPage},
        )
        return result

    def iterate_simulated_requests(
        self, *, delivery_id: str | None = None, address: str | None = None, limit: int | None = None
    ) -> Iterator[models.SimulatedRequest]:
        """All items of `list_simulated_requests`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = self.list_simulated_requests(delivery_id=delivery_id, address=address, limit=limit, cursor=cursor)
            yield from page.items
            if page.next_cursor is None:
                return
            cursor = page.next_cursor


class AsyncSimulators(AsyncTransport):
    """The operations on simulators, to await."""

    async def list_simulator_faults(self) -> models.ActiveFaults:
        """List the faults of the simulators. Those that are switched on, the newest first."""
        result: models.ActiveFaults = await self.call(Request("GET", "/v1/simulators/faults"), {200: models.ActiveFaults})
        return result

    async def start_simulator_fault(self, body: models.SimulatorFault, *, idempotency_key: str | None = None) -> models.ActiveFault:
        """Switch a fault of the simulators on. It ends by itself after `seconds`. A provider can have several: the newest that changes a request counts."""
        result: models.ActiveFault = await self.call(
            Request("POST", "/v1/simulators/faults", headers={"Idempotency-Key": idempotency_key or make_key()}, body=encode_body(body)),
            {201: models.ActiveFault},
        )
        return result

    async def stop_simulator_faults(self) -> models.RemovedFaults:
        """Switch all faults of the simulators off. All providers work again."""
        result: models.RemovedFaults = await self.call(Request("DELETE", "/v1/simulators/faults"), {200: models.RemovedFaults})
        return result

    async def stop_simulator_fault(self, fault_id: str) -> models.RemovedFaults:
        """Switch a fault of the simulators off. Before its end. One that has ended is not there any more."""
        result: models.RemovedFaults = await self.call(
            Request("DELETE", "/v1/simulators/faults/{fault_id}", path_values={"fault_id": fault_id}), {200: models.RemovedFaults}
        )
        return result

    async def list_simulated_messages(
        self,
        *,
        channel: Literal["email", "sms", "push", "webhook"] | None = None,
        search: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> models.SimulatedMessagePage:
        """List what arrived at the simulators. The accepted messages, newest first. The last 300 are kept; a restart of the simulators drops them."""
        result: models.SimulatedMessagePage = await self.call(
            Request("GET", "/v1/simulators/messages", query={"channel": channel, "search": search, "limit": limit, "cursor": cursor}),
            {200: models.SimulatedMessagePage},
        )
        return result

    async def iterate_simulated_messages(
        self, *, channel: Literal["email", "sms", "push", "webhook"] | None = None, search: str | None = None, limit: int | None = None
    ) -> AsyncIterator[models.SimulatedMessage]:
        """All items of `list_simulated_messages`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_simulated_messages(channel=channel, search=search, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor

    async def get_simulated_message(self, number: str) -> models.SimulatedMessageDetails:
        """Get a message of the simulators. All that was sent: the document of an e-mail, the headers and the body of a webhook."""
        result: models.SimulatedMessageDetails = await self.call(
            Request("GET", "/v1/simulators/messages/{number}", path_values={"number": number}), {200: models.SimulatedMessageDetails}
        )
        return result

    async def list_simulated_requests(
        self, *, delivery_id: str | None = None, address: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> models.SimulatedRequestPage:
        """List the requests that the simulators got. With those that were refused or not processed, newest first. With a filter: the first 200 that match, on one page."""
        result: models.SimulatedRequestPage = await self.call(
            Request(
                "GET", "/v1/simulators/requests", query={"delivery_id": delivery_id, "address": address, "limit": limit, "cursor": cursor}
            ),
            {200: models.SimulatedRequestPage},
        )
        return result

    async def iterate_simulated_requests(
        self, *, delivery_id: str | None = None, address: str | None = None, limit: int | None = None
    ) -> AsyncIterator[models.SimulatedRequest]:
        """All items of `list_simulated_requests`, page by page; `limit` is the size of a page."""
        cursor: str | None = None
        while True:
            page = await self.list_simulated_requests(delivery_id=delivery_id, address=address, limit=limit, cursor=cursor)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            cursor = page.next_cursor
