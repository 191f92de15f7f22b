"""What the workers of all roles say of themselves, asked at the same time, and the rates over the last reports."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from app.api.ports import WorkerReports
from app.topology import ROLES
from schemas.errors import UnavailableError
from schemas.worker_reports import WorkerReport

REPORT_TIMEOUT: Final = 0.8  # seconds; less than the deadline of the source, so that one silent worker does not hide the others
RATE_SECONDS: Final = 15.0  # over which a rate is measured, at most


class WorkerAnswer(NamedTuple):
    """The report of the worker at an address, or why there is none."""

    role: str
    url: str
    report: WorkerReport | None
    problem: str = ""


class Rates(NamedTuple):
    """Per second over the last reports: records by topic that the workers of a role produced, provider calls and rows written."""

    produced: Mapping[str, float]
    calls: float
    rows: float


class FleetReports(NamedTuple):
    """The answers of all registered workers, and the rates of the roles that have reported twice."""

    answers: Sequence[WorkerAnswer]
    rates: Mapping[str, Rates]

    def list_of_role(self, role: str) -> list[WorkerAnswer]:
        """The answers of the workers of a role."""
        return [answer for answer in self.answers if answer.role == role]


class ReportReader:
    """Asks the workers, and remembers their reports of the last seconds."""

    def __init__(self, workers: WorkerReports) -> None:
        self._workers = workers
        self._recent: dict[str, list[WorkerReport]] = {}  # by address

    async def read(self) -> FleetReports:
        """All reports. Raises UnavailableError if it is not known which workers there are."""
        urls = await asyncio.gather(*(self._workers.list_urls(role) for role in ROLES))
        addresses = [(role, url) for role, found in zip(ROLES, urls, strict=True) for url in sorted(found)]
        answers = await asyncio.gather(*(self._ask(role, url) for role, url in addresses))
        return FleetReports(answers, self._measure(answers))

    async def _ask(self, role: str, url: str) -> WorkerAnswer:
        try:
            async with asyncio.timeout(REPORT_TIMEOUT):
                return WorkerAnswer(role, url, await self._workers.read_report(url))
        except TimeoutError:
            return WorkerAnswer(role, url, None, f"it does not answer within {REPORT_TIMEOUT:g} s")
        except UnavailableError as error:
            return WorkerAnswer(role, url, None, str(error))

    def _measure(self, answers: Sequence[WorkerAnswer]) -> dict[str, Rates]:
        recent, rates = dict[str, list[WorkerReport]](), dict[str, list[Rates]]()
        for answer in answers:
            if (latest := answer.report) is not None:
                before = [report for report in self._recent.get(answer.url, ()) if 0 < latest.uptime - report.uptime <= RATE_SECONDS]
                recent[answer.url] = [*before, latest]
                if before:
                    rates.setdefault(answer.role, []).append(compute_rates(before[0], latest))
        self._recent = recent
        return {role: add_rates(found) for role, found in rates.items()}


def compute_rates(before: WorkerReport, after: WorkerReport) -> Rates:
    """The rates of a worker between two of its reports, by its own clock."""
    seconds = after.uptime - before.uptime
    produced = {topic: (count - before.produced.get(topic, 0)) / seconds for topic, count in after.produced.items()}
    return Rates(produced, (after.calls - before.calls) / seconds, (after.rows - before.rows) / seconds)


def add_rates(rates: Sequence[Rates]) -> Rates:
    """The sums over several workers."""
    topics = dict.fromkeys(topic for one in rates for topic in one.produced)
    produced = {topic: sum(one.produced.get(topic, 0.0) for one in rates) for topic in topics}
    return Rates(produced, sum(one.calls for one in rates), sum(one.rows for one in rates))
