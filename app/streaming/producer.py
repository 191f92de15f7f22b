"""The producer: idempotent, and warm before the first record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver

from app.streaming.checks import demand_partitions

# A broker that has just started, or just created topics, shows them one after the other.
LOOKS = 20
BETWEEN_LOOKS = 0.5


class IdempotentProducer(driver.Producer):
    """Faust's producer with enable_idempotence: what is repeated after an error is written once, and in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def on_start(self) -> None:
        """Connects, learns where all topics of the app are, and refuses to go on if their partitions are wrong (TopicsWrong)."""
        await super().on_start()
        await self.warm(self.app.topics_needed(), self.app.settings.partitions)

    async def warm(self, topics: Iterable[str], partitions: int) -> None:
        """Learn where the partitions are: the first record of each topic would otherwise wait for it, some 100 ms."""
        needed = sorted(set(topics))
        for _ in range(LOOKS):
            found = await self._partition_counts(needed)
            if found.keys() >= set(needed):
                break
            await asyncio.sleep(BETWEEN_LOOKS)
        demand_partitions(needed, partitions, found)

    async def _partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        client = self._ensure_producer().client
        client.set_topics(topics)
        await client.force_metadata_update()
        counts = {topic: client.cluster.partitions_for_topic(topic) for topic in topics}
        return {topic: len(numbers) for topic, numbers in counts.items() if numbers}
