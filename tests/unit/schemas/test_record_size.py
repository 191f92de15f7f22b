"""The computed size is never smaller than the batch that aiokafka builds."""

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder

from schemas.ports import Header
from schemas.record_size import compute_batch_size


@pytest.mark.parametrize("headers", [[], [("reason", b"x" * 100)], [("ü" * 10, b""), ("b", b"y")], [("none", None)] * 50])
@pytest.mark.parametrize("value", [b"", b"x" * 10, b"x" * 70_000])
def test_the_size_is_never_underestimated(value: bytes, headers: list[Header]) -> None:
    builder = BatchBuilder(1_000_000, 0)
    builder.append(timestamp=None, key=b"key", value=value, headers=headers)
    assert len(builder._build()) <= compute_batch_size(b"key", value, headers)
