"""Records that wait for a look-up, parked beside the stream: later records of the partition go on, except those of the same users."""

import asyncio
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import NamedTuple

from msgspec import Struct

from agents.router.gates.recipient import has_explicit_address
from agents.router.routing_state import RoutingState
from agents.router.verdict import PASS
from schemas.ports import BatchHandle, compute_record_size
from schemas.profile import Profile


class ParkingLimits(Struct, frozen=True):
    """The most records and bytes that a partition of one topic parks; at either of them it takes no further batch."""

    max_records: int
    max_bytes: int


class ParkedBatch:
    """A batch with parked records; it is acknowledged when all its parts are committed.

    A part is one parked record, or all the records that were decided at first. A rebalance or stop waits for the commit of a part, but not
    for a parked record, which may take longer than they can.
    """

    def __init__(self, handle: BatchHandle, parked_records: int) -> None:
        """The commit of the first part is pending."""
        self._handle, self._unfinished_parts, self._pending_commits = handle, parked_records + 1, 1

    def begin_commit(self) -> None:
        """Count a part whose commit begins."""
        self._pending_commits += 1
        if self._pending_commits == 1:
            self._handle.hold()

    def end_commit(self, *, is_committed: bool) -> None:
        """Count the end of a part's commit."""
        self._pending_commits -= 1
        self._unfinished_parts -= is_committed
        if not self._unfinished_parts:
            self._handle.ack()
        elif not self._pending_commits:
            self._handle.release()


class ParkedRecord(NamedTuple):
    """A parked record and its batch."""

    state: RoutingState
    batch: ParkedBatch


class Parking:
    """The parked records of one topic partition, oldest first."""

    def __init__(self, partition: int, limits: ParkingLimits) -> None:
        self.partition, self.is_dropped = partition, False
        self._limits = limits
        self._records: deque[ParkedRecord] = deque()
        self._user_counts: Counter[str] = Counter()
        self._size = 0
        self._room = asyncio.Event()

    def __len__(self) -> int:
        return len(self._records)

    @property
    def user_ids(self) -> Collection[str]:
        """The users with parked records; without a policy, records are parked before their users are known."""
        return self._user_counts.keys()

    def add(self, batch: ParkedBatch, states: Iterable[RoutingState]) -> None:
        """Park the records of a batch behind all others."""
        for state in states:
            self._records.append(ParkedRecord(state, batch))
            self._size += compute_record_size(state.record)
            if state.verdict is PASS:
                self._user_counts[state.notification.user_id] += 1

    def get_oldest(self, count: int) -> list[ParkedRecord]:
        """The oldest records, at most so many."""
        return list(islice(self._records, count))

    def remove(self, decided: Collection[RoutingState]) -> list[ParkedRecord]:
        """Remove the decided ones, which are among the oldest, and return them."""
        decided_ids = set(map(id, decided))
        removed: list[ParkedRecord] = []
        left: list[ParkedRecord] = []
        while self._records and len(removed) < len(decided_ids):
            record = self._records.popleft()
            (removed if id(record.state) in decided_ids else left).append(record)
        self._records.extendleft(reversed(left))
        for state, _ in removed:
            self._size -= compute_record_size(state.record)
            if state.verdict is PASS:
                self._remove_user(state)
        self._update_room()
        return removed

    def _remove_user(self, state: RoutingState) -> None:
        user_id = state.notification.user_id
        self._user_counts[user_id] -= 1
        if not self._user_counts[user_id]:
            del self._user_counts[user_id]

    def drop(self) -> None:
        """Forget all records: the partition was revoked, and they will be read again."""
        self.is_dropped = True
        self._records.clear()
        self._user_counts.clear()
        self._size = 0
        self._update_room()

    async def wait_for_room(self) -> None:
        """Wait until both limits allow another batch."""
        self._update_room()
        await self._room.wait()

    def _update_room(self) -> None:
        if len(self._records) < self._limits.max_records and self._size < self._limits.max_bytes:
            self._room.set()
        else:
            self._room.clear()


def describe_unknown(keys: Collection[str], profiles: Mapping[str, Profile]) -> str:
    """What is not known of these users and addresses; empty if everything is."""
    missing = len(keys) - len(profiles)
    unconfirmed = sum(not profile.consent_known for profile in profiles.values())
    return f"{missing} profiles could not be read, and the consent in {unconfirmed} not be confirmed" if missing or unconfirmed else ""


def split_waiting(
    states: Iterable[RoutingState], parked_user_ids: Collection[str], profiles: Mapping[str, Profile]
) -> tuple[list[RoutingState], list[RoutingState]]:
    """The states that can be decided, and those that wait: for a profile or consent, or behind an earlier record of their user that waits.

    What a rule makes mandatory goes on with the addresses that came with it, and overtakes, unless its condition asks for the profile.
    """
    ready: list[RoutingState] = []
    waiting: list[RoutingState] = []
    waiting_user_ids: set[str] = set()
    for state in states:
        if state.verdict is not PASS or _is_urgent(state):
            ready.append(state)
            continue
        user_id = state.notification.user_id
        if user_id in parked_user_ids or user_id in waiting_user_ids or (state.needs_profile and not _is_known(state, profiles)):
            waiting.append(state)
            waiting_user_ids.add(user_id)
        else:
            ready.append(state)
    return ready, waiting


def _is_known(state: RoutingState, profiles: Mapping[str, Profile]) -> bool:
    """Whether all that the decision needs was found, and the consent in it is confirmed, if that counts."""
    assert state.plan is not None
    needs_consent = state.consent != "none" and not state.plan.rule.mandatory
    for key in (state.notification.user_id, *state.address_keys) if state.reads_profile else state.address_keys:
        profile = profiles.get(key)
        if profile is None or (needs_consent and not profile.consent_known):
            return False
    return True


def _is_urgent(state: RoutingState) -> bool:
    plan = state.plan
    if plan is None or not plan.rule.mandatory or not has_explicit_address(state.notification, plan.candidates):
        return False
    condition = plan.expressions.condition if plan.expressions else None
    return condition is None or not condition.reads_profile
