"""Table recovery that ends the worker if a step takes too long. Faust treats such a timeout as a stop and never fetches again."""

from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery, ServiceStopped


class RecoveryTimeoutError(TimeoutError):
    """A step of table recovery took longer than the broker's request timeout."""


class StrictRecovery(Recovery):
    """Faust's recovery; a timeout raises RecoveryTimeoutError."""

    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        try:
            await super()._wait(coro, timeout)
        except ServiceStopped:
            if self.should_stop:
                raise
            raise RecoveryTimeoutError(
                f"a step of table recovery took longer than {timeout} s; restart the worker to recover again"
            ) from None


class StrictTableManager(TableManager):
    """Faust's table manager with StrictRecovery."""

    @property
    def recovery(self) -> Recovery:
        """The service that recovers tables from their changelogs."""
        if self._recovery is None:  # type: ignore[has-type]
            self._recovery = StrictRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
