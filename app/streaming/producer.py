"""The producer: idempotent, and warm before the first record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver


class IdempotentProducer(driver.Producer):
    """Faust's producer with enable_idempotence: what is repeated after an error is written once, and in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def warm(self, topics: Iterable[str]) -> None:
        """Learn where the partitions of these topics are: the first record of each would otherwise wait for it, some 100 ms."""
        producer = self._ensure_producer()
        await asyncio.gather(*(producer.partitions_for(topic) for topic in topics))
