"""Polls a store for what is due, until cancelled."""

from collections.abc import Awaitable, Callable

from schemas.errors import UnavailableError
from schemas.ports import Sleep

MIN_WAIT = 0.02  # seconds between two polls
FIRST_RETRY = 1.0  # seconds until the next poll while a server is away
LONGEST_RETRY = 10.0

Poll = Callable[[], Awaitable[float]]
"""Does what is due, and returns the seconds until the next poll. Raises UnavailableError."""


async def poll_forever(poll: Poll, sleep: Sleep, on_delay: Callable[[str, float], None]) -> None:
    """Poll until cancelled. While a server is away, call `on_delay` with the cause and the seconds until the next poll."""
    retry = FIRST_RETRY
    while True:
        try:
            wait, retry = await poll(), FIRST_RETRY
        except UnavailableError as error:
            on_delay(str(error), retry)
            wait, retry = retry, min(2 * retry, LONGEST_RETRY)
        await sleep(wait)


def limit_wait(wait: float | None, interval: float) -> float:
    """The seconds until the next poll: `wait` until something is due (None if nothing is), at most `interval`, for what is new."""
    return interval if wait is None else min(interval, max(MIN_WAIT, wait))
