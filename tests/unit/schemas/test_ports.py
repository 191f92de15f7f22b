"""A batch is records of one partition; everything else in ports is a promise without code."""

from aiokafka import ConsumerRecord

from schemas.ports import Batch, Record


def test_a_batch_counts_its_records() -> None:
    record = ConsumerRecord("t", 3, 7, 1000, 1, b"k", b"v", None, 1, 1, ())
    batch = Batch("t", 3, [record])
    assert (batch.topic, batch.partition, len(batch)) == ("t", 3, 1)
    first: Record = batch.records[0]
    assert (first.offset, first.timestamp, first.key, first.value, first.headers) == (7, 1000, b"k", b"v", ())
