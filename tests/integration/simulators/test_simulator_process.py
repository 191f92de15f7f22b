"""The simulators' process: what it has answered is in its ledger, whatever becomes of it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agents.providers.http import HttpLimits, PooledHttpClient
from schemas.ids import DELIVERY_PREFIX, make_id
from schemas.ports import HttpResponse, HttpResult, MaybeSent
from tests.integration.simulators.simulator_process import SimulatorProcess, build_mail_request, build_webhook_request, send_all

StartSimulators = Callable[..., SimulatorProcess]


def summarize_results(answers: list[HttpResult]) -> list[int | str]:
    """The answers in short."""
    return [answer.status_code if isinstance(answer, HttpResponse) else type(answer).__name__ for answer in answers]


def make_delivery_ids(count: int) -> list[str]:
    """Ids of deliveries of this moment."""
    return [make_id(DELIVERY_PREFIX, time.time(), number) for number in range(count)]


async def test_every_request_is_counted(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    deliveries = make_delivery_ids(500)
    requests = [build_mail_request(simulators.origin, f"u{number}@example.org", delivery) for number, delivery in enumerate(deliveries)]
    assert summarize_results(await send_all(client, *requests, *requests[:20])) == [202] * 520
    report = simulators.fetch("/requests/counts")
    assert (report["requests"], report["accepted"], report["duplicates"]) == (520, 500, 20)
    assert report["by_status"] == {"202": 520}
    lines = [msgspec.json.decode(line) for line in simulators.fetch("/requests?after=100&limit=9999").splitlines()]
    assert [line["seq"] for line in lines] == list(range(101, 521))
    assert {line["delivery_id"] for line in lines} <= set(deliveries)


async def test_what_was_answered_outlives_a_kill(start_simulators: StartSimulators, client: PooledHttpClient) -> None:
    first = start_simulators()
    requests = [
        build_mail_request(first.origin, f"u{number}@example.org", delivery) for number, delivery in enumerate(make_delivery_ids(300))
    ]
    answers: list[HttpResult] = []
    killed = asyncio.Event()

    def on_answer(answer: HttpResult) -> None:
        answers.append(answer)
        if len(answers) == 100:
            first.process.kill()
        if len(answers) == len(requests):
            killed.set()

    for request in requests:
        client.send(request, on_answer)
    await killed.wait()
    accepted = summarize_results(answers).count(202)
    assert accepted >= 100
    entered = start_simulators().fetch("/requests/counts")["accepted"]
    assert accepted <= entered <= 300


async def test_a_restart_remembers_what_was_tried(start_simulators: StartSimulators, client: PooledHttpClient) -> None:
    first, (delivery,) = start_simulators(), make_delivery_ids(1)
    answers = await send_all(client, build_mail_request(first.origin, "throttle-2@example.org", delivery))
    assert first.stop() == 0
    again = start_simulators()
    for _ in range(3):
        answers += await send_all(client, build_mail_request(again.origin, "throttle-2@example.org", delivery))
    assert summarize_results(answers) == [429, 429, 202, 202]
    assert again.fetch("/requests/counts")["duplicates"] == 1


@pytest.mark.parametrize(("fault", "accepted"), [("drop", 1), ("truncate", 1), ("reset", 0)])
async def test_connections_that_end(simulators: SimulatorProcess, client: PooledHttpClient, fault: str, accepted: int) -> None:
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, fault, "d-1"))) == ["MaybeSent"]
    assert simulators.fetch("/requests/counts")["accepted"] == accepted
    (entry,) = simulators.fetch("/requests/search?delivery_id=d-1")
    assert entry["fault"] == fault


@pytest.mark.parametrize(("word", "fault", "accepted"), [("hang", "hang", 0), ("slow-600", "", 1)])
async def test_answers_that_do_not_come(simulators: SimulatorProcess, word: str, fault: str, accepted: int) -> None:
    client = PooledHttpClient(HttpLimits(request_timeout=0.5, tick_seconds=0.05))
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, word, "d-1"))) == ["MaybeSent"]
    await client.close()
    assert simulators.fetch("/requests/counts")["accepted"] == accepted
    (entry,) = simulators.fetch("/requests/search?delivery_id=d-1")
    assert entry["fault"] == fault


async def test_half_an_answer_is_half_an_answer(simulators: SimulatorProcess) -> None:
    reader, writer = await asyncio.open_connection(*simulators.origin.removeprefix("http://").split(":"))
    request = build_webhook_request(simulators.origin, "truncate", "d-1")
    writer.write(request.head + request.body)
    half = await reader.read()
    assert half.startswith(b"HTTP/1.1 204")
    assert not half.endswith(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_slow_answer_comes(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    assert summarize_results(
        await send_all(
            client, build_webhook_request(simulators.origin, "slow", "d-1"), build_webhook_request(simulators.origin, "fast", "d-2")
        )
    ) == [204, 204]


async def test_latency_is_measured_from_the_id(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    late = make_id(DELIVERY_PREFIX, time.time() - 30, 1)
    await send_all(client, build_webhook_request(simulators.origin, "u", late))
    assert 30_000 <= simulators.fetch("/requests/counts")["latency_ms"]["p50"] < 60_000


async def test_reset(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    (delivery,) = make_delivery_ids(1)
    await send_all(client, build_mail_request(simulators.origin, "fail-1@example.org", delivery))
    assert simulators.fetch("/requests/reset", "POST")["requests"] == 0
    assert summarize_results(await send_all(client, build_mail_request(simulators.origin, "fail-1@example.org", delivery))) == [500]
    assert simulators.fetch("/requests/counts")["seq"] == 1


async def test_no_message_id_comes_twice(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    answers = await send_all(
        client, build_mail_request(simulators.origin, "a@example.org", "d-1"), build_mail_request(simulators.origin, "a@example.org", "d-2")
    )
    simulators.fetch("/requests/reset", "POST")
    answers += await send_all(client, build_mail_request(simulators.origin, "a@example.org", "d-3"))
    assert len({answer.headers[b"x-message-id"] for answer in answers if isinstance(answer, HttpResponse)}) == 3


async def exchange_bytes(simulator: SimulatorProcess, *parts: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection(*simulator.origin.removeprefix("http://").split(":"))
    for part in parts:
        writer.write(part)
        await writer.drain()
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


async def test_what_is_no_request_is_400(simulators: SimulatorProcess) -> None:
    assert (await exchange_bytes(simulators, b"SSH-2.0-OpenSSH_9.9\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (await exchange_bytes(simulators, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)).startswith(b"HTTP/1.1 400 ")


async def test_100_continue_and_connection_close(simulators: SimulatorProcess) -> None:
    head = b"POST /hooks/u HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    said = await exchange_bytes(simulators, head, b"{}")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n")


async def test_a_second_request_before_the_answer_is_not_taken(simulators: SimulatorProcess) -> None:
    request = build_webhook_request(simulators.origin, "hang", "d-1")
    assert await exchange_bytes(simulators, (request.head + request.body) * 2) == b""
    assert simulators.fetch("/requests/counts")["requests"] == 1


async def test_more_than_30_megabytes_is_413(simulators: SimulatorProcess, client: PooledHttpClient) -> None:
    assert summarize_results(await send_all(client, build_webhook_request(simulators.origin, "u", "d-1", b"x" * (31 * 1024 * 1024)))) == [
        413
    ]


async def test_a_ledger_that_cannot_be_written_ends_the_simulators_unanswered(
    start_simulators: StartSimulators, client: PooledHttpClient
) -> None:
    simulator = start_simulators(max_bytes=2000)
    answers: list[HttpResult] = []
    for number in range(20):
        answers += await send_all(client, build_webhook_request(simulator.origin, f"u{number}", f"d-{number}"))
    _, complaint = simulator.process.communicate()
    assert simulator.process.returncode != 0
    assert "File too large" in complaint
    answered = sum(isinstance(answer, HttpResponse) for answer in answers)
    assert 0 < answered < 20
    assert answered <= simulator.log_path.read_bytes().count(b"\n")
    assert any(isinstance(answer, MaybeSent) for answer in answers)


def test_a_ledger_that_is_none_is_refused(tmp_path: Path, start_simulators: StartSimulators) -> None:
    (tmp_path / "requests.jsonl").write_text("no ledger\n")
    simulator = start_simulators()
    _, complaint = simulator.process.communicate()
    assert simulator.process.returncode != 0
    assert "is no entry of a request log" in complaint
