"""The client of the simulators' own HTTP API, on a stack that delivers to simulators: what arrived, faults, the request log."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from msgspec import Struct

from app.api.simulator_bodies import (
    ActiveFault,
    RemovedFaults,
    SimulatedMessage,
    SimulatedMessageDetails,
    SimulatedRequest,
    SimulatorFault,
)
from schemas.errors import DECODE_ERRORS, DescribedUnavailableError

T = TypeVar("T")

REQUEST_TIMEOUT: Final = ClientTimeout(total=5, connect=2)


class RejectedError(Exception):
    """the simulators reject a request; the text says why."""


class MessageList(Struct, frozen=True):
    """Messages, newest first, and the number before which there are more."""

    items: list[SimulatedMessage]
    next: int | None


class SimulatorClient:
    """Calls the simulators at a URL. Each method raises DescribedUnavailableError if they do not answer, and RejectedError.

    A connection is opened for each call: people look at simulators, and not many.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def list_messages(self, channel: str, text: str, before: int, limit: int) -> MessageList:
        """What arrived, before a number (0: the newest)."""
        query = {"channel": channel, "text": text, "before": str(before), "limit": str(limit)}
        return await self._request("GET", "/messages", MessageList, query)

    async def find_message(self, number: int) -> SimulatedMessageDetails:
        """One message with all that was sent."""
        return await self._request("GET", f"/messages/{number}", SimulatedMessageDetails)

    async def list_faults(self) -> list[ActiveFault]:
        """What is switched on."""
        return await self._request("GET", "/faults", list[ActiveFault])

    async def add_fault(self, fault: SimulatorFault) -> ActiveFault:
        """Switch a fault on."""
        return await self._request("POST", "/faults", ActiveFault, body=msgspec.json.encode(fault))

    async def remove_faults(self, fault_id: int | None = None) -> int:
        """Switch a fault off, or all; returns how many were on."""
        path = "/faults" if fault_id is None else f"/faults/{fault_id}"
        return (await self._request("DELETE", path, RemovedFaults)).removed

    async def list_requests(self, before: int, limit: int) -> list[SimulatedRequest]:
        """The request log, newest first, before a number (0: the newest)."""
        query = {"limit": str(limit), **({"before": str(before)} if before else {})}
        return await self._request("GET", "/requests/newest", list[SimulatedRequest], query)

    async def search_requests(self, delivery_id: str, address: str, limit: int) -> list[SimulatedRequest]:
        """The requests of a delivery and to an address, oldest first; an empty text matches all."""
        query = {"delivery_id": delivery_id, "address": address, "limit": str(limit)}
        return await self._request("GET", "/requests/search", list[SimulatedRequest], query)

    async def _request(
        self, method: str, path: str, result_type: type[T], query: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> T:
        try:
            async with (
                ClientSession(timeout=REQUEST_TIMEOUT) as session,
                session.request(method, self._url + path, params=query, data=body, allow_redirects=False) as response,
            ):
                status, answer = response.status, await response.read()
            if 400 <= status < 500:
                raise RejectedError(_read_error(answer) or f"the simulators answered with {status}")
            if status != 200:
                raise DescribedUnavailableError(f"the simulators at {self._url} answered with {status}: their log says why")
            return msgspec.json.decode(answer, type=result_type)
        except (OSError, TimeoutError, ClientError, *DECODE_ERRORS) as error:
            text = f"the simulators at {self._url} do not answer ({type(error).__name__}): check gateway.simulators_url, and that they run"
            raise DescribedUnavailableError(text) from None


def _read_error(answer: bytes) -> str:
    try:
        document: Any = msgspec.json.decode(answer)
        return str(document["error"])
    except (*DECODE_ERRORS, KeyError, TypeError):
        return ""
