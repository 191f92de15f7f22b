"""The producer: idempotent, and warm before the first record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from faust.transport.drivers import aiokafka as driver

from app.streaming.startup_checks import require_partition_counts

# A broker that has just started, or just created topics, shows them one after the other.
METADATA_ATTEMPTS = 20
METADATA_RETRY_INTERVAL = 0.5


class IdempotentProducer(driver.Producer):
    """Faust's producer with enable_idempotence: what is repeated after an error is written once, and in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    async def on_start(self) -> None:
        """Connects, learns where all topics of the app are, and refuses to go on if their partitions are wrong (TopicsWrong)."""
        await super().on_start()
        await self.load_metadata(self.app.get_required_topics(), self.app.settings.topic_partitions)

    async def load_metadata(self, topics: Iterable[str], partitions: int) -> None:
        """Learn where the partitions are: the first record of each topic would otherwise wait for it, some 100 ms."""
        needed = sorted(set(topics))
        for _ in range(METADATA_ATTEMPTS):
            found = await self._fetch_partition_counts(needed)
            if found.keys() >= set(needed):
                break
            await asyncio.sleep(METADATA_RETRY_INTERVAL)
        require_partition_counts(needed, partitions, found)

    async def _fetch_partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        client = self._ensure_producer().client
        client.set_topics(topics)
        await client.force_metadata_update()
        counts = {topic: client.cluster.partitions_for_topic(topic) for topic in topics}
        return {topic: len(numbers) for topic, numbers in counts.items() if numbers}
