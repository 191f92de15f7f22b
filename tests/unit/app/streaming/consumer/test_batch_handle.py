"""The request for the next batch acknowledges the current one; a handle is acknowledged only by its own `ack`."""

import pytest

from app.streaming.consumer.batch_handle import AutoAckBatches, BatchHandleStream
from tests.unit.app.streaming.fake_stream import FakeStream, build_batch


def build_stream() -> FakeStream:
    return FakeStream(build_batch(0, 9), build_batch(10, 19), build_batch(20, 29))


async def test_faust_itself_acknowledges_nothing() -> None:
    stream = build_stream()
    BatchHandleStream(stream)
    assert not stream.enable_acks


async def test_the_request_for_the_next_batch_acknowledges_the_current_one() -> None:
    stream = build_stream()
    batches = AutoAckBatches(BatchHandleStream(stream))
    first = await anext(batches)
    assert [record.offset for record in first.records] == list(range(10))
    assert stream.app.consumer.acked_offsets == []
    await anext(batches)
    assert stream.app.consumer.acked_offsets == [0]


async def test_the_last_batch_is_acknowledged_when_the_stream_ends() -> None:
    stream = build_stream()
    async for _ in AutoAckBatches(BatchHandleStream(stream)):
        pass
    assert stream.app.consumer.acked_offsets == [0, 10, 20]


async def test_a_dropped_batch_is_released_and_not_acknowledged() -> None:
    stream = build_stream()
    batches = AutoAckBatches(BatchHandleStream(stream))
    await anext(batches)
    batches.release_current()
    batches.release_current()
    await anext(batches)
    await anext(batches)
    assert stream.app.consumer.released_offsets == [0]
    assert stream.app.consumer.acked_offsets == [10]


async def test_handles_are_acknowledged_in_any_order() -> None:
    stream = build_stream()
    handles = [handle async for handle in BatchHandleStream(stream)]
    assert stream.app.consumer.acked_offsets == []
    for number in (2, 0, 1):
        handles[number].ack()
    assert stream.app.consumer.acked_offsets == [20, 0, 10]


async def test_the_end_of_the_stream_is_known() -> None:
    source = BatchHandleStream(FakeStream())
    assert not source.is_exhausted
    with pytest.raises(StopAsyncIteration):
        await anext(source)
    assert source.is_exhausted


async def test_a_handle_reports_its_unfinished_records() -> None:
    stream = build_stream()
    handles = [handle async for handle in BatchHandleStream(stream)]
    handles[1].set_unfinished(3, 300)
    assert stream.app.consumer.unfinished == {10: (3, 300)}
