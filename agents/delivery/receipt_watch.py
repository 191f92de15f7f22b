"""Compares the receipts of a channel's accounts: one whose messages get fewer of them in the same time gets fewer deliveries.

Only the history has the receipts, which come to the gateway. A small sample of it is counted now and then.
"""

from collections.abc import Sequence

from agents.delivery.account_set import AccountSet
from agents.delivery.account_weights import compare_receipts
from schemas.errors import UnavailableError
from schemas.history import ReceiptCount
from schemas.ports import Clock, Sleep
from schemas.store_ports import ReceiptCounter

INTERVAL = 30.0  # seconds between two counts
PATIENCE = 120.0  # seconds that a receipt may take
WINDOW = 600.0  # seconds of messages that are counted
MIN_MESSAGES = 20  # of an account; fewer tell nothing
MAX_MESSAGES = 2000  # of all accounts, the newest


class ReceiptWatch:
    """Counts the messages of `names`, the accounts of a channel, and tells the accounts how their receipts compare."""

    def __init__(self, accounts: AccountSet, names: Sequence[str], counter: ReceiptCounter, clock: Clock, sleep: Sleep) -> None:
        self._accounts, self._names, self._counter, self._clock, self._sleep = accounts, names, counter, clock, sleep

    async def run(self) -> None:
        """Compare again and again."""
        while True:
            await self._sleep(INTERVAL)
            await self.compare()

    async def compare(self) -> None:
        """Compare once; without an answer of the history the last comparison stays."""
        until = self._clock() - PATIENCE
        try:
            counts = await self._counter.count_receipts(self._names, until - WINDOW, until, MAX_MESSAGES)
        except UnavailableError:
            return
        by_name = {count.provider: count for count in counts}
        factors = compare_receipts([_compute_share(by_name.get(name)) for name in self._names])
        self._accounts.set_receipts(dict(zip(self._names, factors, strict=True)))


def _compute_share(count: ReceiptCount | None) -> float | None:
    """The part of an account's messages with a receipt; None if there are too few."""
    return count.receipts / count.messages if count is not None and count.messages >= MIN_MESSAGES else None
