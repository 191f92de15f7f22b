"""All that is known of the pipeline at a moment, from which the responses are built."""

from typing import Any, NamedTuple

from app.api.pipeline.bodies import SourceName, SourceState
from app.api.pipeline.groups import ConsumerGroup, GroupMember, Groups
from app.api.pipeline.offsets import Offsets, OffsetSeries
from app.api.pipeline.reports import FleetReports, WorkerAnswer
from app.api.pipeline.source import Answer
from app.api.provider_bodies import ProviderAccount, ProviderAccounts
from schemas.dead_letters import DeadLetterCounts


class Snapshot(NamedTuple):
    """What each source said last; `now` in epoch seconds, `partitions` is the count of each topic.

    `rebalancing_since`: by role. `series` is empty until Kafka has answered.
    """

    now: float
    partitions: int
    series: OffsetSeries
    offsets: Answer[Offsets]
    groups: Answer[Groups]
    reports: Answer[FleetReports]
    accounts: Answer[ProviderAccounts]
    dead_letters: Answer[DeadLetterCounts]
    rebalancing_since: dict[str, float]

    @property
    def kafka(self) -> SourceState:
        """The state of Kafka: of the one of its two readings that has a problem."""
        groups = describe_source(self.groups)
        return describe_source(self.offsets) if self.offsets.problem or not groups.problem else groups

    def get_group(self, role: str) -> ConsumerGroup | None:
        """The consumer group of a role; None if Kafka has not said."""
        return (self.groups.value or {}).get(role)

    def list_answers(self, role: str) -> list[WorkerAnswer]:
        """The answers of the registered workers of a role."""
        return self.reports.value.list_of_role(role) if self.reports.value else []

    def list_accounts(self) -> list[ProviderAccount]:
        """The accounts of providers, without those for tests."""
        return [account for account in self.accounts.value.items if not account.is_test] if self.accounts.value else []

    def find_worker(self, role: str, partition: int) -> str | None:
        """The worker that reads a partition, by its address or Kafka's word for it."""
        group = self.get_group(role)
        members = group.members if group else ()
        return next((self.name_member(role, one) for one in members if partition in one.partitions), None)

    def name_member(self, role: str, member: GroupMember) -> str:
        """The address of a worker in a group; that of its host if it is not known."""
        answer = next((one for one in self.list_answers(role) if is_member(one, member)), None)
        return name_worker(answer.url if answer else member.url) or member.host

    def count_running(self, role: str) -> int | None:
        """How many workers a role has: members of its group; without Kafka those that answer."""
        group = self.get_group(role)
        if group is not None and not self.groups.problem:
            return len(group.members)
        return sum(answer.report is not None for answer in self.list_answers(role)) if self.reports.value else None

    def list_silent_members(self, role: str) -> list[GroupMember]:
        """The members of a group that do not say what they do."""
        group, reporting = self.get_group(role), [answer for answer in self.list_answers(role) if answer.report]
        return [member for member in (group.members if group else ()) if not any(is_member(answer, member) for answer in reporting)]


def is_member(answer: WorkerAnswer, member: GroupMember) -> bool:
    """Whether a worker is a member. Those of a role without tables have no address in Kafka: they are found by their partitions."""
    if member.url:
        return member.url == answer.url
    return answer.report is not None and tuple(answer.report.partitions) == member.partitions


def describe_source(answer: Answer[Any]) -> SourceState:
    """The state of a source."""
    return SourceState(answer.as_of, answer.problem, answer.since)


def describe_sources(snapshot: Snapshot, *names: SourceName) -> dict[SourceName, SourceState]:
    """The states of these sources by name."""
    states: dict[SourceName, SourceState] = {
        "kafka": snapshot.kafka,
        "workers": describe_source(snapshot.reports),
        "breakers": describe_source(snapshot.accounts),
        "dead_letters": describe_source(snapshot.dead_letters),
    }
    return {name: states[name] for name in names}


def name_worker(url: str) -> str:
    """The host and port of a worker's web views."""
    return url.partition("://")[2]
