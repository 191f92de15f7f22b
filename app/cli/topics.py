"""`herold topics`: the catalogue, and the topics in Kafka against it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import click
from rich.console import RenderableType

from app import topics as admin
from app.cli import views
from app.cli.failures import FAILED, Failure, unreachable
from app.cli.place import Place, find_place
from app.cli.screen import json_option, show
from schemas.errors import TopicsWrong, Unavailable

Arguments = tuple[str, str, int, int, int]


@click.group()
def topics() -> None:
    """List, create and check the topics.

    \b
    herold topics check
    """


@topics.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the topics of the catalogue and the tables' changelogs, with their policies.

    \b
    herold topics list --json
    """
    _, prefix, partitions, replication, min_insync = arguments(find_place())
    show([_entry(one) for one in admin.wanted(prefix, partitions, replication, min_insync)], as_json, _catalogue)


@topics.command()
@json_option
def apply(as_json: bool) -> None:
    """Create what is missing and correct settings; run again, it changes nothing.

    \b
    herold topics apply
    """
    changes = _run(admin.apply)
    show([_plain(change) for change in changes], as_json, lambda found: _lines(found, "nothing to change"))


@topics.command()
@json_option
def check(as_json: bool) -> None:
    """Compare the topics in Kafka with the catalogue; exit code 1 if they differ.

    \b
    herold topics check
    """
    problems = _run(admin.check)
    show([_plain(problem) for problem in problems], as_json, lambda found: _lines(found, "all topics are right"))
    if problems:
        raise SystemExit(FAILED)


def arguments(place: Place) -> Arguments:
    """What app.topics asks for: brokers, prefix, partitions, replication, in-sync replicas."""
    herold, kafka = place.settings.herold, place.settings.kafka
    return place.kafka, herold.topic_prefix, herold.partitions, kafka.replication, kafka.min_insync


def _run(work: Callable[..., Coroutine[Any, Any, list[Any]]]) -> list[Any]:
    place = find_place()
    try:
        return asyncio.run(work(*arguments(place)))
    except Unavailable as error:
        raise unreachable("Kafka", place.kafka, error) from None
    except TopicsWrong as error:
        raise Failure(str(error), "a topic's partitions cannot be changed: make new topics under another topic_prefix") from None


def _entry(one: admin.Wanted) -> dict[str, Any]:
    return {"name": one.name, "partitions": one.partitions, "replication": one.replication, "policy": dict(one.policy)}


def _plain(one: admin.Change | admin.Problem) -> dict[str, str]:
    return {"topic": one.topic, "what": one.what, "wanted": one.wanted, "found": one.found, "text": str(one)}


def _lines(found: list[dict[str, str]], otherwise: str) -> RenderableType:
    return "\n".join(one["text"] for one in found) or otherwise


def _catalogue(found: list[dict[str, Any]]) -> RenderableType:
    made = views.table("topic", "partitions", "replication", "policy")
    for one in found:
        made.add_row(one["name"], str(one["partitions"]), str(one["replication"]), views.inputs(one["policy"]))
    return made
