"""docs/reference/ matches the structs, and asyncapi.json is consistent as AsyncAPI 3.0 requires."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.router.decision_log import FAN_OUT
from agents.router.gates.order import GATES
from dev.reference.__main__ import COMMAND, build_documents, build_json_schema, find_outdated_files, write_documents
from dev.reference.asyncapi import build_asyncapi
from dev.reference.examples import DEAD_LETTER, DECISION_LOG, EXAMPLES
from schemas.dead_letter import decode_dead_letter, encode_headers
from schemas.ids import is_id
from schemas.lifetimes import DAY
from schemas.notification import Notification
from schemas.topics import TOPICS

DOCUMENT = msgspec.json.decode(build_documents()["asyncapi.json"])
VALUES = sorted({value for topic in TOPICS for value in topic.value_types}, key=lambda value: value.__name__)

SCHEMA_PATHS = {
    "Notification": "schemas/notification.json",
    "Delivery": "schemas/delivery.json",
    "DecidedEvent": "schemas/decided_event.json",
    "StatusEvent": "schemas/status_event.json",
    "ReceiptEvent": "schemas/receipt_event.json",
    "EngagementEvent": "schemas/engagement_event.json",
    "InboundEvent": "schemas/inbound_event.json",
    "Scheduled": "schemas/scheduled.json",
    "Cancel": "schemas/cancel.json",
    "Reschedule": "schemas/reschedule.json",
}


def find_refs(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from find_refs(part)


def resolve_pointer(pointer: str) -> Any:
    node: Any = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_committed_reference_matches_the_structs() -> None:
    assert find_outdated_files() == [], f"docs/reference/ differs from the structs: run `{COMMAND}` and commit the files"


def test_the_example_of_a_decision_log_has_every_gate() -> None:
    assert [entry.gate for entry in DECISION_LOG] == [*(gate.name for gate in GATES), FAN_OUT]


def test_writing_corrects_every_kind_of_difference(tmp_path: Path) -> None:
    assert write_documents(tmp_path) == sorted(build_documents())
    (tmp_path / "topics.md").write_text("old")
    (tmp_path / "schemas" / "gone.json").write_text("{}")
    (tmp_path / "asyncapi.json").unlink()
    assert find_outdated_files(tmp_path) == write_documents(tmp_path) == ["asyncapi.json", "schemas/gone.json", "topics.md"]
    assert (find_outdated_files(tmp_path), write_documents(tmp_path)) == ([], [])


def test_every_reference_can_be_resolved() -> None:
    pointers = set(find_refs(DOCUMENT))
    assert len(pointers) > 50
    assert all(resolve_pointer(pointer) for pointer in pointers)


def test_the_document_has_what_asyncapi_requires() -> None:
    assert re.fullmatch(r"3\.\d+\.\d+", DOCUMENT["asyncapi"])
    assert {"title", "version"} <= set(DOCUMENT["info"])
    names = [*DOCUMENT["channels"], *DOCUMENT["operations"], *DOCUMENT["components"]["messages"], *DOCUMENT["components"]["schemas"]]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_is_a_channel_with_its_configuration_and_messages(topic) -> None:
    channel = DOCUMENT["channels"][topic.name]
    configuration = channel["bindings"]["kafka"]["topicConfiguration"]
    assert channel["address"] == topic.name
    assert list(channel["messages"]) == ([value.__name__ for value in topic.value_types] or ["DeadLetter"])
    assert configuration["cleanup.policy"] == ["delete"]
    assert configuration["retention.ms"] == int(topic.kafka_config["retention.ms"])
    assert configuration["max.message.bytes"] == topic.max_message_bytes
    assert {**configuration, **channel.get("x-topic-configuration", {})}.keys() == topic.kafka_config.keys()


def test_every_operation_has_one_channel_and_its_messages() -> None:
    assert len(DOCUMENT["operations"]) == len(DOCUMENT["channels"])
    for operation in DOCUMENT["operations"].values():
        pointer = operation["channel"]["$ref"]
        assert operation["action"] in ("send", "receive")
        assert [ref["$ref"] for ref in operation["messages"]] == [
            f"{pointer}/messages/{name}" for name in resolve_pointer(pointer)["messages"]
        ]


def test_herold_receives_notifications_and_sends_the_rest() -> None:
    received = {operation["channel"]["$ref"] for operation in DOCUMENT["operations"].values() if operation["action"] == "receive"}
    assert received == {f"#/channels/notifications.{priority}" for priority in ("high", "medium", "low")}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_message_has_a_key_and_examples_that_decode(value: type) -> None:
    message = DOCUMENT["components"]["messages"][value.__name__]
    assert message["bindings"]["kafka"]["key"]["type"] == "string"
    texts = [msgspec.json.encode(example["payload"]) for example in message["examples"]]
    decoded = [msgspec.json.decode(text, type=value) for text in texts]
    assert [msgspec.json.encode(example) for example in decoded] == [msgspec.json.encode(example) for example in EXAMPLES[value].values()]
    assert decoded


def test_the_dead_letter_has_every_header_that_is_written() -> None:
    message = DOCUMENT["components"]["messages"]["DeadLetter"]
    (example,) = message["examples"]
    headers = [(name, text.encode()) for name, text in example["headers"].items()]
    assert set(message["headers"]["properties"]) == {name for name, _ in encode_headers(DEAD_LETTER)}
    assert decode_dead_letter(DEAD_LETTER.key, DEAD_LETTER.value, headers) == DEAD_LETTER


def test_the_examples_have_valid_ids() -> None:
    notification = EXAMPLES[Notification]["complete"]
    assert isinstance(notification, Notification)
    assert is_id(notification.id or "")


def test_only_user_and_type_are_required() -> None:
    schema = build_json_schema(Notification)
    assert schema["$defs"]["Notification"]["required"] == ["user_id", "type"]
    assert build_asyncapi()["components"]["schemas"]["Notification"]["required"] == ["user_id", "type"]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_topics_page_has_every_topic_and_valid_links(topic) -> None:
    (row,) = [line for line in build_documents()["topics.md"].splitlines() if line.startswith(f"| `{topic.name}` |")]
    assert f"{topic.retention // DAY} days" in row
    assert set(re.findall(r"\((schemas/\w+\.json)\)", row)) == {SCHEMA_PATHS[value.__name__] for value in topic.value_types}
    assert set(re.findall(r"\((schemas/\w+\.json)\)", row)) <= set(build_documents())
