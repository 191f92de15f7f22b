"""The protocol of the store of redrives that the redriver uses; tables/ implements it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from schemas.redrives import ClaimedRedrive, RedriveItem, RedriveResult


class RedrivePages(Protocol):
    """The redrives that are to be sent, page by page; `holder` names the worker. Each method raises UnavailableError."""

    async def claim(self, holder: str) -> ClaimedRedrive | None:
        """A redrive whose next page is due and that no other worker has in hand; None if there is none."""
        ...

    async def get_wait(self) -> float | None:
        """Seconds until the next page of any redrive is due; None if no redrive waits."""
        ...

    async def read_page(self, redrive_id: str, limit: int) -> list[RedriveItem]:
        """At most `limit` of its dead letters that have no result yet, fewer if they are large."""
        ...

    async def take(self, redrive_id: str, dead_letter_ids: Sequence[str]) -> Mapping[str, RedriveResult] | None:
        """Take in hand what is about to be produced: from now on nobody discards it, and no other redrive produces it.

        Returns those that were discarded, deleted or taken by another redrive since they were read, with their results; None, with none in
        hand, if the redrive does not run any more.
        """
        ...

    async def renew(self, redrive_id: str, holder: str) -> None:
        """Keep a page in hand for longer than its lease."""
        ...

    async def store_page(self, redrive_id: str, results: Mapping[str, RedriveResult], seconds: float) -> bool:
        """Store the results by dead letter, each once, and give the redrive back; the next page is due `seconds` after this one was.

        Returns whether it was the last.
        """
        ...

    async def fail(self, redrive_id: str, holder: str, error: str) -> None:
        """End a redrive that cannot go on."""
        ...
