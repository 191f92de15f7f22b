import asyncio

import pytest

from app.api.pipeline.source import Answer, CachedSource
from schemas.errors import UnavailableError
from schemas.projects import project_in_force


class Server:
    """Answers with the count of its readings; fails with `error`, and waits while it is held."""

    def __init__(self) -> None:
        self.now, self.count, self.error = 100.0, 0, ""
        self.released = asyncio.Event()
        self.released.set()

    def get_time(self) -> float:
        return self.now

    async def read(self) -> int:
        self.count += 1
        await self.released.wait()
        if self.error:
            raise OSError(self.error)
        return self.count

    def build_source(self, deadline: float = 5.0) -> CachedSource[int]:
        return CachedSource(self.read, 2.0, self.get_time, deadline)


async def test_a_reading_is_for_all_who_ask_and_for_a_while() -> None:
    server = Server()
    source = server.build_source()
    assert await asyncio.gather(source.get(), source.get()) == [Answer(1, 100.0)] * 2
    server.now += 1.9
    assert await source.get() == Answer(1, 100.0)
    server.now += 0.1
    assert await source.get() == Answer(2, 102.0)


async def test_a_clock_that_was_set_back_does_not_stop_the_readings() -> None:
    server = Server()
    source = server.build_source()
    await source.get()
    server.now -= 1000
    assert (await source.get()).value == 2


async def test_a_source_that_fails_is_shown_as_it_was_since_when_it_fails() -> None:
    server = Server()
    source = server.build_source()
    await source.get()
    server.now, server.error = 110.0, "away"
    assert await source.get() == Answer(1, 100.0, "OSError: away", 110.0)
    server.now = 120.0
    assert await source.get() == Answer(1, 100.0, "OSError: away", 110.0)
    server.now, server.error = 130.0, ""
    assert await source.get() == Answer(4, 130.0)


async def test_a_source_that_does_not_answer_holds_nobody_up_for_longer_than_the_deadline() -> None:
    server = Server()
    source = server.build_source(deadline=0.01)
    server.released.clear()
    assert await source.get() == Answer(None, None, "no answer within 0.01 s", 100.0)
    server.now += 60
    assert (await source.get()).since == 100.0
    assert server.count == 1, "the reading goes on, and no second one begins"
    server.released.set()
    assert await source.wait_for_reading() == 1
    assert await source.get() == Answer(2, 160.0)


async def test_who_needs_a_current_reading_gets_it_or_the_problem() -> None:
    server = Server()
    source = server.build_source()
    server.error = "away"
    with pytest.raises(UnavailableError, match="OSError: away"):
        await source.wait_for_reading()
    server.now, server.error = 110.0, ""
    assert await source.wait_for_reading() == 2


async def test_a_reading_is_of_all_projects_whoever_asks_first() -> None:
    async def read() -> str | None:
        return project_in_force.get()

    source = CachedSource(read, 2.0, lambda: 100.0)
    token = project_in_force.set("acme")
    try:
        assert await source.get() == Answer(None, 100.0)
        assert project_in_force.get() == "acme"
    finally:
        project_in_force.reset(token)


async def test_closing_ends_a_reading() -> None:
    server = Server()
    source = server.build_source(deadline=0.0)
    await source.close()
    server.released.clear()
    await source.get()
    await source.close()
    assert (await source.get()).value is None
