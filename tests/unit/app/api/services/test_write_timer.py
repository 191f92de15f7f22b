"""When what lingers is written."""

import asyncio

from app.api.services.adaptive_linger import AdaptiveLinger
from app.api.services.write_timer import WriteTimer
from tests.unit.app.api.services.publisher_harness import EndlessLinger


class ScriptedLinger(EndlessLinger):
    """Records are due after the next of these times, in seconds, from each request on."""

    def __init__(self, *delays: float) -> None:
        super().__init__()
        self.delays = list(delays)

    def record_request(self, records: int, now: float) -> None:
        self.due_at = now + self.delays.pop(0)


async def test_what_does_not_linger_is_written_at_once() -> None:
    requested: list[None] = []
    WriteTimer(AdaptiveLinger(0.0), lambda: requested.append(None)).record_request(1)
    assert requested == [None]


async def test_what_lingers_is_written_when_it_is_due_by_the_last_request() -> None:
    requested_at: list[float] = []
    loop = asyncio.get_running_loop()
    done = asyncio.Event()

    def request_write() -> None:
        requested_at.append(loop.time())
        done.set()

    timer, started_at = WriteTimer(ScriptedLinger(0.005, 0.02), request_write), loop.time()
    timer.record_request(1)
    timer.record_request(1)
    await done.wait()
    assert len(requested_at) == 1
    assert requested_at[0] - started_at > 0.015


async def test_a_later_request_may_make_all_due_at_once() -> None:
    requested: list[None] = []
    timer = WriteTimer(ScriptedLinger(3600.0, 0.0), lambda: requested.append(None))
    timer.record_request(1)
    assert requested == []
    timer.record_request(1)
    assert requested == [None]
    timer.cancel()


async def test_nothing_becomes_due_after_a_write() -> None:
    requested: list[None] = []
    timer = WriteTimer(ScriptedLinger(0.002), lambda: requested.append(None))
    timer.record_request(1)
    timer.record_write()
    await asyncio.sleep(0.01)
    assert requested == []
