"""A whole Herold for one test, on the session's servers."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.local.stack import Urls
from tests.stand import Stand


@pytest.fixture
def urls(kafka_url: str, database_url: str, redis_url: str) -> Urls:
    """The session's servers, with an empty database."""
    return Urls(kafka_url, database_url, redis_url)


@pytest.fixture
async def stand(tmp_path: Path, urls: Urls) -> AsyncIterator[Stand]:
    """Topics and tables are there; a test starts the roles that it wants. A dead worker's partitions are free after six seconds."""
    stand = Stand(tmp_path / "stand", urls, f"t-{uuid.uuid4().hex[:12]}.", HEROLD_KAFKA_SESSION_TIMEOUT="6")
    await stand.prepare()
    try:
        yield stand
    finally:
        await stand.close()
