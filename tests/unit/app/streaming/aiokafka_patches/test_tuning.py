"""The tuned aiokafka loses no data."""

import aiokafka.codec
import pytest
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from app.streaming.aiokafka_patches import tune_aiokafka
from tests.unit.app.streaming.fake_producer import FakeBatchProducer


@pytest.fixture(autouse=True)
def _tuned() -> None:
    tune_aiokafka()


def test_a_record_has_all_fields_that_agents_read() -> None:
    builder = FakeBatchProducer().create_batch()
    builder.append(timestamp=1_700_000_000_000, key=b"k", value=b"v", headers=[("h", b"x")])
    builder.append(timestamp=1_700_000_000_001, key=None, value=None, headers=[])
    topic_partition = TopicPartition("t", 0)
    records = list(PartitionRecords(topic_partition, MemoryRecords(bytes(builder._build())), [], 0, None, None, True, 0))
    first, second = records
    assert (first.offset, first.timestamp, first.key, first.value, list(first.headers)) == (0, 1_700_000_000_000, b"k", b"v", [("h", b"x")])
    assert (second.offset, second.key, second.value, list(second.headers)) == (1, None, None, [])


def test_compression_uses_level_1_and_can_be_decoded() -> None:
    data = b"the same again and again, " * 1000
    compressed = aiokafka.codec.lz4_encode(data)
    assert compressed == aiokafka.codec.lz4_encode(data, 1)
    assert aiokafka.codec.lz4_decode(compressed) == data
