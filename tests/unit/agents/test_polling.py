"""Polling: the waits between polls, and the retries while a server is away."""

import pytest

from agents.polling import FIRST_RETRY, LONGEST_RETRY, MIN_WAIT, limit_wait, poll_forever
from schemas.errors import UnavailableError


class EndOfTestError(Exception):
    """Ends the polling."""


async def test_the_retries_grow_while_a_server_is_away_and_begin_anew_after_it() -> None:
    results: list[float | None] = [0.5, None, None, None, None, None, 0.0, None]
    waits: list[float] = []
    delays: list[tuple[str, float]] = []

    async def poll() -> float:
        if not results:
            raise EndOfTestError
        wait = results.pop(0)
        if wait is None:
            raise UnavailableError("PostgreSQL is away")
        return wait

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(EndOfTestError):
        await poll_forever(poll, sleep, lambda cause, seconds: delays.append((cause, seconds)))
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, LONGEST_RETRY, 0.0, FIRST_RETRY]
    assert delays == [("PostgreSQL is away", seconds) for seconds in (1.0, 2.0, 4.0, 8.0, LONGEST_RETRY, FIRST_RETRY)]


@pytest.mark.parametrize(("wait", "expected"), [(None, 5.0), (60.0, 5.0), (1.5, 1.5), (0.0, MIN_WAIT), (-3.0, MIN_WAIT)])
def test_a_poll_comes_when_something_is_due_and_at_least_once_in_an_interval(wait: float | None, expected: float) -> None:
    assert limit_wait(wait, 5.0) == expected
