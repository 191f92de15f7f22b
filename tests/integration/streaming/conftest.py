"""A scene for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.streaming.live import Scene, scene


@pytest.fixture
async def here(kafka_url: str, prefix: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Topics on the shared broker, and workers that end with the test."""
    with scene(kafka_url, prefix, tmp_path) as made:
        await made.make_topics()
        yield made
