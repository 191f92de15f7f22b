"""The router's consent on real servers: from Redis, without Redis from PostgreSQL, and without both not at all."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agents.router.parking import ParkingLimits
from app.profile_reader import build_profile_reader
from schemas.policy import Rule
from schemas.ports import Batch
from tables.postgres.database import Database
from tables.redis.client import RedisClient
from tests.settings_builders import DEFAULT_SETTINGS
from tests.tcp_proxy import TcpProxy, run_proxy
from tests.unit.agents.router.builders import POLICY
from tests.unit.agents.router.harness import (
    USER_ID,
    USER_PARTITION,
    FakeBatchHandle,
    RouterHarness,
    build_notification,
    build_policy,
    build_record,
    encode_value,
    iterate,
    make_notification_id,
)

SALE = Rule("shop.sale", "marketing", "low", ("email",), template="shipped")
ALARM = Rule("account.alarm", "security", "high", ("email",), template="shipped", mandatory=True)


class Servers:
    """A router whose profiles come through Redis and PostgreSQL behind proxies."""

    def __init__(self, redis: TcpProxy, postgres: TcpProxy, prefix: str) -> None:
        self.redis, self.postgres = redis, postgres
        section = DEFAULT_SETTINGS.redis
        self.client, self.database = (
            RedisClient(redis.url, time.monotonic, prefix, section.socket_timeout),
            Database(postgres.url, 2, 1.0, 1.0),
        )
        self.harness = RouterHarness(build_policy(rules=[*POLICY.rules.values(), SALE, ALARM]), parking_limits=ParkingLimits(100, 100_000))
        self.harness.router._profiles = build_profile_reader(self.client, self.database, section)
        self.harness.sleep = lambda _: asyncio.sleep(0.1)  # type: ignore[method-assign]
        self._last = 0

    async def route(self, rule: Rule, **fields: Any) -> None:
        """Route one notification, and wait until it is decided or parked."""
        self._last += 1
        value = build_notification(id=make_notification_id(self._last), type=rule.type, **fields)
        handle = FakeBatchHandle(Batch("notifications.low", USER_PARTITION, [build_record(encode_value(value), self._last)]))
        await self.harness.router.run(iterate(handle))

    async def wait_for_decisions(self, count: int) -> list[tuple[str, str]]:
        """The states and reasons, once there are so many."""
        async with asyncio.timeout(60):
            while len(self.harness.decided_events) < count:
                await asyncio.sleep(0.02)
        return [(event.type, event.reason) for event in self.harness.decided_events]


@pytest.fixture
async def servers(redis_url: str, database_copy_url: str, prefix: str) -> AsyncIterator[Servers]:
    async with run_proxy(redis_url) as redis, run_proxy(database_copy_url) as postgres:
        servers = Servers(redis, postgres, prefix)
        yield servers
        await servers.harness.router.stop()
        await servers.client.close()
        await servers.database.close()


async def test_consent_comes_from_either_server_and_waits_without_both(servers: Servers) -> None:
    async with servers.database.acquire_connection() as connection:
        await connection.execute("""insert into users (id, addresses) values ($1, '{"email": ["ada@example.org"]}')""", USER_ID)
    await servers.route(SALE)
    await servers.redis.disable()
    async with servers.database.acquire_connection() as connection:
        await connection.execute("insert into user_preferences (user_id, choice) values ($1, 'out')", USER_ID)
    await servers.route(SALE)
    assert await servers.wait_for_decisions(2) == [(SALE.type, ""), (SALE.type, "opted_out")]
    await servers.postgres.disable()
    await asyncio.sleep(2.1)  # then what is in memory is too old for consent
    await servers.route(SALE)
    await servers.route(ALARM, to={"email": "ada@example.org"})
    assert (await servers.wait_for_decisions(3))[2] == (ALARM.type, "")
    await servers.postgres.enable()
    assert (await servers.wait_for_decisions(4))[3] == (SALE.type, "opted_out")
