"""A harness for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.streaming.harness import StreamingHarness, open_harness


@pytest.fixture
async def harness(kafka_url: str, prefix: str, tmp_path: Path) -> AsyncIterator[StreamingHarness]:
    """Topics on the shared broker; the workers are stopped after the test."""
    with open_harness(kafka_url, prefix, tmp_path) as harness:
        await harness.create_topics()
        yield harness
