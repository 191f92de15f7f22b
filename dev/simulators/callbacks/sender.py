"""Posts callbacks over a bounded number of connections, and tries again as the vendor does."""

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from dev.simulators.callbacks.post import CallbackPost, PostResult

if TYPE_CHECKING:
    from aiohttp import ClientSession

MAX_CONNECTIONS = 16
MAX_OUTSTANDING = 200_000  # posts that are queued, in flight or waiting for a further try; more are discarded and counted
_RESULTS_BY_STATUS = {2: PostResult.ACCEPTED, 3: PostResult.REDIRECTED, 4: PostResult.CLIENT_ERROR}


class CallbackSender:
    """Counts its posts in `counts`: the results of all tries, `retried`, `given_up` and `discarded`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._queue: asyncio.Queue[tuple[CallbackPost, int, asyncio.Future[None] | None]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._session: ClientSession | None = None
        self.counts: Counter[str] = Counter()
        self.outstanding = 0

    def send(self, post: CallbackPost, first_try: "asyncio.Future[None] | None" = None) -> None:
        """Post it when a connection is free; `first_try` is set after the first try, whatever its result."""
        if self.outstanding >= MAX_OUTSTANDING:
            self.counts["discarded"] += 1
            if first_try and not first_try.done():
                first_try.set_result(None)
            return
        if not self._tasks:
            self._tasks = [self._loop.create_task(self._post_queued()) for _ in range(MAX_CONNECTIONS)]
        self.outstanding += 1
        self._queue.put_nowait((post, 0, first_try))

    async def close(self) -> None:
        """Stop; what is outstanding is not posted."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def _post_queued(self) -> None:
        while True:
            post, retries, first_try = await self._queue.get()
            result = await self._try_once(post)
            self.counts[result] += 1
            if first_try and not first_try.done():
                first_try.set_result(None)
            rule = post.retry_rule
            if result in rule.results and retries < len(rule.delays):
                self.counts["retried"] += 1
                self._loop.call_later(rule.delays[retries], self._queue.put_nowait, (post, retries + 1, None))
                continue
            self.counts["given_up"] += result is not PostResult.ACCEPTED
            self.outstanding -= 1

    async def _try_once(self, post: CallbackPost) -> PostResult:
        import aiohttp  # here, because the simulators need it only with callbacks
        from yarl import URL

        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MAX_CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            )
        timeout = aiohttp.ClientTimeout(sock_connect=post.connect_timeout, sock_read=post.read_timeout)
        url = URL(post.url, encoded=True)  # the signature covers the URL as it is
        try:
            async with self._session.post(url, data=post.body, headers=post.headers, timeout=timeout, allow_redirects=False) as response:
                return _RESULTS_BY_STATUS.get(response.status // 100, PostResult.SERVER_ERROR)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
            return PostResult.NOT_CONNECTED
        except (aiohttp.ClientError, TimeoutError):
            return PostResult.NOT_ANSWERED
