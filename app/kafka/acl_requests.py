"""Requests about rights that aiokafka 0.14 does not have: many ACLs at once, and what the user of a connection may do.

Source: https://kafka.apache.org/protocol, CreateAcls and Metadata.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka.errors import GroupAuthorizationFailedError, TopicAuthorizationFailedError
from aiokafka.protocol.admin import CreateAclsRequest_v1, DescribeGroupsRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from app.kafka.acls import AclRule

OPERATION_CODES: Final = {
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}
RESOURCE_CODES: Final = {"topic": 2, "group": 3}
LITERAL, ALLOW, ANY_HOST = 3, 3, "*"


class MetadataResponse_v8(Response):  # type: ignore[misc]
    """Metadata with the operations that the user of the connection may do, as bits by their codes."""

    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("brokers", Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8")))),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class MetadataRequest_v8(RequestStruct):  # type: ignore[misc]
    """Topics, whether to create missing ones, and whether to return the rights on the cluster and on the topics."""

    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = MetadataResponse_v8
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class TopicRightsRequest(Request[MetadataRequest_v8]):  # type: ignore[misc]
    """What the user of the connection may do with these topics."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[MetadataRequest_v8]) -> MetadataRequest_v8:
        return request_struct_class(self._topics, False, False, True)


class CreateManyAclsRequest(Request[CreateAclsRequest_v1]):  # type: ignore[misc]
    """One ACL for each operation of each rule; those that exist stay. `principals` by role."""

    API_KEY = 30

    def __init__(self, rules: Iterable[AclRule], principals: Mapping[str, str]) -> None:
        self.creations = [
            (RESOURCE_CODES[rule.resource], rule.name, LITERAL, principals[rule.role], ANY_HOST, OPERATION_CODES[operation], ALLOW)
            for rule in rules
            for operation in rule.operations
        ]

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> CreateAclsRequest_v1:
        return request_struct_class(self.creations)


async def find_denied(admin: Any, rules: Sequence[AclRule]) -> list[AclRule]:
    """The rules with the operations that the user of this admin client may not do; a topic that does not exist is not denied."""
    by_name = {(rule.resource, rule.name): rule for rule in rules}
    topics = [rule.name for rule in rules if rule.resource == "topic"]
    metadata = await admin._send_request(TopicRightsRequest(topics))
    denied = []
    for error, topic, _, _, bits in metadata.topics:
        rule = by_name["topic", topic]
        if error == TopicAuthorizationFailedError.errno:
            denied.append(rule)
        elif not error and (missing := tuple(name for name in rule.operations if not bits >> OPERATION_CODES[name] & 1)):
            denied.append(rule._replace(operations=missing))
    groups = [rule.name for rule in rules if rule.resource == "group"]
    descriptions = await admin._send_request(DescribeGroupsRequest(groups))
    errors = {group[1]: group[0] for group in descriptions.groups}
    denied += [by_name["group", name] for name in groups if errors.get(name) == GroupAuthorizationFailedError.errno]
    order = [(rule.resource, rule.name) for rule in rules]
    return sorted(denied, key=lambda rule: order.index((rule.resource, rule.name)))  # a role's sources come first
