"""`herold topics`: the catalogue, and the topics in Kafka against it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import click
from rich.console import RenderableType

from app.admin import topics as admin
from app.cli import formatting
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.errors import EXIT_FAILED, CommandError, build_unreachable_error
from app.cli.output import json_option, print_result
from schemas.errors import TopicMismatchError, UnavailableError

TopicArguments = tuple[str, str, int, int, int]


@click.group()
def topics() -> None:
    """List, create and check the topics.

    \b
    herold topics check
    """


@topics.command("list")
@json_option
def list_topics(as_json: bool) -> None:
    """List the topics of the catalogue and the tables' changelogs, with their policies.

    \b
    herold topics list --json
    """
    _, prefix, partitions, replication, min_insync = build_topic_arguments(load_connection_profile())
    print_result(
        [_build_spec_entry(one) for one in admin.build_topic_specs(prefix, partitions, replication, min_insync)], as_json, _format_specs
    )


@topics.command()
@json_option
def apply(as_json: bool) -> None:
    """Create what is missing and correct settings; run again, it changes nothing.

    \b
    herold topics apply
    """
    changes = _run_admin(admin.apply_topics)
    print_result([_build_entry(change) for change in changes], as_json, lambda found: _format_entries(found, "nothing to change"))


@topics.command()
@json_option
def check(as_json: bool) -> None:
    """Compare the topics in Kafka with the catalogue; exit code 1 if they differ.

    \b
    herold topics check
    """
    problems = _run_admin(admin.check_topics)
    print_result([_build_entry(problem) for problem in problems], as_json, lambda found: _format_entries(found, "all topics are right"))
    if problems:
        raise SystemExit(EXIT_FAILED)


def build_topic_arguments(place: ConnectionProfile) -> TopicArguments:
    """What app.admin.topics asks for: brokers, prefix, partitions, replication, in-sync replicas."""
    kafka = place.settings.kafka
    return place.bootstrap_servers, kafka.topic_prefix, kafka.topic_partitions, kafka.topic_replication_factor, kafka.min_insync_replicas


def _run_admin(work: Callable[..., Coroutine[Any, Any, list[Any]]]) -> list[Any]:
    place = load_connection_profile()
    try:
        return asyncio.run(work(*build_topic_arguments(place)))
    except UnavailableError as error:
        raise build_unreachable_error("Kafka", place.bootstrap_servers, error) from None
    except TopicMismatchError as error:
        raise CommandError(str(error), "a topic's partitions cannot be changed: make new topics under another topic_prefix") from None


def _build_spec_entry(one: admin.TopicSpec) -> dict[str, Any]:
    return {"name": one.name, "partitions": one.partitions, "replication_factor": one.replication_factor, "configs": dict(one.configs)}


def _build_entry(one: admin.TopicChange | admin.TopicMismatch) -> dict[str, str]:
    expected, actual = (one.expected, one.actual) if isinstance(one, admin.TopicMismatch) else (one.new_value, one.old_value)
    return {"topic": one.topic, "setting": one.setting, "expected": expected, "actual": actual, "text": str(one)}


def _format_entries(found: list[dict[str, str]], otherwise: str) -> RenderableType:
    return "\n".join(one["text"] for one in found) or otherwise


def _format_specs(found: list[dict[str, Any]]) -> RenderableType:
    made = formatting.build_table("topic", "partitions", "replication factor", "configs")
    for one in found:
        made.add_row(one["name"], str(one["partitions"]), str(one["replication_factor"]), formatting.format_fields(one["configs"]))
    return made
