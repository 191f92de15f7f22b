"""The calls of an agent's `run`: an error in a callback or task beside them ends all of them."""

from asyncio import CancelledError, Task, current_task
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class AgentRuns:
    """Tracks the running calls, so that `fail` can end them."""

    def __init__(self) -> None:
        self._tasks: set[Task[Any]] = set()
        self._failure: BaseException | None = None

    @contextmanager
    def track(self) -> Iterator[None]:
        """Run the body as one of the calls. Raises what `fail` was called with, also if that was before."""
        task = current_task()
        assert task is not None
        if self._failure is not None:
            raise self._failure
        self._tasks.add(task)
        try:
            yield
        except CancelledError:
            if self._failure is None:
                raise
            raise self._failure from None
        finally:
            self._tasks.discard(task)

    def fail(self, error: BaseException) -> None:
        """End every call with this error; with the first one, if there are several."""
        self._failure = self._failure or error
        for task in self._tasks:
            task.cancel()
