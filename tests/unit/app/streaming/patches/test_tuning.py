"""What makes the libraries cheap does what it says, and loses nothing."""

import gc
import logging

import aiokafka.codec
import pytest
from aiokafka.consumer.fetcher import PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from app.streaming.patches.tuning import tune_after_rebalance, tune_process
from tests.unit.app.streaming.fake_producer import FakeBatchProducer


@pytest.fixture(autouse=True)
def _tuned() -> None:
    tune_process()


def test_a_record_keeps_all_that_agents_read() -> None:
    builder = FakeBatchProducer().create_batch()
    builder.append(timestamp=1_700_000_000_000, key=b"k", value=b"v", headers=[("h", b"x")])
    builder.append(timestamp=1_700_000_000_001, key=None, value=None, headers=[])
    topic = TopicPartition("t", 0)
    records = list(PartitionRecords(topic, MemoryRecords(bytes(builder._build())), [], 0, None, None, True, 0))
    first, second = records
    assert (first.offset, first.timestamp, first.key, first.value, list(first.headers)) == (0, 1_700_000_000_000, b"k", b"v", [("h", b"x")])
    assert (second.offset, second.key, second.value, list(second.headers)) == (1, None, None, [])


def test_compression_is_fast_and_readable() -> None:
    text = b"the same again and again, " * 1000
    packed = aiokafka.codec.lz4_encode(text)
    assert packed == aiokafka.codec.lz4_encode(text, 1)
    assert aiokafka.codec.lz4_decode(packed) == text


def test_what_lives_long_is_left_alone_by_the_collector() -> None:
    tune_after_rebalance()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold()[0] == 100_000


def test_loggers_below_info_are_quieted_and_no_other() -> None:
    loud, calm = logging.getLogger("aiokafka.test.loud"), logging.getLogger("aiokafka.test.calm")
    ours = logging.getLogger("app.test")
    loud.setLevel(logging.DEBUG)
    calm.setLevel(logging.ERROR)
    ours.setLevel(logging.DEBUG)
    tune_after_rebalance()
    assert (loud.level, calm.level, ours.level) == (logging.INFO, logging.ERROR, logging.DEBUG)
    ours.setLevel(logging.NOTSET)
