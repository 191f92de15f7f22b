import msgspec
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata

from app.api.pipeline.groups import GroupMember, build_group, list_unassigned

TOPICS = frozenset({"t.notifications.high", "t.notifications.low"})


def build_metadata(user_data: bytes) -> bytes:
    return bytes(ConsumerProtocolMemberMetadata(4, ["t.notifications.high"], user_data).encode())


def build_assignment(*assigned: tuple[str, list[int]]) -> bytes:
    return bytes(ConsumerProtocolMemberAssignment(4, list(assigned), b"").encode())


def test_a_member_has_the_partitions_of_its_source_topics_and_its_address() -> None:
    metadata = build_metadata(msgspec.json.encode({"url": "http://10.0.0.1:6066/", "assignment": {}}))
    assignment = build_assignment(("t.notifications.high", [2, 0]), ("t.notifications.low", [2]), ("t.router-idempotency-changelog", [1]))
    group = build_group("Stable", [("m-1", "client", "/10.0.0.1", metadata, assignment)], TOPICS)
    assert group.members == (GroupMember("m-1", "10.0.0.1", "http://10.0.0.1:6066", (0, 2)),)
    assert not group.is_rebalancing
    assert list_unassigned(group, 4) == [1, 3]


def test_members_of_a_group_that_rebalances_have_nothing_yet() -> None:
    group = build_group("PreparingRebalance", [("m-1", "client", "/10.0.0.1", b"", b"")], TOPICS)
    assert group.members == (GroupMember("m-1", "10.0.0.1", "", ()),)
    assert group.is_rebalancing


def test_a_member_that_is_no_worker_has_no_address() -> None:
    members = [("m-1", "client", "/10.0.0.1", build_metadata(data), b"") for data in (b"", b"\xff", b'{"url": 1}')]
    assert [member.url for member in build_group("Stable", members, TOPICS).members] == ["", "", ""]
