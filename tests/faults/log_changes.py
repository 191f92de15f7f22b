"""Truncates and recreates the topics that workers read, and tells exactly what that removed."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.errors import CommitFailedError

from app.admin import topics
from tests.cluster import PARTITIONS, wait_until
from tests.faults.evidence import Removal
from tests.faults.installation import FaultInstallation
from tests.settings_builders import build_kafka_section
from tests.topic_reader import OffsetsByPartition, open_topic_reader


class LogChanger:
    """Changes the topics of one consumer group, while its workers are stopped or frozen, so that nothing else moves."""

    def __init__(self, installation: FaultInstallation, group: str, topics: Sequence[str], *, is_stopped: bool) -> None:
        self._installation, self._topics, self._is_stopped = installation, topics, is_stopped
        self._kafka, self._group = installation.cluster.urls.kafka, installation.cluster.prefix + group

    async def truncate(self) -> list[Removal]:
        """Remove records beyond the committed offset, as retention does: half of those that the group has not committed."""
        committed, ends = await self._survey()
        first_offsets = {tp: committed[tp] + (end - committed[tp] + 1) // 2 for tp, end in ends.items() if end > committed[tp]}
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        await admin.start()
        try:
            await admin.delete_records({tp: RecordsToDelete(before_offset=offset) for tp, offset in first_offsets.items()})
        finally:
            await admin.close()
        return [
            Removal(
                tp.topic, tp.partition, committed[tp], first, False, self._is_stopped, self._installation.contents.remove_before(tp, first)
            )
            for tp, first in first_offsets.items()
        ]

    async def recreate(self) -> list[Removal]:
        """Delete the topics and create them anew. The commits stay, as after an unclean election: above the end of the new log."""
        committed, _ = await self._survey()
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        await admin.start()
        try:
            await admin.delete_topics(list(self._topics))
            while set(self._topics) & set(await admin.list_topics()):
                await asyncio.sleep(0.05)
        finally:
            await admin.close()
        prefix = self._installation.cluster.prefix
        await topics.apply_topics(build_kafka_section(self._kafka, prefix, topic_partitions=PARTITIONS))
        if self._is_stopped:
            await self._commit(committed)
        contents = self._installation.contents
        return [
            Removal(tp.topic, tp.partition, offset, 0, True, self._is_stopped, contents.remove_log(tp)) for tp, offset in committed.items()
        ]

    async def _survey(self) -> tuple[OffsetsByPartition, OffsetsByPartition]:
        async with open_topic_reader(self._kafka) as reader:
            await self._installation.contents.read_logs(reader)
            return await reader.get_committed_offsets(self._group, self._topics), await reader.get_end_offsets(self._topics)

    async def _commit(self, offsets: OffsetsByPartition) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._kafka, group_id=self._group, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign(list(offsets))
            positive = {tp: offset for tp, offset in offsets.items() if offset}
            await wait_until(lambda: self._try_commit(consumer, positive), 60, f"{self._group} takes commits from outside", interval=0.5)
        finally:
            await consumer.stop()

    async def _try_commit(self, consumer: AIOKafkaConsumer, offsets: OffsetsByPartition) -> bool:
        try:
            await consumer.commit(offsets)
        except CommitFailedError:  # a stopped worker's message that it left the group got lost: it counts until its session expires
            return False
        return True
