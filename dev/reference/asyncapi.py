"""The AsyncAPI document of Herold's topics, built from schemas/topics.py and the structs of their values."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from dev.reference.examples import DEAD_LETTER, EXAMPLES
from schemas.dead_letter import encode_headers
from schemas.notification import Notification, Submission
from schemas.topics import TOPICS, Topic

SCHEMA_REF = "#/components/schemas/{name}"
KAFKA_BINDING_VERSION = "0.5.0"
NUMERIC_CONFIGS = ("retention.ms", "max.message.bytes")
DESCRIPTION = "The topics of Herold. Producers write notifications; only Herold writes the other topics, and every consumer may read them."

JsonObject = dict[str, Any]


def build_asyncapi() -> JsonObject:
    """The AsyncAPI 3.0 document: topics, keys, headers, messages and examples."""
    _, schemas = msgspec.json.schema_components(get_value_types(), ref_template=SCHEMA_REF)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Herold",
            "version": "1",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _build_channel(topic) for topic in TOPICS},
        "operations": {_build_operation_name(topic): _build_operation(topic) for topic in TOPICS},
        "components": {"messages": _build_messages(TOPICS), "schemas": schemas},
    }


def get_value_types() -> list[type]:
    """The structs of HTTP submissions and of all topics' values, in the order of the pipeline."""
    return list(dict.fromkeys([Submission, *(value for topic in TOPICS for value in topic.value_types)]))


def _build_channel(topic: Topic) -> JsonObject:
    names = _get_message_names(topic)
    configuration = _build_topic_configuration(topic.kafka_config)
    return {
        "address": topic.name,
        "description": f"{topic.description}; the name begins with the `topic_prefix` of the installation",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"topicConfiguration": configuration, "bindingVersion": KAFKA_BINDING_VERSION}},
        **_build_binding_extension(topic.kafka_config),
    }


def _build_topic_configuration(configs: Mapping[str, str]) -> JsonObject:
    """The configuration values that the Kafka binding defines."""
    numbers = {name: int(configs[name]) for name in NUMERIC_CONFIGS}
    return {"cleanup.policy": configs["cleanup.policy"].split(","), **numbers}


def _build_binding_extension(configs: Mapping[str, str]) -> JsonObject:
    """The other configuration values as a specification extension."""
    others = {name: value for name, value in configs.items() if name not in (*NUMERIC_CONFIGS, "cleanup.policy")}
    return {"x-topic-configuration": others} if others else {}


def _build_operation(topic: Topic) -> JsonObject:
    return {
        "action": _get_action(topic),
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": topic.description,
        "messages": [{"$ref": f"#/channels/{topic.name}/messages/{name}"} for name in _get_message_names(topic)],
    }


def _get_action(topic: Topic) -> Literal["receive", "send"]:
    """The action of Herold, as in AsyncAPI 3: it receives what producers write, and sends all else."""
    return "receive" if Notification in topic.value_types else "send"


def _build_operation_name(topic: Topic) -> str:
    return f"{_get_action(topic)}.{topic.name}"


def _get_message_names(topic: Topic) -> list[str]:
    return [value.__name__ for value in topic.value_types] or ["DeadLetter"]


def _build_messages(topics: Sequence[Topic]) -> JsonObject:
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
        "summary": "The original bytes of a record that could not be processed; the headers contain the reason.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": {name: {"type": "string"} for name in headers}, "required": ["stage", "reason"]},
        "payload": {"type": "string", "format": "binary"},
        "examples": [{"name": "invalid", "headers": headers, "payload": (DEAD_LETTER.value or b"").decode()}],
        "bindings": _build_key_binding("the key of the original record"),
    }


def _build_key_binding(description: str) -> JsonObject:
    return {"kafka": {"key": {"type": "string", "description": description}, "bindingVersion": KAFKA_BINDING_VERSION}}
