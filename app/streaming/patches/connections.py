"""Fixes two faults of aiokafka's connections.

A request on a closed connection: uvloop raises RuntimeError for a write to a closed transport, but aiokafka expects an OSError (aiokafka
issue 1038). If a connection is lost and aiokafka has not noticed yet, that error silently ends aiokafka's metadata task. Everything that
needs metadata then waits forever, the group's heartbeats included.

A cancelled start: a client whose start is cancelled never closes its first connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_original_send = AIOKafkaConnection.send


def patch_connection_send() -> None:
    """Apply both fixes to the whole process; call it once at start."""
    AIOKafkaConnection.send = _send


def _send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's `send`. Raises KafkaConnectionError if the transport is closed; the request was not sent."""
    if self._writer is not None and self._writer.is_closing():
        error = KafkaConnectionError(f"Connection at {self._host}:{self._port} is closed")
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise error
    response = _original_send(self, request, expect_response)
    # Only a client's first connection has no close callback.
    return response if self._on_close_cb is not None else _await_response(self, response)


async def _await_response(connection: Any, response: Awaitable[Any]) -> Any:
    try:
        return await response
    except asyncio.CancelledError:
        connection.close()
        raise
