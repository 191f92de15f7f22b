"""The real load generator and sink; the sink accepts a notification, too, and so stands for Herold."""

import asyncio
from typing import Any

import pytest

from tests.bench.live.figures import count_notifications, select_arrivals
from tests.bench.live.messages import Load
from tests.bench.live.processes import run_generator, run_sink
from tests.bench.live.runs import RUNS, select_runs
from tests.bench.live.send_log import LoadError


def build_load(gateway: str, **pace: Any) -> Load:
    """A load of 0.2 s from number 7 on."""
    return Load(channel="webhook", priority="high", sink="http://127.0.0.1:1", first_number=7, seconds=0.2, gateway=gateway, **pace)


@pytest.mark.parametrize("pace", [{"clients": 4}, {"rate": 200.0, "warm_up_seconds": 0.1}], ids=["closed loop", "schedule"])
async def test_each_notification_is_posted_once(pace: dict[str, float]) -> None:
    async with run_sink() as sink:
        load = build_load(sink.origin.removeprefix("http://"), **pace)
        events: list[str] = []
        result = await run_generator(load, lambda: events.append("measuring"), lambda: events.append("sent"))
        await sink.wait_for(len(result.due), patience=10)
        arrivals = select_arrivals(await sink.take_arrivals(), load.first_number, len(result.due))
    counts = count_notifications(result, arrivals, recorded=len(result.due))
    assert events == ["measuring", "sent"]
    assert counts["posted"] == counts["accepted"] > 0
    assert counts["lost"] == counts["duplicates"] == 0
    if load.rate:
        assert (counts["posted"], result.warm_up_count) == (60, 20)


async def test_a_gateway_that_is_not_there_is_an_error() -> None:
    load = build_load("127.0.0.1:1", clients=1)
    with pytest.raises(LoadError, match=r"no connection to the gateway at 127\.0\.0\.1:1"):
        await run_generator(load, lambda: None, lambda: None)


async def test_a_gateway_that_does_not_accept_is_an_error() -> None:
    async def reject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy")
        writer.close()

    async with await asyncio.start_server(reject, "127.0.0.1") as server:
        load = build_load(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", clients=1)
        with pytest.raises(LoadError, match=r"did not accept notification 7: HTTP/1\.1 503"):
            await run_generator(load, lambda: None, lambda: None)


async def test_a_notification_that_is_not_confirmed_is_an_error() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(ignore, "127.0.0.1") as server:
        load = build_load(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", clients=2, answer_timeout=0.1)
        with pytest.raises(LoadError, match="2 notifications are not confirmed after 0 s"):
            await run_generator(load, lambda: None, lambda: None)


async def test_a_request_that_the_sink_cannot_read_is_an_error() -> None:
    async with run_sink() as sink:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(sink.origin.rpartition(":")[2]))
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(LoadError, match="the sink got a request without the number"):
            await sink.wait_for(1, patience=1)


def test_runs_are_selected_by_name() -> None:
    assert [run.name for run in select_runs("100,rest")] == ["rest", "100"]
    assert {run.priority for run in RUNS.values()} == {"high", "medium", "low"}
    with pytest.raises(ValueError, match="no run 5"):
        select_runs("100,5")
