"""A broker coordinates groups that nobody has used yet, and one that is away is named."""

import pytest

from app.admin.consumer_groups import wait_for_coordinators
from schemas.errors import UnavailableError


async def test_groups_that_do_not_exist_are_coordinated(kafka_url: str, prefix: str) -> None:
    await wait_for_coordinators(kafka_url, [f"{prefix}{number}" for number in range(4)])


async def test_a_broker_that_is_away_is_named() -> None:
    with pytest.raises(UnavailableError, match=r"Kafka at 127.0.0.1:1 does not coordinate consumer groups"):
        await wait_for_coordinators("127.0.0.1:1", ["router"])
