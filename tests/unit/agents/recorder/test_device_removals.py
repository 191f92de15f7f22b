"""The writer that removes devices after the history: in this order, and only when there is something to judge."""

from collections.abc import Sequence

import pytest

from agents.recorder.device_removals import DeviceRemovingWriter
from schemas.enums import Reason, Status
from schemas.errors import UnavailableError
from schemas.events import StatusEvent
from schemas.history import HistoryBatch, WrittenReports
from tests.event_builders import build_history_batch, build_status_event

DEAD = build_status_event(1, "push", Status.BOUNCED, reason=Reason.UNREGISTERED_TOKEN)


class Recording:
    """Every store that the writer uses; fails where it is told to."""

    def __init__(self, fails_at: str = "", has_devices: bool = True) -> None:
        self.calls: list[str] = []
        self._fails_at, self._has_devices = fails_at, has_devices

    async def write(self, batch: HistoryBatch) -> WrittenReports:
        self._note("history")
        return WrittenReports(changed_users=["u-0"])

    async def remove(self, rejections: Sequence[StatusEvent]) -> Sequence[str]:
        self._note(f"devices of {len(rejections)}")
        return ["u-1"] if self._has_devices else []

    def _note(self, call: str) -> None:
        if self._fails_at and call.startswith(self._fails_at):
            raise UnavailableError(call)
        self.calls.append(call)


async def write(stores: Recording, *events: StatusEvent) -> tuple[list[str], Sequence[str]]:
    """What was called, and the users that changed."""
    written = await DeviceRemovingWriter(stores, stores).write(build_history_batch(*events))
    return stores.calls, written.changed_users


async def test_devices_are_judged_after_the_history_is_written() -> None:
    alive = build_status_event(2, "push")
    assert await write(Recording(), DEAD, alive) == (["history", "devices of 1"], ["u-0", "u-1"])
    assert await write(Recording(has_devices=False), DEAD) == (["history", "devices of 1"], ["u-0"])
    assert await write(Recording(), alive) == (["history"], ["u-0"])


@pytest.mark.parametrize("store", ["history", "devices"])
async def test_a_failure_is_raised_so_that_all_is_written_again(store: str) -> None:
    stores = Recording(store)
    with pytest.raises(UnavailableError):
        await write(stores, DEAD)
    assert stores.calls == ([] if store == "history" else ["history"])
