"""The simulators' process: each request with a response is in the request log, also after a kill."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agents.providers.http import PooledHttpClient
from schemas.http import HttpResponse, HttpResult, MaybeSent
from schemas.ids import DELIVERY_PREFIX, make_id
from tests.integration.simulators.simulator_process import SimulatorProcess, build_mail_request, build_webhook_request, send_all
from tests.settings_builders import build_http_limits

StartSimulators = Callable[..., SimulatorProcess]


def summarize_results(results: list[HttpResult]) -> list[int | str]:
    """Replace each response by its status code, and each other result by the name of its class."""
    return [result.status_code if isinstance(result, HttpResponse) else type(result).__name__ for result in results]


def make_delivery_ids(count: int) -> list[str]:
    """Make delivery ids with the current time."""
    return [make_id(DELIVERY_PREFIX, time.time(), number) for number in range(count)]


async def test_every_request_is_counted(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    delivery_ids = make_delivery_ids(500)
    requests = [
        build_mail_request(simulators.origin, f"u{number}@example.org", delivery_id) for number, delivery_id in enumerate(delivery_ids)
    ]
    assert summarize_results(await send_all(client, *requests, *requests[:20])) == [202] * 520
    report = simulators.fetch("/requests/counts")
    assert (report["requests"], report["accepted"], report["duplicates"]) == (520, 500, 20)
    assert report["by_status"] == {"202": 520}
    lines = [msgspec.json.decode(line) for line in simulators.fetch("/requests?after=100&limit=9999").splitlines()]
    assert [line["seq"] for line in lines] == list(range(101, 521))
    assert {line["delivery_id"] for line in lines} <= set(delivery_ids)


async def test_requests_with_a_response_are_logged_although_the_process_is_killed(
    start_simulators: StartSimulators, client: PooledHttpClient
) -> None:
    killed_process = start_simulators()
    requests = [
        build_mail_request(killed_process.origin, f"u{number}@example.org", delivery_id)
        for number, delivery_id in enumerate(make_delivery_ids(300))
    ]
    results: list[HttpResult] = []
    all_ended = asyncio.Event()

    def on_result(result: HttpResult) -> None:
        results.append(result)
        if len(results) == 100:
            killed_process.process.kill()
        if len(results) == len(requests):
            all_ended.set()

    for request in requests:
        client.send(request, on_result)
    await all_ended.wait()
    accepted = summarize_results(results).count(202)
    assert accepted >= 100
    logged = start_simulators().fetch("/requests/counts")["accepted"]
    assert accepted <= logged <= 300


async def test_the_limits_of_stubs_survive_a_restart(start_simulators: StartSimulators, client: PooledHttpClient) -> None:
    first, (delivery_id,) = start_simulators(), make_delivery_ids(1)
    results = await send_all(client, build_mail_request(first.origin, "throttle-2@example.org", delivery_id))
    assert first.stop() == 0
    second = start_simulators()
    for _ in range(3):
        results += await send_all(client, build_mail_request(second.origin, "throttle-2@example.org", delivery_id))
    assert summarize_results(results) == [429, 429, 202, 202]
    assert second.fetch("/requests/counts")["duplicates"] == 1


@pytest.mark.parametrize(("fault", "accepted"), [("drop", 1), ("truncate", 1), ("reset", 0)])
async def test_a_fault_that_ends_the_connection(simulators: SimulatorProcess, client: PooledHttpClient, fault: str, accepted: int) -> None:
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, fault, "d-1"))) == ["MaybeSent"]
    assert simulators.fetch("/requests/counts")["accepted"] == accepted
    (entry,) = simulators.fetch("/requests/search?delivery_id=d-1")
    assert entry["fault"] == fault


@pytest.mark.parametrize(("word", "fault", "accepted"), [("hang", "hang", 0), ("slow-600", "", 1)])
async def test_a_request_without_a_response_in_time(simulators: SimulatorProcess, word: str, fault: str, accepted: int) -> None:
    client = PooledHttpClient(build_http_limits(request_timeout=0.5, tick_seconds=0.05))
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, word, "d-1"))) == ["MaybeSent"]
    await client.close()
    assert simulators.fetch("/requests/counts")["accepted"] == accepted
    (entry,) = simulators.fetch("/requests/search?delivery_id=d-1")
    assert entry["fault"] == fault


async def test_the_fault_truncate_sends_half_of_the_response(simulators: SimulatorProcess) -> None:
    reader, writer = await asyncio.open_connection(*simulators.origin.removeprefix("http://").split(":"))
    request = build_webhook_request(simulators.origin, "truncate", "d-1")
    writer.write(request.head + request.body)
    content = await reader.read()
    assert content.startswith(b"HTTP/1.1 204")
    assert not content.endswith(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_slow_response_arrives(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    assert summarize_results(
        await send_all(
            client, build_webhook_request(simulators.origin, "slow", "d-1"), build_webhook_request(simulators.origin, "fast", "d-2")
        )
    ) == [204, 204]


async def test_the_latency_is_measured_from_the_time_in_the_delivery_id(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    delivery_id = make_id(DELIVERY_PREFIX, time.time() - 30, 1)
    await send_all(client, build_webhook_request(simulators.origin, "u", delivery_id))
    assert 30_000 <= simulators.fetch("/requests/counts")["latency_ms"]["p50"] < 60_000


async def test_a_reset_clears_the_counts_of_the_log_and_of_stubs(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    (delivery_id,) = make_delivery_ids(1)
    await send_all(client, build_mail_request(simulators.origin, "fail-1@example.org", delivery_id))
    assert simulators.fetch("/requests/reset", "POST")["requests"] == 0
    assert summarize_results(await send_all(client, build_mail_request(simulators.origin, "fail-1@example.org", delivery_id))) == [500]
    assert simulators.fetch("/requests/counts")["seq"] == 1


async def test_message_ids_are_unique_across_a_reset(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    results = await send_all(
        client, build_mail_request(simulators.origin, "a@example.org", "d-1"), build_mail_request(simulators.origin, "a@example.org", "d-2")
    )
    simulators.fetch("/requests/reset", "POST")
    results += await send_all(client, build_mail_request(simulators.origin, "a@example.org", "d-3"))
    assert len({result.headers[b"x-message-id"] for result in results if isinstance(result, HttpResponse)}) == 3


async def exchange_bytes(simulator: SimulatorProcess, *parts: bytes) -> bytes:
    """Write to a new connection; return everything that the server sends until it closes the connection."""
    reader, writer = await asyncio.open_connection(*simulator.origin.removeprefix("http://").split(":"))
    for part in parts:
        writer.write(part)
        await writer.drain()
    content = await reader.read()
    writer.close()
    await writer.wait_closed()
    return content


async def test_an_invalid_http_request_gets_400(simulators: SimulatorProcess) -> None:
    assert (await exchange_bytes(simulators, b"SSH-2.0-OpenSSH_9.9\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (await exchange_bytes(simulators, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)).startswith(b"HTTP/1.1 400 ")


async def test_expect_100_continue_and_connection_close(simulators: SimulatorProcess) -> None:
    headers = b"Expect: 100-continue\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    head = b"POST /hooks/u HTTP/1.1\r\nHost: t\r\n%b\r\n" % headers
    content = await exchange_bytes(simulators, head, b"{}")
    assert content.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n")


async def test_a_second_request_before_the_response_closes_the_connection(simulators: SimulatorProcess) -> None:
    request = build_webhook_request(simulators.origin, "hang", "d-1")
    assert await exchange_bytes(simulators, (request.head + request.body) * 2) == b""
    assert simulators.fetch("/requests/counts")["requests"] == 1


async def test_a_body_of_more_than_30_megabytes_gets_413(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, "u", "d-1", b"x" * (31 * 1024 * 1024)))) == [
        413
    ]


async def test_a_failed_write_to_the_request_log_stops_the_simulators_without_a_response(
    start_simulators: StartSimulators, client: PooledHttpClient
) -> None:
    simulator = start_simulators(max_bytes=2000)
    results: list[HttpResult] = []
    for number in range(20):
        results += await send_all(client, build_webhook_request(simulator.origin, f"u{number}", f"d-{number}"))
    _, error_output = simulator.process.communicate()
    assert simulator.process.returncode != 0
    assert "File too large" in error_output
    response_count = sum(isinstance(result, HttpResponse) for result in results)
    assert 0 < response_count < 20
    assert response_count <= simulator.log_path.read_bytes().count(b"\n")
    assert any(isinstance(result, MaybeSent) for result in results)


def test_a_file_that_is_not_a_request_log_stops_the_start(tmp_path: Path, start_simulators: StartSimulators) -> None:
    (tmp_path / "requests.jsonl").write_text("not an entry\n")
    simulator = start_simulators()
    _, error_output = simulator.process.communicate()
    assert simulator.process.returncode != 0
    assert "not an entry of a request log" in error_output
