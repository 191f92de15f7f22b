"""A batch contains records of one partition, and aiokafka's records implement the protocol."""

from aiokafka import ConsumerRecord

from schemas.ports import Batch, Record


def test_a_batch_counts_its_records() -> None:
    consumer_record = ConsumerRecord("t", 3, 7, 1000, 1, b"k", b"v", None, 1, 1, ())
    batch = Batch("t", 3, [consumer_record])
    assert (batch.topic, batch.partition, len(batch)) == ("t", 3, 1)
    record: Record = batch.records[0]
    assert (record.offset, record.timestamp, record.key, record.value, record.headers) == (7, 1000, b"k", b"v", ())
