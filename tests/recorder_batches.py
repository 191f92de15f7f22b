"""Batches for the recorders, with handles that note their calls."""

import asyncio
from collections.abc import Collection
from typing import Any

from agents.recorder.group_recorder import GroupRecorder
from schemas.ports import Batch, BatchHandles


class FakeBatchHandle:
    """A handle that notes its calls; `acked` is set by `ack`."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.calls, self.acked = batch, list[str](), asyncio.Event()

    def ack(self) -> None:
        self.calls.append("acknowledged")
        self.acked.set()

    def set_unfinished(self, records: int, size: int) -> None:
        raise AssertionError("a batch of the recorder finishes as a whole")

    def release(self) -> None:
        self.calls.append("released")


async def add_batches(recorder: GroupRecorder[Any], *batches: Batch) -> list[FakeBatchHandle]:
    """Let the recorder take these batches as those of one partition; returns before they are committed."""
    handles = [FakeBatchHandle(batch) for batch in batches]

    async def iterate() -> BatchHandles:
        for handle in handles:
            yield handle

    await recorder.run(iterate())
    return handles


async def record_batches(recorder: GroupRecorder[Any], *batches: Batch) -> None:
    """Record these batches; returns when all are acknowledged."""
    for handle in await add_batches(recorder, *batches):
        await handle.acked.wait()


def ignore_failure(error: BaseException) -> None:
    """For tests without errors."""
    raise AssertionError("unexpected error") from error


async def ignore_consent_change(user_ids: Collection[str]) -> None:
    """For tests without reports that change consent."""
    raise AssertionError(f"unexpected change of {user_ids}")
