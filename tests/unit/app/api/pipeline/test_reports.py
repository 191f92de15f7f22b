import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from app.api.pipeline import reports
from app.api.pipeline.reports import Rates, ReportReader
from schemas.errors import UnavailableError
from schemas.worker_reports import WorkerReport
from tests.unit.app.api.pipeline.builders import REPORT

ROUTERS = ["http://router-1", "http://router-2"]


@dataclass
class Workers:
    """Reports by address; `silent` ones never answer."""

    reports: dict[str, WorkerReport] = field(default_factory=lambda: dict.fromkeys(ROUTERS, REPORT))
    silent: tuple[str, ...] = ()
    problem: str = ""

    async def list_urls(self, role: str) -> Sequence[str]:
        if self.problem:
            raise UnavailableError(self.problem)
        return ROUTERS if role == "router" else []

    async def read_report(self, url: str) -> WorkerReport:
        if url in self.silent:
            await asyncio.Event().wait()
        if url not in self.reports:
            raise UnavailableError("it does not answer: ClientConnectorError")
        return self.reports[url]


async def test_each_worker_answers_or_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "REPORT_TIMEOUT", 0.01)
    workers = Workers(silent=(ROUTERS[0],))
    del workers.reports[ROUTERS[1]]
    answers = (await ReportReader(workers).read()).list_of_role("router")
    assert [answer.problem for answer in answers] == ["it does not answer within 0.01 s", "it does not answer: ClientConnectorError"]
    assert [answer.report for answer in answers] == [None, None]


async def test_without_addresses_there_is_an_error() -> None:
    with pytest.raises(UnavailableError, match="Redis is away"):
        await ReportReader(Workers(problem="Redis is away")).read()


async def test_rates_are_those_of_all_workers_of_a_role() -> None:
    workers = Workers()
    reader = ReportReader(workers)
    assert (await reader.read()).rates == {}
    workers.reports = {url: replace(REPORT, uptime=610.0, produced={"notifications.status": 50}, calls=20, rows=10) for url in ROUTERS}
    assert (await reader.read()).rates == {"router": Rates({"notifications.status": 10.0}, 4.0, 2.0)}


async def test_a_worker_that_was_started_again_has_no_rate_yet() -> None:
    workers = Workers()
    reader = ReportReader(workers)
    await reader.read()
    workers.reports = {url: replace(REPORT, uptime=2.0, calls=1) for url in ROUTERS}
    assert (await reader.read()).rates == {}


async def test_old_reports_are_forgotten() -> None:
    workers = Workers()
    reader = ReportReader(workers)
    for uptime, calls in ((600.0, 0), (610.0, 100), (620.0, 300)):
        workers.reports = {ROUTERS[0]: replace(REPORT, uptime=uptime, calls=calls)}
        found = await reader.read()
    assert found.rates["router"].calls == 20.0
