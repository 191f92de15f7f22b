"""Tries a document of rules on recorded notifications: what the router would decide otherwise."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from agents.router.compiled_policy import CompiledPolicy
from agents.router.routing_state import RoutingState
from agents.router.simulation import PolicySimulation, count_deliveries
from app.admin.policy import check_document
from schemas.policy import Policy
from schemas.policy_document import PolicyDocument, merge_document
from schemas.ports import RecordedNotification
from schemas.profile import Profile
from schemas.simulation import SimulatedNotification, SimulatedResult, SkipReason
from schemas.store_ports import ProfileReader
from tables.postgres.column_sealing import ColumnSealing
from tables.postgres.database import open_database
from tables.postgres.policy import PostgresPolicyLoader
from tables.postgres.profiles import PostgresProfileReader

PROFILE_BATCH = 500  # notifications whose profiles are read at once

States = list[tuple[RoutingState, RoutingState]]
"""Of each notification the state under both policies."""


async def load_policies(database_url: str, document: PolicyDocument) -> tuple[Policy, Policy]:
    """The current policy, and the one that the document would make. Raises PolicyDocumentError and UnavailableError."""
    async with open_database(database_url) as database:
        before = await PostgresPolicyLoader(database).load()
        check_document(before, document)
        return before, merge_document(before, document)


async def judge_with_stored_profiles(
    database_url: str, simulation: "RuleSimulation", records: Sequence[RecordedNotification], sealing: ColumnSealing | None
) -> None:
    """Judge these records with the profiles as they are now. Raises UnavailableError."""
    async with open_database(database_url, sealing=sealing) as database:
        await simulation.judge(records, PostgresProfileReader(database))


class RuleSimulation:
    """Two policies that judge the same notifications, with the same profiles."""

    def __init__(self, before: Policy, after: Policy, partitions: int, topic_prefix: str) -> None:
        self._before, self._after = (PolicySimulation(CompiledPolicy(one), partitions, topic_prefix) for one in (before, after))
        self.judged: list[SimulatedNotification] = []
        self.skipped: Counter[SkipReason] = Counter()

    async def judge(self, records: Sequence[RecordedNotification], profiles: ProfileReader) -> None:
        """Judge all of them, in this order; in a thread, because the gateway serves others meanwhile. Raises UnavailableError."""
        for start in range(0, len(records), PROFILE_BATCH):
            states, ids = await asyncio.to_thread(self._prepare, records[start : start + PROFILE_BATCH])
            found: Mapping[str, Profile] = await profiles.get_many(ids) if ids else {}
            await asyncio.to_thread(self._decide, states, found)

    def _prepare(self, batch: Sequence[RecordedNotification]) -> tuple[States, list[str]]:
        """The states of a batch, and the users and address keys whose profiles are needed."""
        before_states, before_ids = self._before.prepare(batch)
        after_states, after_ids = self._after.prepare(batch)
        return [*zip(before_states, after_states, strict=True)], [*dict.fromkeys([*before_ids, *after_ids])]

    def _decide(self, states: States, found: Mapping[str, Profile]) -> None:
        for before_state, after_state in states:
            before, after = self._before.decide(before_state, found), self._after.decide(after_state, found)
            if not isinstance(before, SimulatedResult) or not isinstance(after, SimulatedResult):
                self.skipped[cast(SkipReason, after if isinstance(before, SimulatedResult) else before)] += 1
                continue
            sent = count_deliveries(before_state, before), count_deliveries(after_state, after)
            self.judged.append(SimulatedNotification(before_state.id, before, after, *sent))
