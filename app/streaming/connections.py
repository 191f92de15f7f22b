"""What becomes of a request to Kafka on a connection that is closed already: an error that aiokafka expects.

uvloop raises RuntimeError when a closed transport is written to; aiokafka expects an OSError (aiokafka issue 1038). Between the loss of a
connection and the notice of it, that ended aiokafka's task for metadata without a word: all that waited for metadata then waited for ever,
the group's heartbeats among them.
"""

from __future__ import annotations

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_stock_send = AIOKafkaConnection.send


def refuse_closed_connections() -> None:
    """Once, when a process that runs on uvloop starts: the change holds for the whole process."""
    AIOKafkaConnection.send = _send


def _send(self: Any, request: Any, expect_response: bool = True) -> Any:
    """aiokafka's, or KafkaConnectionError if the transport is closed: the request was not sent."""
    if self._writer is not None and self._writer.is_closing():
        error = KafkaConnectionError(f"Connection at {self._host}:{self._port} is closed")
        self.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise error
    return _stock_send(self, request, expect_response)
