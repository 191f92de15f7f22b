"""Merges reports that came before the row of their delivery, and gives up those whose delivery never came.

A commit that writes the row of a delivery merges what waits for it. This finds what two workers did at the same time: one wrote the row
while the other one found none for the report.
"""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, NamedTuple

import msgspec

from agents.dead_letter import build_dead_letter
from agents.recorder.follow_ups import FollowUps
from agents.recorder.retrying_writer import Unrecordable
from schemas.enums import Reason
from schemas.errors import UnavailableError
from schemas.history import HistoryBatch, ReceivedReport, RecordedDeadLetter, WrittenReports
from schemas.lifetimes import UNMATCHED_REPORTS
from schemas.ports import Sleep
from schemas.store_ports import HistoryWriter, WaitingReports

INTERVAL: Final = 2.0  # seconds
MAX_REPORTS: Final = 500  # of one transaction
UNMATCHED_ERROR = f"no delivery with this id was recorded within {UNMATCHED_REPORTS // 86_400} days"


class ReportDelay(NamedTuple):
    """The store is unavailable; waiting reports are looked for again after INTERVAL."""

    cause: str


ReportObserver = Callable[[WrittenReports | Unrecordable | ReportDelay], None]


class WaitingReportMerger:
    """`get_time`: the time in epoch seconds; None while it is not certain, and then nothing is given up."""

    def __init__(
        self,
        reports: WaitingReports,
        history: HistoryWriter,
        sleep: Sleep,
        get_time: Callable[[], float | None],
        observe: ReportObserver,
        on_consent_changed: Callable[[Collection[str]], Awaitable[None]],
        follow_ups: FollowUps | None = None,
    ) -> None:
        self._reports, self._history, self._sleep, self._get_time = reports, history, sleep, get_time
        self._observe, self._on_consent_changed, self._follow_ups = observe, on_consent_changed, follow_ups

    async def run_forever(self) -> None:
        """Look for reports every INTERVAL until cancelled."""
        while True:
            try:
                await self.merge_all()
                await self.give_up_old()
            except UnavailableError as error:
                self._observe(ReportDelay(str(error)))
            await self._sleep(INTERVAL)

    async def merge_all(self) -> None:
        """Merge the reports whose deliveries are recorded by now, and tell producers their statuses. Raises UnavailableError.

        A merged report stays until they have been told: if this process ends before, another one tells them.
        """
        while (written := await self._reports.merge_matched(MAX_REPORTS)).applied:
            self._observe(written)
            if written.changed_users:
                await self._on_consent_changed(written.changed_users)
        while merged := await self._reports.list_merged(MAX_REPORTS):
            if self._follow_ups is not None:
                events = [report.event for report in merged]
                await self._follow_ups.run(events, lambda cause, delay: self._observe(ReportDelay(cause)))
            await self._reports.end(merged)

    async def give_up_old(self) -> None:
        """Make dead letters of the reports that have waited for seven days. Raises UnavailableError."""
        now = self._get_time()
        while now is not None and (old := await self._reports.list_old(now - UNMATCHED_REPORTS, MAX_REPORTS)):
            dead_letters = list(map(build_unmatched_dead_letter, old))
            await self._history.write(HistoryBatch(dead_letters=dead_letters))
            await self._reports.delete(old)
            for dead_letter in dead_letters:
                self._observe(Unrecordable(dead_letter))


class _ReportRecord(NamedTuple):
    """The record of a report, as far as a dead letter needs it (schemas.ports.Record)."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[()] = ()


def build_unmatched_dead_letter(report: ReceivedReport) -> RecordedDeadLetter:
    """The dead letter of a report, stored under the topic, partition and offset of its record."""
    event, at = report.event, report.received_at
    record = _ReportRecord(report.offset, int(at * 1000), event.delivery_id.encode(), msgspec.json.encode(event))
    dead_letter = build_dead_letter(
        "recorder", report.topic, report.partition, record, Reason.UNMATCHED, UNMATCHED_ERROR, delivery_id=event.delivery_id
    )
    return RecordedDeadLetter(at, report.topic, report.partition, report.offset, dead_letter)
