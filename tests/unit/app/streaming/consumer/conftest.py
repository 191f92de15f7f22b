"""A consumer that never connects."""

from pathlib import Path

import pytest

from app.streaming.consumer.batch_consumer import BatchConsumer
from tests.unit.app.streaming.app_builder import build_app


@pytest.fixture
async def consumer(tmp_path: Path) -> BatchConsumer:
    consumer = build_app(tmp_path).consumer
    assert isinstance(consumer, BatchConsumer)
    consumer.stop_flow()
    return consumer
