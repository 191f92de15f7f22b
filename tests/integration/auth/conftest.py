"""The fixtures of databases, and a gateway where people can log in."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.database_fixtures import database_copy, database_copy_url, shared_database_url
from tests.integration.auth.auth_harness import AuthHarness, open_auth_harness

__all__ = ["database_copy", "database_copy_url", "shared_database_url"]


@pytest.fixture
async def harness(tmp_path: Path, database_copy_url: str, redis_url: str) -> AsyncIterator[AuthHarness]:
    """A gateway with this database."""
    async with open_auth_harness(tmp_path, database_copy_url, redis_url, f"t{uuid.uuid4().hex}.") as harness:
        yield harness
