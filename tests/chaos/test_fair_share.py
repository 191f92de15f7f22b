"""A project that floods the gateway: what another project notices of it, from the POST to the message."""

import asyncio
import json
import sys
import time
from collections.abc import Sequence

import httpx
import pytest

from tests.cluster import HeroldCluster, wait_until

POLICY_AGE = "herold_policy_age_seconds"
READING_SECONDS = 1.0  # a reading that ended so long after a change began after it
RATE, BURST = 30, 30  # notifications of a project
CALM = 40  # notifications of the project that does not flood
CONNECTIONS = 16  # of the other one, on each of which it sends as fast as it gets answers


async def wait_for_policy(cluster: HeroldCluster, client: httpx.AsyncClient) -> None:
    """Wait until gateway and router have read rules and templates again, after what was changed before."""
    changed_at = time.monotonic()

    async def have_read() -> bool:
        seconds = time.monotonic() - changed_at
        page = (await client.get("/metrics")).text
        [age] = [float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(POLICY_AGE)]
        return max(age, await asyncio.to_thread(cluster.read_metric, "router", POLICY_AGE)) < seconds - READING_SECONDS

    await wait_until(have_read, 60, "gateway and router have read the policy", interval=0.2)


async def open_project(cluster: HeroldCluster, client: httpx.AsyncClient, project: str) -> str:
    """The text of the key of a new project, which has a rule and a template of its own for its messages."""
    document = {"document": {"email": {"default": {"subject": "{{ code }}", "text": "{{ code }} for {{ minutes }} minutes"}}}}
    rule, admin = {"category": "security", "channels": ["email"], "template": "code"}, client.headers["authorization"]
    for method, path, body in (
        ("POST", "/v1/projects", {"id": project, "name": project}),
        ("POST", f"/v1/projects/{project}/api-keys", {"name": "first", "role": "admin"}),
        ("POST", "/v1/templates/code/versions", document),
        ("POST", "/v1/templates/code/publish", {"version": 1, "force": True}),
        ("PUT", "/v1/rules/account.otp", rule),
    ):
        response = await client.request(method, path, json=body, headers={"if-match": "*"} if "publish" in path else {})
        assert response.status_code in (200, 201), (path, response.text)
        if path.endswith("api-keys"):
            client.headers["authorization"] = f"Bearer {response.json()['key']}"
    key = client.headers.pop("authorization").removeprefix("Bearer ")
    client.headers["authorization"] = admin
    await wait_for_policy(cluster, client)
    del client.headers["authorization"]
    return key


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
    cluster.env["HEROLD_GATEWAY_PROJECTS"] = "true"
    if is_limited:
        cluster.env.update({"HEROLD_LIMITS_PROJECT_PER_SECOND": str(RATE), "HEROLD_LIMITS_PROJECT_BURST": str(BURST)})
    async with asyncio.timeout(280):
        await asyncio.gather(
            cluster.start_simulators(), cluster.start_worker("router"), cluster.start_worker("email"), cluster.start_gateway()
        )
        async with httpx.AsyncClient(base_url=cluster.build_url("gateway", ""), timeout=60) as client:
            keys = []
            for project in ("calm", "flood"):
                client.headers["authorization"] = f"Bearer {cluster.state.get_secret('api_key')}"
                keys.append(await open_project(cluster, client, project))
            calm_key, flood_key = keys
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
