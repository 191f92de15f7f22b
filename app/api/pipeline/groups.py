"""Consumer groups as Kafka describes them: their state and their members, with the address of each worker's web views; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from msgspec import Struct

from schemas.errors import DECODE_ERRORS

STABLE, REBALANCING = "Stable", frozenset({"PreparingRebalance", "CompletingRebalance"})


class GroupMember(NamedTuple):
    """A worker in its consumer group: where its web views are, empty if it has none, and the numbers of its partitions of source topics."""

    member_id: str
    host: str
    url: str
    partitions: tuple[int, ...]


class ConsumerGroup(NamedTuple):
    """The group of a role. `state` is Kafka's word, such as Stable, Empty or PreparingRebalance."""

    state: str
    members: tuple[GroupMember, ...]

    @property
    def is_rebalancing(self) -> bool:
        """Whether its partitions are being reassigned."""
        return self.state in REBALANCING


class _FaustMetadata(Struct):
    url: str = ""


def build_group(state: str, members: Sequence[tuple[str, str, str, bytes, bytes]], topics: frozenset[str]) -> ConsumerGroup:
    """The group with members as in Kafka's response to DescribeGroups; `topics`: the role's source topics, with the topic prefix."""
    return ConsumerGroup(
        state,
        tuple(
            GroupMember(member_id, host.lstrip("/"), _read_url(metadata), _read_partitions(assignment, topics))
            for member_id, _, host, metadata, assignment in members
        ),
    )


def list_unassigned(group: ConsumerGroup, partitions: int) -> list[int]:
    """The partitions that no member has, of so many."""
    assigned = {partition for member in group.members for partition in member.partitions}
    return [partition for partition in range(partitions) if partition not in assigned]


def _read_url(metadata: bytes) -> str:
    user_data = _decode(ConsumerProtocolMemberMetadata, metadata, "user_data")
    try:
        return msgspec.json.decode(user_data or b"{}", type=_FaustMetadata).url.rstrip("/")
    except DECODE_ERRORS:
        return ""


def _read_partitions(assignment: bytes, topics: frozenset[str]) -> tuple[int, ...]:
    assigned: Sequence[tuple[str, Sequence[int]]] = _decode(ConsumerProtocolMemberAssignment, assignment, "assignment") or ()
    return tuple(sorted({partition for topic, partitions in assigned if topic in topics for partition in partitions}))


def _decode(struct: Any, data: bytes, field: str) -> Any:
    """A field of a struct of the group protocol; None while the group is rebalancing, when there is no struct."""
    return getattr(struct.decode(data), field) if data else None


Groups = Mapping[str, ConsumerGroup]
"""The groups by role."""
