"""Reports that wait for their delivery are merged when it is recorded, and given up after seven days."""

import asyncio
from collections.abc import Collection, Sequence

import msgspec
import pytest

from agents.recorder.retrying_writer import Unrecordable
from agents.recorder.waiting_reports import INTERVAL, MAX_REPORTS, ReportDelay, WaitingReportMerger
from schemas.enums import Reason
from schemas.errors import UnavailableError
from schemas.history import ReceivedReport, WrittenReports
from schemas.lifetimes import DAY
from tests.event_builders import NOW, build_receipt, build_report
from tests.memory_stores import MemoryHistory
from tests.recorder_batches import ignore_consent_change
from tests.unit.agents.recorder.test_follow_ups import Harness as FollowUpHarness
from tests.unit.agents.recorder.test_status_webhooks import ENDPOINT


class FakeWaitingReports:
    """Waiting reports in memory; `matched` are the results of the next merges."""

    def __init__(self) -> None:
        self.waiting: list[ReceivedReport] = []
        self.matched: list[WrittenReports] = []
        self.merged: list[ReceivedReport] = []
        self.limits: list[int] = []
        self.unavailable = False

    async def merge_matched(self, limit: int) -> WrittenReports:
        if self.unavailable:
            raise UnavailableError("down")
        self.limits.append(limit)
        return self.matched.pop(0) if self.matched else WrittenReports()

    async def list_merged(self, limit: int) -> Sequence[ReceivedReport]:
        return self.merged[:limit]

    async def end(self, reports: Sequence[ReceivedReport]) -> None:
        self.merged = [report for report in self.merged if report not in reports]

    async def list_old(self, before: float, limit: int) -> Sequence[ReceivedReport]:
        return [report for report in self.waiting if report.received_at < before][:limit]

    async def delete(self, reports: Sequence[ReceivedReport]) -> None:
        self.waiting = [report for report in self.waiting if report not in reports]


class Harness:
    """A merger on stores in memory; it stops at its second sleep."""

    def __init__(self, now: float | None = NOW) -> None:
        self.reports, self.history, self.observed, self.evicted = FakeWaitingReports(), MemoryHistory(), list[object](), list[str]()
        self.sleeps: list[float] = []
        self.merger = WaitingReportMerger(self.reports, self.history, self.sleep, lambda: now, self.observed.append, self.evict)

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if len(self.sleeps) == 2:
            raise asyncio.CancelledError

    async def evict(self, user_ids: Collection[str]) -> None:
        self.evicted += user_ids


async def test_all_that_match_are_merged() -> None:
    harness = Harness()
    harness.reports.matched = [WrittenReports(2, changed_users=["u-1"]), WrittenReports(1)]
    await harness.merger.merge_all()
    assert harness.observed == [WrittenReports(2, changed_users=["u-1"]), WrittenReports(1)]
    assert (harness.evicted, harness.reports.limits) == (["u-1"], [MAX_REPORTS] * 3)


async def test_producers_hear_of_what_was_merged_late() -> None:
    harness, reports = FollowUpHarness(), FakeWaitingReports()
    harness.store.endpoints, event = [ENDPOINT], build_receipt(1)
    reports.matched, reports.merged, observed = [WrittenReports(1)], [build_report(event)], list[object]()
    harness.store.problems = ["down"]
    merger = WaitingReportMerger(
        reports, MemoryHistory(), harness.sleep, lambda: NOW, observed.append, ignore_consent_change, harness.follow_ups
    )
    await merger.merge_all()
    assert [event.delivery_id] in harness.store.log
    assert [record[3].endpoint_id for record in harness.records] == [ENDPOINT.id]
    assert observed == [WrittenReports(1), ReportDelay("down")]
    assert not reports.merged


async def test_producers_hear_of_what_another_worker_has_merged_before_it_ended() -> None:
    harness, reports, observed = FollowUpHarness(), FakeWaitingReports(), list[object]()
    harness.store.endpoints, reports.merged = [ENDPOINT], [build_report(build_receipt(1))]
    harness.flush_problems = ["no broker"]
    merger = WaitingReportMerger(
        reports, MemoryHistory(), harness.sleep, lambda: NOW, observed.append, ignore_consent_change, harness.follow_ups
    )
    await merger.merge_all()
    assert [record[3].endpoint_id for record in harness.records] == [ENDPOINT.id]
    assert (observed, reports.merged) == ([ReportDelay("no broker")], [])


async def test_after_seven_days_a_report_is_a_dead_letter_with_its_event_and_place() -> None:
    harness = Harness()
    old = build_report(build_receipt(1), 17, NOW - 7 * DAY - 1)
    harness.reports.waiting = [old, build_report(build_receipt(2), 18, NOW - 7 * DAY + 1)]
    await harness.merger.give_up_old()
    (recorded,) = harness.history.dead_letters.values()
    dead_letter = recorded.dead_letter
    assert (recorded.topic, recorded.partition, recorded.offset, recorded.created_at) == (old.topic, 0, 17, old.received_at)
    assert (dead_letter.stage, dead_letter.reason, dead_letter.delivery_id) == ("recorder", Reason.UNMATCHED, old.event.delivery_id)
    assert msgspec.json.decode(dead_letter.value or b"", type=type(old.event)) == old.event
    assert harness.observed == [Unrecordable(recorded)]
    assert [report.offset for report in harness.reports.waiting] == [18]


async def test_nothing_is_given_up_while_the_time_is_not_certain() -> None:
    harness = Harness(now=None)
    harness.reports.waiting = [build_report(build_receipt(1), 17, 0.0)]
    await harness.merger.give_up_old()
    assert len(harness.reports.waiting) == 1


async def test_an_outage_is_observed_and_survived() -> None:
    harness = Harness()
    harness.reports.unavailable = True
    with pytest.raises(asyncio.CancelledError):
        await harness.merger.run_forever()
    assert (harness.observed, harness.sleeps) == ([ReportDelay("down")] * 2, [INTERVAL] * 2)
