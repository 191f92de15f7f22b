"""How long a rebalance or stop waits for batches in flight, and for which."""

from __future__ import annotations

from typing import Any

from faust.types import TP


class DrainLimit:
    """The time limit of a drain; after an error it is shorter, and excludes the failed batch and later ones of its partition."""

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout  # seconds
        self._failed_offsets: dict[TP, int] = {}

    def limit(self, failed: Any, timeout: float) -> None:
        """Wait at most `timeout` seconds, and no longer for the failed batch, if any."""
        self.timeout = min(timeout, self.timeout)
        if failed is not None:
            self._failed_offsets[failed.tp] = min(failed.offset, self._failed_offsets.get(failed.tp, failed.offset))

    def is_awaited(self, message: Any) -> bool:
        """Whether the drain waits for this batch."""
        failed_offset = self._failed_offsets.get(message.tp)
        return failed_offset is None or bool(message.offset < failed_offset)
