"""TLS that verifies the server, and a user that may do what Herold does and nothing else."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from app.settings import load_settings
from schemas.errors import UnavailableError
from schemas.idempotent_responses import KeyAcquired, RecentNotification, StoredResponse
from tables.redis.breaker_states import BreakerState, RedisBreakerStates
from tables.redis.client import RedisClient
from tables.redis.idempotent_responses import RedisIdempotentResponses
from tables.redis.profile_cache import RedisProfileCache, forget
from tables.redis.recent_notifications import RedisRecentNotifications
from tables.redis.worker_addresses import RedisWorkerAddresses
from tests.herold_runner import build_herold_runner
from tests.secure_redis import PASSWORD, SecureRedis, run_secure_redis


@pytest.fixture
async def server(redis_url: str, prefix: str, tmp_path: Path) -> AsyncIterator[SecureRedis]:
    """The server, and a file with the password."""
    (tmp_path / "password").write_text(PASSWORD)
    async with run_secure_redis(redis_url, prefix, tmp_path) as server:
        yield server


@asynccontextmanager
async def open_client(server: SecureRedis, prefix: str, **changes: str) -> AsyncIterator[RedisClient]:
    """A client by settings, with other values for some keys of `redis`."""
    keys = {"url": server.url, "password_file": server.get_path("password"), "ca_file": server.get_path("authority.pem"), **changes}
    section = load_settings({f"HEROLD_REDIS_{key.upper()}": value for key, value in keys.items()}).redis
    client = RedisClient(section.url, time.monotonic, prefix, socket_timeout=10.0)
    try:
        yield client
    finally:
        await client.close()


async def use_profiles(client: RedisClient) -> None:
    cache = RedisProfileCache(client, 300, 1.0)
    cached = await cache.read(["u-1"])
    await cache.write([], cached.read_at)
    await cache.confirm({"u-1": 1}, cached.read_at)
    await forget(client, ["u-1"])


async def use_idempotent_responses(client: RedisClient) -> None:
    responses = RedisIdempotentResponses(client, lambda: "token")
    assert await responses.acquire_key("k", "hash") == KeyAcquired("token")
    await responses.store_response("k", "hash", "token", StoredResponse(202, b"{}"))
    assert await responses.acquire_key("k", "hash") == StoredResponse(202, b"{}")
    await responses.acquire_key("released", "hash")
    await responses.release_key("released", "token")
    assert await responses.acquire_key("released", "hash") == KeyAcquired("token")


async def use_the_others(client: RedisClient) -> None:
    recent, addresses, breakers = RedisRecentNotifications(client), RedisWorkerAddresses(client), RedisBreakerStates(client)
    await recent.add_many([RecentNotification("ntf_1", "high")])
    assert await recent.get_priority("ntf_1") == "high"
    await addresses.register("router", "https://w:1")
    assert await addresses.list_urls("router") == ["https://w:1"]
    await breakers.write("a", BreakerState("failures", 1.0, "email-1"), 5.0)
    assert await breakers.read("a") is not None
    assert [*await breakers.read_all(5)] == ["a"]
    await breakers.remove("a")
    await client.execute(lambda redis: redis.ping())


@pytest.mark.parametrize("use", [use_profiles, use_idempotent_responses, use_the_others])
async def test_the_user_may_do_what_herold_does(server: SecureRedis, prefix: str, use: Callable[[RedisClient], Awaitable[None]]) -> None:
    async with open_client(server, prefix) as client:
        await use(client)


@pytest.mark.parametrize(
    "command",
    [
        lambda redis: redis.get("another-installation:key"),
        lambda redis: redis.set("another-installation:key", "x"),
        lambda redis: redis.keys("*"),
        lambda redis: redis.flushall(),
        lambda redis: redis.config_get("*"),
        lambda redis: redis.acl_list(),
        lambda redis: redis.eval("return redis.call('GET', 'another-installation:key')", 0),
    ],
)
async def test_the_user_may_do_nothing_else(server: SecureRedis, prefix: str, command: Callable[[Any], Awaitable[Any]]) -> None:
    async with open_client(server, prefix) as client:
        with pytest.raises(UnavailableError, match=r"NoPermissionError|NOPERM"):
            await client.execute(command)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"url": "localhost"}, "use a name of the certificate in redis.url"),
        ({"ca_file": "other-authority.pem"}, "set redis.ca_file to the certificates of its authority"),
        ({"password_file": "wrong"}, "AuthenticationError"),
    ],
)
async def test_what_is_not_verified_is_refused(server: SecureRedis, prefix: str, changes: dict[str, str], problem: str) -> None:
    (server.directory / "wrong").write_text("wrong-password")
    values = {key: server.get_path(value) for key, value in changes.items()}
    if "url" in changes:
        values["url"] = server.url.replace("127.0.0.1", changes["url"])
    async with open_client(server, prefix, **values) as client:
        with pytest.raises(UnavailableError, match=problem) as raised:
            await client.execute(lambda redis: redis.ping())
    assert PASSWORD not in str(raised.value)
    assert "wrong-password" not in str(raised.value)


def test_the_command_prints_the_rights_of_the_user(prefix: str, tmp_path: Path) -> None:
    herold = build_herold_runner(HEROLD_HOME=str(tmp_path), HEROLD_KAFKA_TOPIC_PREFIX=prefix)
    printed = herold("redis", "acl", "--user", "me").stdout
    assert printed.startswith("user me reset on >PASSWORD ")
    assert f"~{prefix}idem:*" in printed
    (tmp_path / "password").write_text(PASSWORD)
    hashed = herold("redis", "acl", HEROLD_REDIS_PASSWORD_FILE=str(tmp_path / "password")).stdout
    assert PASSWORD not in hashed
    assert "on #" in hashed
