"""Tries a new rule on the newest recorded notifications of its type; bounded in number, memory and time, because the gateway does it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from msgspec import Struct

from app.admin.rule_simulation import RuleSimulation
from app.admin.trials import MAX_SEARCH_SECONDS, Trials
from app.connection_settings import KafkaSection
from app.encryption.recorded_notifications import open_recorded
from app.kafka.recorded_notifications import RecordedNotifications, iterate_newest, open_recorded_notifications
from schemas.errors import DECODE_ERRORS
from schemas.lifetimes import NOTIFICATION_RECORDS
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, RuleEntry, merge_document
from schemas.ports import Clock, RecordedNotification
from schemas.projects import qualify
from schemas.simulation import SearchEnd, TypeSimulationReport, build_simulation_report
from schemas.user_keys import SealerReader
from tables.postgres.database import Database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.policy_writer import Check
from tables.postgres.profiles import PostgresProfileReader

MAX_EXAMINED = 50_000  # records of any type that are looked through


FindProject = Callable[[str], str]
"""The project of a stored id, as a policy knows it."""


class _Typed(Struct):
    """The type and the user of a recorded notification, without the rest."""

    type: str
    user_id: str = ""


class FoundNotifications(NamedTuple):
    """The newest notifications of a type, oldest first, and how far the search for them went; `since` in epoch seconds."""

    records: Sequence[RecordedNotification]
    since: float
    examined: int
    end: SearchEnd


_decode_type = msgspec.json.Decoder(_Typed).decode


class TypeSimulator:
    """Simulates one rule at a time, for all who ask this process."""

    def __init__(
        self,
        kafka: KafkaSection,
        database: Database,
        clock: Clock,
        monotonic: Clock,
        sealers: SealerReader | None = None,
        trials: Trials | None = None,
    ) -> None:
        self._kafka, self._database, self._clock, self._monotonic = kafka, database, clock, monotonic
        self._sealers = sealers
        self._trials = trials or Trials()

    async def load_policies(self, entry: RuleEntry, check: Check) -> tuple[Policy, Policy]:
        """The current policy of the project at hand, and the one with this rule. Raises what `check` raises, and UnavailableError."""
        before = await PostgresPolicyLoader(self._database).load()
        document = PolicyDocument([entry])
        check(before, document)
        return before, merge_document(before, document)

    async def simulate(self, entry: RuleEntry, count: int, check: Check) -> TypeSimulationReport:
        """What the current rules and this one decide about at most the newest `count` notifications of its type.

        Raises what `check` raises, SimulationRunningError while another one runs, and UnavailableError.
        """
        async with self._trials.admit():
            before, after = await self.load_policies(entry, check)
            return await self._simulate(before, after, entry.type, count)

    async def _simulate(self, before: Policy, after: Policy, type_: str, count: int) -> TypeSimulationReport:
        now, deadline = self._clock(), self._monotonic() + MAX_SEARCH_SECONDS
        async with open_recorded_notifications(self._kafka) as recorded:
            found = await find_newest_of_type(recorded, type_, before.find_project, count, now, lambda: self._monotonic() > deadline)
        kafka = self._kafka
        simulation = await asyncio.to_thread(RuleSimulation, before, after, kafka.topic_partitions, kafka.topic_prefix)
        await simulation.judge(await open_recorded(found.records, self._sealers), PostgresProfileReader(self._database))
        report = build_simulation_report(simulation.judged, simulation.skipped, found.since, now)
        return TypeSimulationReport(**msgspec.structs.asdict(report), examined=found.examined, end=found.end)


async def find_newest_of_type(
    recorded: RecordedNotifications, type_: str, find_project: FindProject, count: int, now: float, is_late: Callable[[], bool]
) -> FoundNotifications:
    """At most the newest `count` notifications of a type; what is no notification has no type."""
    found: list[RecordedNotification] = []
    examined, since = 0, now - NOTIFICATION_RECORDS
    async with aclosing(iterate_newest(recorded, now, MAX_EXAMINED)) as chunks:
        async for start, chunk in chunks:
            found = [*await asyncio.to_thread(select_type, chunk, type_, find_project), *found]
            examined, since = examined + len(chunk), start
            if len(found) >= count:
                newest = found[-count:]
                return FoundNotifications(newest, newest[0].record.timestamp / 1000, examined, "count")
            if is_late():
                return FoundNotifications(found, since, examined, "time")
    return FoundNotifications(found, since, examined, "records" if since > now - NOTIFICATION_RECORDS else "all")


def select_type(records: Sequence[RecordedNotification], type_: str, find_project: FindProject) -> list[RecordedNotification]:
    """The notifications of a stored type, to users of its project; a producer may have qualified the user only."""
    project = find_project(type_)
    return [one for one in records if _is_of_type(one, type_, project, find_project)]


def _is_of_type(notification: RecordedNotification, type_: str, project: str, find_project: FindProject) -> bool:
    try:
        found = _decode_type(notification.record.value or b"")
    except DECODE_ERRORS:
        return False
    return find_project(found.user_id) == project and type_ in (found.type, qualify(project, found.type))
