"""A handle is acknowledged only by its own `ack`."""

import pytest

from app.streaming.consumer.faust_batch import BatchHandleStream
from tests.unit.app.streaming.fake_stream import FakeStream, build_batch


def build_stream() -> FakeStream:
    return FakeStream(build_batch(0, 9), build_batch(10, 19), build_batch(20, 29))


async def test_faust_itself_acknowledges_nothing() -> None:
    stream = build_stream()
    BatchHandleStream(stream)
    assert not stream.enable_acks


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
