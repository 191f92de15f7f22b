"""The published contract, made from the structs: JSON Schema of every value, AsyncAPI of every topic, and a table of them.

`python -m app.reference` writes `docs/reference/`; a test fails when what is written there differs from what the structs say.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from app.reference_examples import EXAMPLES, LETTER
from app.topics import STATE, changelog_policy
from schemas.deadletter import headers_of
from schemas.notification import Notification, Submission
from schemas.topics import DAY_MS, Topic, catalogue

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
COMMAND = "python -m app.reference"
REF = "#/components/schemas/{name}"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMBERS = ("retention.ms", "max.message.bytes")

ABOUT = "What Herold reads from Kafka and writes to it. Producers write notifications; all else is Herold's own, open to readers."

Tree = dict[str, Any]


def documents() -> dict[str, str]:
    """Every file of the reference by its path below the folder, with its whole text."""
    schemas = {f"schemas/{value.__name__.lower()}.json": _json(json_schema(value)) for value in _values()}
    return {**schemas, "asyncapi.json": _json(asyncapi()), "topics.md": topics_page()}


def drift(folder: Path = FOLDER) -> list[str]:
    """The paths below the folder that are missing, differ, or should not be there."""
    wanted = documents()
    there = {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}
    return sorted(path for path in {**wanted, **there} if wanted.get(path) != there.get(path))


def write(folder: Path = FOLDER) -> list[str]:
    """Makes the folder say what the structs say; returns the paths that changed."""
    wanted, stale = documents(), drift(folder)
    for path in stale:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return stale


def json_schema(value: type) -> Tree:
    """The JSON Schema of one struct, complete in itself."""
    return {"$schema": DIALECT, **msgspec.json.schema(value)}


def asyncapi() -> Tree:
    """The AsyncAPI 3.0 document: topics, keys, headers, messages, examples (its Kafka bindings are version 0.5.0)."""
    topics = list(catalogue())
    _, schemas = msgspec.json.schema_components(_values(), ref_template=REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Herold",
            "version": "1",
            "description": ABOUT,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in topics},
        "operations": {_operation_name(topic): _operation(topic) for topic in topics},
        "components": {"messages": _messages(topics), "schemas": schemas},
    }


def topics_page() -> str:
    """The table of all topics, for people."""
    return "\n".join(["# Topics", "", f"Made by `{COMMAND}` from `schemas/topics.py`; do not edit.", "", *_table(), *_changelogs(), ""])


def _values() -> list[type]:
    """Every struct that crosses a wire, in the order of the flow."""
    return list(dict.fromkeys([Submission, *(value for topic in catalogue() for value in topic.values)]))


def _json(tree: Tree) -> str:
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"


def _channel(topic: Topic) -> Tree:
    names = _message_names(topic)
    return {
        "address": topic.name,
        "description": f"{topic.about}; an installation's `topic_prefix` stands before the name",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": _configuration(topic.policy), "bindingVersion": "0.5.0"}},
        **_beyond_the_binding(topic.policy),
    }


def _configuration(policy: Mapping[str, str]) -> Tree:
    """The settings that the Kafka binding knows."""
    numbers = {name: int(policy[name]) for name in NUMBERS}
    return {"cleanup.policy": policy["cleanup.policy"].split(","), **numbers}


def _beyond_the_binding(policy: Mapping[str, str]) -> Tree:
    """The others, as an extension: the binding has no place for them."""
    others = {name: value for name, value in policy.items() if name not in (*NUMBERS, "cleanup.policy")}
    return {"x-topic-configuration": others} if others else {}


def _operation(topic: Topic) -> Tree:
    return {
        "action": _action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.about,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _message_names(topic)],
    }


def _action(topic: Topic) -> Literal["receive", "send"]:
    """What Herold does with the topic, as AsyncAPI 3 counts it: it receives what producers write, and sends the rest."""
    return "receive" if Notification in topic.values else "send"


def _operation_name(topic: Topic) -> str:
    return f"{_action(topic)}.{topic.name}"


def _message_names(topic: Topic) -> list[str]:
    return [value.__name__ for value in topic.values] or ["DeadLetter"]


def _messages(topics: list[Topic]) -> Tree:
    values = dict.fromkeys(value for topic in topics for value in topic.values)
    return {**{value.__name__: _message(value) for value in values}, "DeadLetter": _dead_letter()}


def _message(value: type) -> Tree:
    return {
        "name": value.__name__,
        "summary": (value.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": REF.format(name=value.__name__)},
        "examples": [{"name": name, "payload": _plain(example)} for name, example in EXAMPLES[value].items()],
        "bindings": _keyed("the user's id in UTF-8; its crc32 modulo the number of partitions is the partition"),
    }


def _plain(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _dead_letter() -> Tree:
    headers = {name: content.decode() for name, content in headers_of(LETTER)}
    return {
        "name": "DeadLetter",
        "summary": "The original bytes of a record that cannot go on; headers say why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": {name: {"type": "string"} for name in headers}, "required": ["stage", "reason"]},
        "payload": {"type": "string", "format": "binary"},
        "examples": [{"name": "invalid", "headers": headers, "payload": (LETTER.value or b"").decode()}],
        "bindings": _keyed("the key of the original record"),
    }


def _keyed(about: str) -> Tree:
    return {"kafka": {"key": {"type": "string", "description": about}, "bindingVersion": "0.5.0"}}


def _table() -> Iterator[str]:
    yield "| topic | key | value | kept | largest record | what it holds |"
    yield "|---|---|---|---|---|---|"
    for topic in catalogue():
        links = [f"[{value.__name__}](schemas/{value.__name__.lower()}.json)" for value in topic.values]
        value = ", ".join(links) or "original bytes"
        yield f"| `{topic.name}` | {topic.key} | {value} | {topic.days} days | {topic.max_bytes // 1024} KiB | {topic.about} |"


def _changelogs() -> Iterator[str]:
    yield ""
    yield "Changelogs of the workers' tables, compacted and deleted; a row's own time says whether it still counts:"
    yield ""
    yield "| topic | rows live | kept |"
    yield "|---|---|---|"
    for role, tables in STATE.items():
        for table, hours in tables.items():
            kept = int(changelog_policy(hours)["retention.ms"]) // DAY_MS
            yield f"| `{role}-{table}-changelog` | {hours} hours | {kept} days |"


if __name__ == "__main__":
    print("\n".join(write()) or "nothing to change")
