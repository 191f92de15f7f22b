"""Records are sent as whole Kafka batches, only a record that is too large is rejected, and a timeout of the producer is retried."""

import pytest
from aiokafka.errors import KafkaTimeoutError, NotLeaderForPartitionError

from app.streaming.commit.outbox import BatchOutbox, WrittenOffsets
from schemas.errors import RecordTooLargeError
from tests.fakes import TopicRecord
from tests.unit.app.streaming.fake_producer import FakeBatchProducer


def build_outbox(producer: FakeBatchProducer, limit: int = 100_000) -> BatchOutbox:
    return BatchOutbox(producer, lambda topic: limit)


async def test_records_are_written_in_order_in_one_batch_per_partition() -> None:
    producer = FakeBatchProducer()
    outbox = build_outbox(producer)
    for number in range(10):
        outbox.add("t", number % 2, b"k", b"%d" % number, [("h", b"x")])
    assert len(outbox) == 10
    written = await outbox.flush()
    assert [record.value for record in producer.log["t", 0]] == [b"0", b"2", b"4", b"6", b"8"]
    assert producer.log["t", 1][0] == TopicRecord(b"k", b"1", (("h", b"x"),))
    assert sorted(producer.sends) == [("t", 0), ("t", 1)]
    assert written == {("t", 0): WrittenOffsets(0, 4, 5), ("t", 1): WrittenOffsets(0, 4, 5)}


async def test_a_full_batch_is_followed_by_another_one_and_the_offsets_span_both() -> None:
    producer = FakeBatchProducer(batch_bytes=300)
    outbox = build_outbox(producer)
    for number in range(20):
        outbox.add("t", 0, b"k", b"%060d" % number)
    written = await outbox.flush()
    assert [record.value for record in producer.log["t", 0]] == [b"%060d" % number for number in range(20)]
    assert len(producer.sends) > 1
    assert written == {("t", 0): WrittenOffsets(0, 19, 20)}


async def test_a_second_flush_continues_after_the_first() -> None:
    producer = FakeBatchProducer()
    outbox = build_outbox(producer)
    outbox.add("t", 0, b"k", b"1")
    await outbox.flush()
    outbox.add("t", 0, b"k", b"2")
    assert await outbox.flush() == {("t", 0): WrittenOffsets(1, 1, 1)}


async def test_an_empty_flush_sends_nothing() -> None:
    producer = FakeBatchProducer()
    assert await build_outbox(producer).flush() == {}
    assert producer.sends == []


@pytest.mark.parametrize(("key", "value"), [(b"k", None), (None, b"v"), (None, None), (b"", b"")])
async def test_tombstones_and_empty_keys_are_written(key: bytes | None, value: bytes | None) -> None:
    producer = FakeBatchProducer()
    outbox = build_outbox(producer)
    outbox.add("t", 0, key, value)
    await outbox.flush()
    assert producer.log["t", 0] == [TopicRecord(key, value)]


async def test_only_a_record_larger_than_its_topic_allows_is_rejected() -> None:
    producer = FakeBatchProducer()
    outbox = build_outbox(producer, limit=1000)
    outbox.add("t", 0, b"k", b"before")
    with pytest.raises(RecordTooLargeError, match=r"for t is larger than 1000"):
        outbox.add("t", 0, b"k", b"x" * 1000)
    outbox.add("t", 0, b"k", b"after")
    assert await outbox.flush() == {("t", 0): WrittenOffsets(0, 1, 2)}


async def test_each_topic_has_its_own_limit() -> None:
    outbox = BatchOutbox(FakeBatchProducer(), {"small": 500, "large": 5000}.__getitem__)
    outbox.add("large", 0, b"k", b"x" * 1000)
    with pytest.raises(RecordTooLargeError):
        outbox.add("small", 0, b"k", b"x" * 1000)


async def test_a_record_larger_than_a_batch_but_not_its_topic_limit_is_sent_alone() -> None:
    producer = FakeBatchProducer(batch_bytes=200)
    outbox = build_outbox(producer)
    for value in (b"a", b"b" * 1000, b"c"):
        outbox.add("t", 0, b"k", value)
    assert await outbox.flush() == {("t", 0): WrittenOffsets(0, 2, 3)}


async def test_a_timeout_of_the_producer_is_retried() -> None:
    producer = FakeBatchProducer()
    errors = iter([KafkaTimeoutError(), KafkaTimeoutError()])

    def time_out_twice(topic: str) -> None:
        for error in errors:
            raise error

    producer.before_send = time_out_twice
    outbox = build_outbox(producer)
    outbox.add("t", 0, b"k", b"v")
    assert await outbox.flush() == {("t", 0): WrittenOffsets(0, 0, 1)}


async def test_an_error_of_one_partition_is_raised_after_all_responses() -> None:
    producer = FakeBatchProducer()

    def fail_topic(topic: str) -> None:
        if topic == "bad":
            raise NotLeaderForPartitionError

    producer.before_ack = fail_topic
    outbox = build_outbox(producer)
    outbox.add("bad", 0, b"k", b"v")
    outbox.add("good", 0, b"k", b"v")
    with pytest.raises(NotLeaderForPartitionError):
        await outbox.flush()
    assert producer.log["good", 0] == [TopicRecord(b"k", b"v")]
