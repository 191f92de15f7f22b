"""Polls a store for what is due, until cancelled."""

from asyncio import Lock
from collections.abc import Awaitable, Callable

from schemas.errors import UnavailableError
from schemas.ports import Sleep

MIN_WAIT = 0.02  # seconds between two polls
FIRST_RETRY = 1.0  # seconds until the next poll while a server is away
LONGEST_RETRY = 10.0

Poll = Callable[[], Awaitable[float]]
"""Does what is due, and returns the seconds until the next poll. Raises UnavailableError."""


class PagePoller:
    """Polls for pages of work until cancelled, or until it is stopped between two of them."""

    def __init__(self, poll: Poll, sleep: Sleep, on_delay: Callable[[str, float], None]) -> None:
        """`poll` works on a page; `on_delay` is called as by `poll_forever`."""
        self._poll_next, self._wait, self._on_delay = poll, sleep, on_delay
        self._page_in_hand = Lock()

    async def run_forever(self) -> None:
        """Work until cancelled; while a server is away, try again."""
        await poll_forever(self._poll, self._wait, self._on_delay)

    async def stop(self) -> None:
        """Let the page in hand end, and begin no other: another worker goes on at once, and does not wait for the end of a lease."""
        await self._page_in_hand.acquire()

    async def _poll(self) -> float:
        async with self._page_in_hand:
            return await self._poll_next()


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
