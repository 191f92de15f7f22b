"""Verifies a log against its hash chain and checkpoints, page by page, and stops at the first entry that is wrong."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from schemas.checkpoints import Checkpoint, CheckpointKeys
from schemas.log_chain import EMPTY_CHAIN, ChainHead, LogName, find_break
from tables.postgres.database import Database
from tables.postgres.log_chain import ChainSnapshot, LinkedEntry, open_snapshot

PAGE_SIZE: Final = 2000  # entries


class KnownHead(NamedTuple):
    """A head that was noted outside of the database: the hash of the chain up to the entry `number`."""

    number: int
    hash: bytes


class VerifiedLog(Struct, frozen=True):
    """What a verification found. `problem` is the first one, empty if there is none; the counts are those up to it.

    `signed` is the number of the last entry that a checkpoint covers, `erased` counts the entries of erased users, `unlinked` those that
    wait for their place.
    """

    log: LogName
    entries: int
    erased: int
    signed: int
    unlinked: int
    hash: str
    problem: str = ""


async def verify_log(database: Database, log: LogName, keys: CheckpointKeys | None, known_head: KnownHead | None = None) -> VerifiedLog:
    """Verify one log. Without keys the signatures of checkpoints are not verified. Raises UnavailableError."""
    async with open_snapshot(database) as snapshot:
        verifier = LogVerifier(log, keys, known_head)
        async for page in snapshot.iterate(log, PAGE_SIZE):
            if problem := verifier.find_problem(page):
                return verifier.build_result(problem, 0)
        problem = verifier.find_truncation(await snapshot.get_last_checkpoint(log)) or await _find_outside(snapshot, log)
        return verifier.build_result(problem, await snapshot.count_unlinked(log))


async def _find_outside(snapshot: ChainSnapshot, log: LogName) -> str:
    return await snapshot.find_outside(log) or await snapshot.find_unexplained_erasure()


class LogVerifier:
    """Follows a chain from its beginning."""

    def __init__(self, log: LogName, keys: CheckpointKeys | None, known_head: KnownHead | None = None) -> None:
        self._log, self._keys, self._known_head = log, keys, known_head
        self._head, self._erased, self._signed = EMPTY_CHAIN, 0, 0

    def find_problem(self, page: Sequence[LinkedEntry]) -> str:
        """What is wrong with the entries that follow; empty if nothing is."""
        for linked in page:
            if problem := find_break(self._log, self._head, linked.link, linked.entry):
                return problem
            self._head = ChainHead(linked.link.number, linked.link.hash)
            self._erased += linked.entry is not None and linked.entry.salt is None
            if problem := self._find_false_head(linked.checkpoint):
                return problem
        return ""

    def find_truncation(self, last: Checkpoint | None) -> str:
        """What is missing at the end, as the last checkpoint and the known head show; empty if nothing is."""
        known = [(last.number, "a checkpoint")] if last else []
        known += [(self._known_head.number, "a head that was noted elsewhere")] if self._known_head else []
        for number, witness in known:
            if number > self._head.number:
                return f"the {self._log} log was cut after entry {self._head.number}: {witness} shows that it had {number}"
        return ""

    def build_result(self, problem: str, unlinked: int) -> VerifiedLog:
        """What was found until now."""
        return VerifiedLog(self._log, self._head.number, self._erased, self._signed, unlinked, self._head.hash.hex(), problem)

    def _find_false_head(self, checkpoint: Checkpoint | None) -> str:
        """What is wrong at the head's place with the checkpoint, or with the head that was noted elsewhere; empty if nothing is."""
        number = self._head.number
        if self._known_head and self._known_head.number == number and self._known_head.hash != self._head.hash:
            return f"entry {number} of the {self._log} log, or one before it, is another one than when its head was noted elsewhere"
        if checkpoint is None:
            return ""
        name = f"the checkpoint at entry {number} of the {self._log} log"
        if checkpoint.hash != self._head.hash:
            return f"{name} has another hash than the chain: an entry up to it was replaced"
        if self._keys and (problem := self._keys.find_problem(checkpoint)):
            return f"{name} {problem}"
        self._signed = number
        return ""
