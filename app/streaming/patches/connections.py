"""Two faults of aiokafka's connections that end well here: requests on one that is closed already, and one that is given up half-way.

uvloop raises RuntimeError when a closed transport is written to; aiokafka expects an OSError (aiokafka issue 1038). Between the loss of a
connection and the notice of it, that ended aiokafka's task for metadata without a word: all that waited for metadata then waited for ever,
the group's heartbeats among them. And a client whose start is cancelled forgets its first connection, which stays open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_original_send = AIOKafkaConnection.send


def patch_connection_send() -> None:
    """Once, when a process starts: the change holds for the whole process."""
    AIOKafkaConnection.send = _send


def _send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's, or KafkaConnectionError if the transport is closed: the request was not sent."""
    if self._writer is not None and self._writer.is_closing():
        error = KafkaConnectionError(f"Connection at {self._host}:{self._port} is closed")
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise error
    answer = _original_send(self, request, expect_response)
    # a client's first connection is the only one whose end it does not ask to be told of
    return answer if self._on_close_cb is not None else _await_response(self, answer)


async def _await_response(connection: Any, response: Awaitable[Any]) -> Any:
    try:
        return await response
    except asyncio.CancelledError:
        connection.close()
        raise
