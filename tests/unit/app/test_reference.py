"""The published contract agrees with the structs, and hangs together as AsyncAPI 3.0 wants it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.reference import COMMAND, asyncapi, documents, drift, json_schema, write
from app.reference_examples import EXAMPLES, LETTER
from schemas.deadletter import headers_of, letter_of
from schemas.ids import is_id
from schemas.notification import Notification
from schemas.topics import catalogue

DOCUMENT = msgspec.json.decode(documents()["asyncapi.json"])
VALUES = sorted({value for topic in catalogue() for value in topic.values}, key=lambda value: value.__name__)


def refs(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        tree = list(tree.values())
    if isinstance(tree, list):
        for part in tree:
            yield from refs(part)


def at(pointer: str) -> Any:
    node: Any = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_committed_reference_says_what_the_structs_say() -> None:
    assert drift() == [], f"docs/reference/ differs from the structs: run `{COMMAND}` and commit what it writes"


def test_writing_mends_every_kind_of_drift(tmp_path: Path) -> None:
    assert write(tmp_path) == sorted(documents())
    (tmp_path / "topics.md").write_text("old")
    (tmp_path / "schemas" / "gone.json").write_text("{}")
    (tmp_path / "asyncapi.json").unlink()
    assert drift(tmp_path) == write(tmp_path) == ["asyncapi.json", "schemas/gone.json", "topics.md"]
    assert (drift(tmp_path), write(tmp_path)) == ([], [])


def test_every_reference_leads_somewhere() -> None:
    pointers = set(refs(DOCUMENT))
    assert len(pointers) > 50
    assert all(at(pointer) for pointer in pointers)


def test_the_document_has_what_asyncapi_requires() -> None:
    assert re.fullmatch(r"3\.\d+\.\d+", DOCUMENT["asyncapi"])
    assert {"title", "version"} <= set(DOCUMENT["info"])
    names = [*DOCUMENT["channels"], *DOCUMENT["operations"], *DOCUMENT["components"]["messages"], *DOCUMENT["components"]["schemas"]]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in names)


@pytest.mark.parametrize("topic", list(catalogue()), ids=lambda topic: topic.name)
def test_every_topic_is_a_channel_with_its_policy_and_messages(topic) -> None:
    channel = DOCUMENT["channels"][topic.name]
    configuration = channel["bindings"]["kafka"]["topicConfiguration"]
    assert channel["address"] == topic.name
    assert list(channel["messages"]) == ([value.__name__ for value in topic.values] or ["DeadLetter"])
    assert configuration["cleanup.policy"] == ["delete"]
    assert configuration["retention.ms"] == int(topic.policy["retention.ms"])
    assert configuration["max.message.bytes"] == topic.max_bytes
    assert {**configuration, **channel.get("x-topic-configuration", {})}.keys() == topic.policy.keys()


def test_every_operation_is_about_one_channel_and_messages_of_it() -> None:
    assert len(DOCUMENT["operations"]) == len(DOCUMENT["channels"])
    for operation in DOCUMENT["operations"].values():
        pointer = operation["channel"]["$ref"]
        assert operation["action"] in ("send", "receive")
        assert [ref["$ref"] for ref in operation["messages"]] == [f"{pointer}/messages/{name}" for name in at(pointer)["messages"]]


def test_herold_receives_notifications_and_sends_the_rest() -> None:
    received = {o["channel"]["$ref"] for o in DOCUMENT["operations"].values() if o["action"] == "receive"}
    assert received == {f"#/channels/notifications.{lane}" for lane in ("high", "medium", "low")}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_every_message_has_a_key_and_examples_that_decode(value: type) -> None:
    message = DOCUMENT["components"]["messages"][value.__name__]
    assert message["bindings"]["kafka"]["key"]["type"] == "string"
    texts = [msgspec.json.encode(example["payload"]) for example in message["examples"]]
    decoded = [msgspec.json.decode(text, type=value) for text in texts]
    assert [msgspec.json.encode(said) for said in decoded] == [msgspec.json.encode(said) for said in EXAMPLES[value].values()]
    assert decoded


def test_the_dead_letter_has_a_header_for_each_that_is_written() -> None:
    message = DOCUMENT["components"]["messages"]["DeadLetter"]
    (example,) = message["examples"]
    headers = [(name, text.encode()) for name, text in example["headers"].items()]
    assert set(message["headers"]["properties"]) == {name for name, _ in headers_of(LETTER)}
    assert letter_of(LETTER.key, LETTER.value, headers) == LETTER


def test_the_examples_use_real_ids() -> None:
    full = EXAMPLES[Notification]["everything said"]
    assert isinstance(full, Notification)
    assert is_id(full.id or "")


def test_only_user_and_type_are_required() -> None:
    schema = json_schema(Notification)
    assert schema["$defs"]["Notification"]["required"] == ["user_id", "type"]
    assert asyncapi()["components"]["schemas"]["Notification"]["required"] == ["user_id", "type"]


@pytest.mark.parametrize("topic", list(catalogue()), ids=lambda topic: topic.name)
def test_the_page_for_people_has_every_topic_and_links_that_exist(topic) -> None:
    (row,) = [line for line in documents()["topics.md"].splitlines() if line.startswith(f"| `{topic.name}` |")]
    assert f"{topic.days} days" in row
    assert set(re.findall(r"\((schemas/\w+\.json)\)", row)) == {f"schemas/{value.__name__.lower()}.json" for value in topic.values}
    assert set(re.findall(r"\((schemas/\w+\.json)\)", row)) <= set(documents())
