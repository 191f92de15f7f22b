"""Takes what a provider has suppressed and we do not know: the second net under the callbacks."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final

from agents.callbacks.sendgrid_suppressions import LISTS, PAGE_SIZE, SuppressionLists
from schemas.errors import UnavailableError
from schemas.http import HttpRequest, HttpResult
from schemas.ports import Sleep
from schemas.store_ports import SuppressionSyncStore
from schemas.suppression_sync import SyncDelay, SyncedList

MAX_PAGES: Final = 2000  # of a list, a million entries: an answer that never ends must end
OVERLAP: Final = 900.0  # seconds that a run reads again: the provider's clock may differ, and an entry may be listed some time after it
CHECK_INTERVAL: Final = 60.0  # seconds between two looks whether a run is due

SyncEvent = SyncedList | SyncDelay


class SuppressionSync:
    """Runs at most once in an interval, whichever worker comes first. `send` makes one call; `on_changed` gets the users that changed."""

    def __init__(
        self,
        lists: SuppressionLists,
        store: SuppressionSyncStore,
        send: Callable[[HttpRequest], Awaitable[HttpResult]],
        on_changed: Callable[[Collection[str]], Awaitable[None]],
        sleep: Sleep,
        observe: Callable[[SyncEvent], None],
        account: str,
    ) -> None:
        """`account`: its name, as of a section of faust.yml."""
        self._account = account
        self._lists, self._store, self._send, self._on_changed = lists, store, send, on_changed
        self._sleep, self._observe = sleep, observe

    async def run_forever(self, interval: float) -> None:
        """Run every `interval` seconds until cancelled."""
        while True:
            try:
                await self.run_if_due(interval)
            except UnavailableError as error:
                self._observe(SyncDelay(str(error)))
            await self._sleep(min(CHECK_INTERVAL, interval))

    async def run_if_due(self, interval: float) -> bool:
        """Run unless another run began in the interval; returns whether all lists were read. Raises UnavailableError."""
        claim = await self._store.claim(interval)
        if claim is None:
            return False
        for name in LISTS:
            problem = await self._sync_list(name, max(0.0, claim.start_time - OVERLAP))
            if problem:
                self._observe(SyncDelay(f"{self._account}: {problem}"))
                return False
        await self._store.complete(claim)
        return True

    async def _sync_list(self, name: str, start_time: float) -> str:
        """Read a list and store it page by page; returns what went wrong."""
        read = added = 0
        for number in range(MAX_PAGES):
            page = self._lists.parse_page(name, await self._send(self._lists.build_request(name, start_time, number * PAGE_SIZE)))
            if isinstance(page, str):
                return page
            count, entries = page
            changed_count, users = await self._store.add(name, entries)
            read, added = read + count, added + changed_count
            if users:
                await self._on_changed(users)
            if count < PAGE_SIZE:
                self._observe(SyncedList(name, read, added, self._account))
                return ""
        return f"{name}: more than {MAX_PAGES} pages"
