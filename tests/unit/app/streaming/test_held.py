"""Asking for the next batch acknowledges the one before; held batches only end by their own acknowledgement."""

import pytest

from app.streaming.held import HeldBatches, PlainBatches
from tests.unit.app.streaming.stream_twin import StreamTwin, a_batch


def a_stream() -> StreamTwin:
    return StreamTwin(a_batch(0, 9), a_batch(10, 19), a_batch(20, 29))


async def test_faust_itself_acknowledges_nothing() -> None:
    stream = a_stream()
    HeldBatches(stream)
    assert not stream.enable_acks


async def test_asking_for_the_next_batch_acknowledges_the_one_before() -> None:
    stream = a_stream()
    batches = PlainBatches(HeldBatches(stream))
    first = await anext(batches)
    assert [record.offset for record in first.records] == list(range(10))
    assert stream.app.consumer.acked == []
    await anext(batches)
    assert stream.app.consumer.acked == [0]


async def test_the_last_batch_is_acknowledged_when_the_stream_ends() -> None:
    stream = a_stream()
    async for _ in PlainBatches(HeldBatches(stream)):
        pass
    assert stream.app.consumer.acked == [0, 10, 20]


async def test_a_dropped_batch_is_let_go_and_never_acknowledged() -> None:
    stream = a_stream()
    batches = PlainBatches(HeldBatches(stream))
    await anext(batches)
    batches.drop()
    batches.drop()
    await anext(batches)
    await anext(batches)
    assert stream.app.consumer.let_gone == [0]
    assert stream.app.consumer.acked == [10]


async def test_held_batches_end_in_any_order() -> None:
    stream = a_stream()
    held = [one async for one in HeldBatches(stream)]
    assert stream.app.consumer.acked == []
    for number in (2, 0, 1):
        held[number].ack()
    assert stream.app.consumer.acked == [20, 0, 10]


async def test_the_end_of_the_stream_is_known() -> None:
    source = HeldBatches(StreamTwin())
    assert not source.ended
    with pytest.raises(StopAsyncIteration):
        await anext(source)
    assert source.ended
