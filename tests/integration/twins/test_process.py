"""The twins' process: what it has answered is in its ledger, whatever becomes of it."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from agents.providers.http import Limits, PoolClient
from schemas.ids import DELIVERY, new_id
from schemas.ports import Answer, Answered, MaybeSent
from tests.integration.twins.process import TwinProcess, hook, mail, send

Start = Callable[..., TwinProcess]


def statuses(answers: list[Answer]) -> list[int | str]:
    """The answers in short."""
    return [answer.status if isinstance(answer, Answered) else type(answer).__name__ for answer in answers]


def ids(count: int) -> list[str]:
    """Ids of deliveries of this moment."""
    return [new_id(DELIVERY, time.time(), number) for number in range(count)]


async def test_every_request_is_counted(twin: TwinProcess, client: PoolClient) -> None:
    deliveries = ids(500)
    requests = [mail(twin.origin, f"u{number}@example.org", delivery) for number, delivery in enumerate(deliveries)]
    assert statuses(await send(client, *requests, *requests[:20])) == [202] * 520
    report = twin.ask("/ledger")
    assert (report["requests"], report["accepted"], report["duplicates"]) == (520, 500, 20)
    assert report["by_status"] == {"202": 520}
    lines = [msgspec.json.decode(line) for line in twin.ask("/ledger/entries?after=100&limit=9999").splitlines()]
    assert [line["seq"] for line in lines] == list(range(101, 521))
    assert {line["delivery"] for line in lines} <= set(deliveries)


async def test_what_was_answered_outlives_a_kill(start: Start, client: PoolClient) -> None:
    first = start()
    requests = [mail(first.origin, f"u{number}@example.org", delivery) for number, delivery in enumerate(ids(300))]
    answers: list[Answer] = []
    killed = asyncio.Event()

    def on_answer(answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == 100:
            first.process.kill()
        if len(answers) == len(requests):
            killed.set()

    for request in requests:
        client.send(request, on_answer)
    await killed.wait()
    accepted = statuses(answers).count(202)
    assert accepted >= 100
    entered = start().ask("/ledger")["accepted"]
    assert accepted <= entered <= 300


async def test_a_restart_remembers_what_was_tried(start: Start, client: PoolClient) -> None:
    first, (delivery,) = start(), ids(1)
    answers = await send(client, mail(first.origin, "throttle-2@example.org", delivery))
    assert first.end() == 0
    again = start()
    for _ in range(3):
        answers += await send(client, mail(again.origin, "throttle-2@example.org", delivery))
    assert statuses(answers) == [429, 429, 202, 202]
    assert again.ask("/ledger")["duplicates"] == 1


@pytest.mark.parametrize(("fault", "accepted"), [("drop", 1), ("cut", 1), ("reset", 0)])
async def test_connections_that_end(twin: TwinProcess, client: PoolClient, fault: str, accepted: int) -> None:
    assert statuses(await send(client, hook(twin.origin, fault, "d-1"))) == ["MaybeSent"]
    assert twin.ask("/ledger")["accepted"] == accepted
    (entry,) = twin.ask("/ledger/search?delivery=d-1")
    assert entry["fault"] == fault


@pytest.mark.parametrize(("word", "fault", "accepted"), [("hang", "hang", 0), ("slow-600", "", 1)])
async def test_answers_that_do_not_come(twin: TwinProcess, word: str, fault: str, accepted: int) -> None:
    client = PoolClient(Limits(read_timeout=0.5, tick=0.05))
    assert statuses(await send(client, hook(twin.origin, word, "d-1"))) == ["MaybeSent"]
    await client.close()
    assert twin.ask("/ledger")["accepted"] == accepted
    (entry,) = twin.ask("/ledger/search?delivery=d-1")
    assert entry["fault"] == fault


async def test_half_an_answer_is_half_an_answer(twin: TwinProcess) -> None:
    reader, writer = await asyncio.open_connection(*twin.origin.removeprefix("http://").split(":"))
    request = hook(twin.origin, "cut", "d-1")
    writer.write(request.head + request.body)
    half = await reader.read()
    assert half.startswith(b"HTTP/1.1 204")
    assert not half.endswith(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()


async def test_a_slow_answer_comes(twin: TwinProcess, client: PoolClient) -> None:
    assert statuses(await send(client, hook(twin.origin, "slow", "d-1"), hook(twin.origin, "fast", "d-2"))) == [204, 204]


async def test_latency_is_measured_from_the_id(twin: TwinProcess, client: PoolClient) -> None:
    late = new_id(DELIVERY, time.time() - 30, 1)
    await send(client, hook(twin.origin, "u", late))
    assert 30_000 <= twin.ask("/ledger")["latency_ms"]["p50"] < 60_000


async def test_reset(twin: TwinProcess, client: PoolClient) -> None:
    (delivery,) = ids(1)
    await send(client, mail(twin.origin, "fail-1@example.org", delivery))
    assert twin.ask("/ledger/reset", "POST")["requests"] == 0
    assert statuses(await send(client, mail(twin.origin, "fail-1@example.org", delivery))) == [500]
    assert twin.ask("/ledger")["seq"] == 1


async def test_no_message_id_comes_twice(twin: TwinProcess, client: PoolClient) -> None:
    answers = await send(client, mail(twin.origin, "a@example.org", "d-1"), mail(twin.origin, "a@example.org", "d-2"))
    twin.ask("/ledger/reset", "POST")
    answers += await send(client, mail(twin.origin, "a@example.org", "d-3"))
    assert len({answer.headers[b"x-message-id"] for answer in answers if isinstance(answer, Answered)}) == 3


async def exchange(twin: TwinProcess, *parts: bytes) -> bytes:
    """All that the server says until it closes the connection."""
    reader, writer = await asyncio.open_connection(*twin.origin.removeprefix("http://").split(":"))
    for part in parts:
        writer.write(part)
        await writer.drain()
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


async def test_what_is_no_request_is_400(twin: TwinProcess) -> None:
    assert (await exchange(twin, b"SSH-2.0-OpenSSH_9.9\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
    assert (await exchange(twin, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000)).startswith(b"HTTP/1.1 400 ")


async def test_100_continue_and_connection_close(twin: TwinProcess) -> None:
    head = b"POST /hooks/u HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n"
    said = await exchange(twin, head, b"{}")
    assert said.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n")


async def test_a_second_request_before_the_answer_is_not_taken(twin: TwinProcess) -> None:
    request = hook(twin.origin, "hang", "d-1")
    assert await exchange(twin, (request.head + request.body) * 2) == b""
    assert twin.ask("/ledger")["requests"] == 1


async def test_more_than_30_megabytes_is_413(twin: TwinProcess, client: PoolClient) -> None:
    assert statuses(await send(client, hook(twin.origin, "u", "d-1", b"x" * (31 * 1024 * 1024)))) == [413]


async def test_a_ledger_that_cannot_be_written_ends_the_twins_unanswered(start: Start, client: PoolClient) -> None:
    twin = start(most_bytes=2000)
    answers: list[Answer] = []
    for number in range(20):
        answers += await send(client, hook(twin.origin, f"u{number}", f"d-{number}"))
    _, complaint = twin.process.communicate()
    assert twin.process.returncode != 0
    assert "File too large" in complaint
    answered = sum(isinstance(answer, Answered) for answer in answers)
    assert 0 < answered < 20
    assert answered <= twin.ledger.read_bytes().count(b"\n")
    assert any(isinstance(answer, MaybeSent) for answer in answers)


def test_a_ledger_that_is_none_is_refused(tmp_path: Path, start: Start) -> None:
    (tmp_path / "ledger.jsonl").write_text("no ledger\n")
    twin = start()
    _, complaint = twin.process.communicate()
    assert twin.process.returncode != 0
    assert "is no entry of a ledger" in complaint
