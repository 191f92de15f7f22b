"""A source of what is shown, such as Kafka: read at most every few seconds for all who ask, with a deadline, and last known without it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, NamedTuple, TypeVar

from schemas.errors import UnavailableError
from schemas.ports import Clock
from schemas.projects import leave_project

T = TypeVar("T")

DEADLINE: Final = 1.0  # seconds that a request waits for a source


class Answer(NamedTuple, Generic[T]):
    """What a source said last. `as_of`: when; None if it never did. `problem`: why that is not current, `since` when; empty if it is.

    Times in epoch seconds.
    """

    value: T | None
    as_of: float | None
    problem: str = ""
    since: float | None = None


class CachedSource(Generic[T]):
    """Reads a source when somebody asks, one reading at a time. A reading that takes longer than the deadline goes on meanwhile."""

    def __init__(self, read: Callable[[], Awaitable[T]], max_age: float, clock: Clock, deadline: float = DEADLINE) -> None:
        """`max_age`: seconds for which a reading is current, and after which one that failed is repeated; `clock`: epoch seconds."""
        self._read, self._max_age, self._clock, self._deadline = read, max_age, clock, deadline
        self._answer: Answer[T] = Answer(None, None)
        self._task: asyncio.Task[None] | None = None
        self._started_at = -max_age

    async def get(self) -> Answer[T]:
        """What the source says, or what it said last with the problem. Does not raise."""
        self._start_if_due()
        if self._task is not None:
            left = self._started_at + self._deadline - self._clock()
            if left > 0:
                await asyncio.wait([self._task], timeout=left)
        if self._task is not None:
            self._note_problem(f"no answer within {self._deadline:g} s")
        return self._answer

    async def wait_for_reading(self) -> T:
        """The value of a reading that is current, however long it takes. Raises UnavailableError with the problem of one that failed."""
        self._start_if_due()
        if self._task is not None:
            await asyncio.shield(self._task)
        if self._answer.value is None or self._answer.problem:
            raise UnavailableError(self._answer.problem)
        return self._answer.value

    async def close(self) -> None:
        """Cancel a reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _start_if_due(self) -> None:
        now = self._clock()
        if self._task is None and not 0 <= now - self._started_at < self._max_age:
            self._started_at, self._task = now, asyncio.create_task(self._refresh())

    async def _refresh(self) -> None:
        try:
            with leave_project():  # of the request that began it: the reading is for all who ask
                value = await self._read()
            self._answer = Answer(value, self._clock())
        except Exception as error:  # whatever a source raises, the others are shown
            self._note_problem(f"{type(error).__name__}: {error}".rstrip(": "))
        finally:
            self._task = None

    def _note_problem(self, problem: str) -> None:
        since = self._answer.since or self._clock()
        self._answer = self._answer._replace(problem=problem, since=since)
