"""Recovery that ends the worker when a step of it takes too long: Faust would take that for a stop, and never read anything again."""

from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery, ServiceStopped


class RecoveryTimeoutError(TimeoutError):
    """A step of recovery outlasted the broker's request timeout."""


class StrictRecovery(Recovery):
    """Faust's recovery, without its silent end."""

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if self.should_stop:
                raise
            raise RecoveryTimeoutError(
                f"a step of recovery took longer than {timeout} s; the worker ends, and recovers when it starts again"
            ) from None


class StrictTableManager(TableManager):
    """Faust's table manager, with our recovery."""

    @property
    def recovery(self) -> Recovery:
        """The service that rebuilds tables."""
        if self._recovery is None:  # type: ignore[has-type]
            self._recovery = StrictRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
