"""A project that floods the gateway: what another project notices of it, from the POST to the message."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence

import httpx
import pytest

from app.api.principal import Principal
from app.api.services.api_key_service import ApiKeyService
from app.api.services.random_id_bits import RandomIdBits
from app.ordered_ids import OrderedIds
from schemas.api_keys import ApiKeyRequest
from schemas.permissions import ROLE_PERMISSIONS, Role
from schemas.users import ChangeOrigin
from tables.postgres.api_keys import ApiKeyStore
from tests.cluster import HeroldCluster
from tests.database_fixtures import create_database

RATE, BURST = 30, 30  # notifications of a project
CALM = 40  # notifications of the project that does not flood
CONNECTIONS = 16  # of the other one, on each of which it sends as fast as it gets answers


async def create_key(cluster: HeroldCluster, project: str) -> str:
    """The text of a new key of a project."""
    database = create_database(cluster.urls.database)
    try:
        service = ApiKeyService(ApiKeyStore(database, OrderedIds(time.time, RandomIdBits(os.urandom))), os.urandom)
        principal = Principal("key", "k", "k", Role.ADMIN, ROLE_PERMISSIONS[Role.ADMIN], project)
        created = await service.create(principal, ApiKeyRequest("test", Role.SERVICE), ChangeOrigin("api", "test"))
        return created.key
    finally:
        await database.close()


async def submit(client: httpx.AsyncClient, key: str, user: str) -> int:
    body = {"user_id": user, "type": "account.otp", "data": {"code": "482193", "minutes": 5}, "to": {"email": f"{user}@example.org"}}
    response = await client.post("/v1/notifications", json={**body, "priority": "high"}, headers={"x-api-key": key})
    return response.status_code


async def start_flood(cluster: HeroldCluster, key: str) -> asyncio.subprocess.Process:
    argv = [sys.executable, "-m", "tests.chaos.flood_client", str(cluster.get_port("gateway")), key, str(CONNECTIONS)]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)


async def end_flood(process: asyncio.subprocess.Process) -> dict[int, int]:
    """How many answers had which status."""
    output, _ = await process.communicate(b"")
    return {int(status): number for status, number in json.loads(output).items()}


async def send_calmly(client: httpx.AsyncClient, key: str, name: str) -> tuple[list[int], dict[str, float]]:
    """The answers, and the times of the submissions by the address that each message goes to."""
    statuses, times = [], {}
    for number in range(CALM):
        times[f"{name}-{number}@example.org"] = time.time()
        statuses.append(await submit(client, key, f"{name}-{number}"))
        await asyncio.sleep(0.1)
    return statuses, times


async def measure_arrivals(cluster: HeroldCluster, times: dict[str, float]) -> Sequence[float]:
    """Seconds from the submission to the provider, in order, when all have arrived."""
    arrived, read = dict[str, float](), 0
    while set(times) - set(arrived):
        for entry in cluster.fetch_request_log(read):
            arrived[entry["address"]], read = entry["at"], entry["seq"]
        await asyncio.sleep(0.2)
    return sorted(arrived[address] - at for address, at in times.items())


@pytest.mark.slow
@pytest.mark.parametrize("is_limited", [True, False])
async def test_a_project_that_floods_gets_its_rate_and_another_one_is_served(cluster: HeroldCluster, is_limited: bool) -> None:
    """Prints what the other one notices, with a limit and, to compare, without (-s shows it); the limits themselves are asserted."""
    if is_limited:
        cluster.env.update({"HEROLD_LIMITS_PROJECT_PER_SECOND": str(RATE), "HEROLD_LIMITS_PROJECT_BURST": str(BURST)})
    async with asyncio.timeout(280):
        await asyncio.gather(
            cluster.start_simulators(), cluster.start_worker("router"), cluster.start_worker("email"), cluster.start_gateway()
        )
        calm_key, flood_key = await create_key(cluster, "calm"), await create_key(cluster, "flood")
        async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), timeout=60) as client:
            alone_statuses, alone = await send_calmly(client, calm_key, "alone")
            started = time.monotonic()
            process = await start_flood(cluster, flood_key)
            beside_statuses, beside = await send_calmly(client, calm_key, "beside")
            answers, seconds = await end_flood(process), time.monotonic() - started
        delays = {"alone": await measure_arrivals(cluster, alone), "beside": await measure_arrivals(cluster, beside)}
    figures = {name: [round(of[len(of) // 2] * 1000), round(of[-2] * 1000)] for name, of in delays.items()}
    print(json.dumps({"is_limited": is_limited, "p50_p98_ms": figures, "flood": answers, "seconds": round(seconds, 1)}))
    assert alone_statuses + beside_statuses == [202] * 2 * CALM
    if is_limited:
        assert answers[429] > 0
        assert answers[202] <= BURST + RATE * seconds + CONNECTIONS + 1
    else:
        assert set(answers) == {202}
