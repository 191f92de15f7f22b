"""The published contract, made from the structs: JSON Schema of every value, AsyncAPI of every topic, and a table of them.

`python -m dev.reference` writes `docs/reference/`; a test fails when what is written there differs from what the structs say.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from app.admin.topics import TABLE_TTL_HOURS, build_changelog_configs
from dev.reference.examples import DEAD_LETTER, EXAMPLES
from schemas.dead_letter import encode_headers
from schemas.notification import Notification, Submission
from schemas.topics import MS_PER_DAY, Topic, define_topics

REFERENCE_DIR = Path(__file__).resolve().parents[2] / "docs" / "reference"
COMMAND = "python -m dev.reference"
SCHEMA_REF = "#/components/schemas/{name}"
JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
NUMERIC_CONFIGS = ("retention.ms", "max.message.bytes")

DESCRIPTION = "What Herold reads from Kafka and writes to it. Producers write notifications; all else is Herold's own, open to readers."

JsonObject = dict[str, Any]


def build_documents() -> dict[str, str]:
    """Every file of the reference by its path below the folder, with its whole text."""
    schemas = {_get_schema_path(value): _format_json(build_json_schema(value)) for value in _get_value_types()}
    return {**schemas, "asyncapi.json": _format_json(build_asyncapi()), "topics.md": build_topics_page()}


def find_outdated_files(folder: Path = REFERENCE_DIR) -> list[str]:
    """The paths below the folder that are missing, differ, or should not be there."""
    wanted = build_documents()
    there = {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}
    return sorted(path for path in {**wanted, **there} if wanted.get(path) != there.get(path))


def write_documents(folder: Path = REFERENCE_DIR) -> list[str]:
    """Makes the folder say what the structs say; returns the paths that changed."""
    wanted, stale = build_documents(), find_outdated_files(folder)
    for path in stale:
        file = folder / path
        if path not in wanted:
            file.unlink()
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted[path])
    return stale


def build_json_schema(value: type) -> JsonObject:
    """The JSON Schema of one struct, complete in itself."""
    return {"$schema": JSON_SCHEMA_DIALECT, **msgspec.json.schema(value)}


def build_asyncapi() -> JsonObject:
    """The AsyncAPI 3.0 document: topics, keys, headers, messages, examples (its Kafka bindings are version 0.5.0)."""
    topics = list(define_topics())
    _, schemas = msgspec.json.schema_components(_get_value_types(), ref_template=SCHEMA_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Herold",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _build_channel(topic) for topic in topics},
        "operations": {_build_operation_name(topic): _build_operation(topic) for topic in topics},
        "components": {"messages": _build_messages(topics), "schemas": schemas},
    }


def build_topics_page() -> str:
    """The table of all topics, for people."""
    return "\n".join(
        [
            "# Topics",
            "",
            f"Made by `{COMMAND}` from `schemas/topics.py`; do not edit.",
            "",
            *_build_topic_rows(),
            *_build_changelog_rows(),
            "",
        ]
    )


def _get_value_types() -> list[type]:
    """Every struct that crosses a wire, in the order of the flow."""
    return list(dict.fromkeys([Submission, *(value for topic in define_topics() for value in topic.value_types)]))


def _get_schema_path(value: type) -> str:
    """Where its schema is, below the folder: `schemas/decided_event.json`."""
    return f"schemas/{re.sub('(?<=[a-z])(?=[A-Z])', '_', value.__name__).lower()}.json"


def _format_json(tree: JsonObject) -> str:
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode() + "\n"


def _build_channel(topic: Topic) -> JsonObject:
    names = _get_message_names(topic)
    return {
        "address": topic.name,
        "description": f"{topic.description}; an installation's `topic_prefix` stands before the name",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": _build_topic_configuration(topic.kafka_config), "bindingVersion": "0.5.0"}},
        **_build_binding_extension(topic.kafka_config),
    }


def _build_topic_configuration(policy: Mapping[str, str]) -> JsonObject:
    """The settings that the Kafka binding knows."""
    numbers = {name: int(policy[name]) for name in NUMERIC_CONFIGS}
    return {"cleanup.policy": policy["cleanup.policy"].split(","), **numbers}


def _build_binding_extension(policy: Mapping[str, str]) -> JsonObject:
    """The others, as an extension: the binding has no place for them."""
    others = {name: value for name, value in policy.items() if name not in (*NUMERIC_CONFIGS, "cleanup.policy")}
    return {"x-topic-configuration": others} if others else {}


def _build_operation(topic: Topic) -> JsonObject:
    return {
        "action": _get_action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.description,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _get_message_names(topic)],
    }


def _get_action(topic: Topic) -> Literal["receive", "send"]:
    """What Herold does with the topic, as AsyncAPI 3 counts it: it receives what producers write, and sends the rest."""
    return "receive" if Notification in topic.value_types else "send"


def _build_operation_name(topic: Topic) -> str:
    return f"{_get_action(topic)}.{topic.name}"


def _get_message_names(topic: Topic) -> list[str]:
    return [value.__name__ for value in topic.value_types] or ["DeadLetter"]


def _build_messages(topics: list[Topic]) -> JsonObject:
    values = dict.fromkeys(value for topic in topics for value in topic.value_types)
    return {**{value.__name__: _build_message(value) for value in values}, "DeadLetter": _build_dead_letter_message()}


def _build_message(value: type) -> JsonObject:
    return {
        "name": value.__name__,
        "summary": (value.__doc__ or "").strip(),
        "contentType": "application/json",
        "payload": {"$ref": SCHEMA_REF.format(name=value.__name__)},
        "examples": [{"name": name, "payload": _to_builtins(example)} for name, example in EXAMPLES[value].items()],
        "bindings": _build_key_binding("the user's id in UTF-8; its crc32 modulo the number of partitions is the partition"),
    }


def _to_builtins(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _build_dead_letter_message() -> JsonObject:
    headers = {name: content.decode() for name, content in encode_headers(DEAD_LETTER)}
    return {
        "name": "DeadLetter",
        "summary": "The original bytes of a record that cannot go on; headers say why.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": {name: {"type": "string"} for name in headers}, "required": ["stage", "reason"]},
        "payload": {"type": "string", "format": "binary"},
        "examples": [{"name": "invalid", "headers": headers, "payload": (DEAD_LETTER.value or b"").decode()}],
        "bindings": _build_key_binding("the key of the original record"),
    }


def _build_key_binding(about: str) -> JsonObject:
    return {"kafka": {"key": {"type": "string", "description": about}, "bindingVersion": "0.5.0"}}


def _build_topic_rows() -> Iterator[str]:
    yield "| topic | key | value | kept | largest record | what it holds |"
    yield "|---|---|---|---|---|---|"
    for topic in define_topics():
        links = [f"[{value.__name__}]({_get_schema_path(value)})" for value in topic.value_types]
        value = ", ".join(links) or "original bytes"
        kept, largest = f"{topic.retention_days} days", f"{topic.max_message_bytes // 1024} KiB"
        yield f"| `{topic.name}` | {topic.key} | {value} | {kept} | {largest} | {topic.description} |"


def _build_changelog_rows() -> Iterator[str]:
    yield ""
    yield "Changelogs of the workers' tables, compacted and deleted; a row's own time says whether it still counts:"
    yield ""
    yield "| topic | rows live | kept |"
    yield "|---|---|---|"
    for role, tables in TABLE_TTL_HOURS.items():
        for table, hours in tables.items():
            kept = int(build_changelog_configs(hours)["retention.ms"]) // MS_PER_DAY
            yield f"| `{role}-{table}-changelog` | {hours} hours | {kept} days |"


if __name__ == "__main__":
    print("\n".join(write_documents()) or "nothing to change")
