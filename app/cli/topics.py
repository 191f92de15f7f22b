"""`herold topics`: creates the topics in Kafka and compares them with the catalogue."""

from typing import Any

import click
from rich.console import RenderableType

from app.admin.acls import build_commands, create_acls
from app.admin.topic_specs import TopicChange, TopicMismatch, TopicSpec, build_topic_specs
from app.admin.topics import apply_topics, check_topics
from app.cli import formatting
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import EXIT_FAILED, run_async
from app.cli.output import JsonObject, json_option, print_result
from app.kafka.acls import ADMIN, GATEWAY, build_acl_rules
from app.topology import ROLES


@click.group()
def topics() -> None:
    """List, create and check the topics.

    \b
    herold topics check
    """


@topics.command("list")
@json_option
def list_topics(as_json: bool) -> None:
    """List the topics of the catalogue and the changelogs of the tables, with their configuration.

    \b
    herold topics list --json
    """
    specs = build_topic_specs(load_connection_profile().kafka)
    print_result([_build_spec_entry(spec) for spec in specs], as_json, _format_specs)


@topics.command()
@json_option
def apply(as_json: bool) -> None:
    """Create missing topics and correct their configuration. A second run changes nothing.

    \b
    herold topics apply
    """
    kafka = load_connection_profile().kafka
    changes = run_async(apply_topics(kafka), "Kafka", kafka.bootstrap_servers)
    print_result([_build_change_entry(change) for change in changes], as_json, lambda entries: _format_entries(entries) or "no changes")


@topics.command()
@json_option
def check(as_json: bool) -> None:
    """Compare the topics in Kafka with the catalogue; the exit code is 1 if they differ.

    \b
    herold topics check
    """
    kafka = load_connection_profile().kafka
    mismatches = run_async(check_topics(kafka), "Kafka", kafka.bootstrap_servers)
    entries = [_build_mismatch_entry(mismatch) for mismatch in mismatches]
    print_result(entries, as_json, lambda entries: _format_entries(entries) or "all topics match the catalogue")
    if mismatches:
        raise SystemExit(EXIT_FAILED)


@topics.command()
@click.option("--apply", "is_applied", is_flag=True, help="Create them in Kafka instead of printing commands.")
@click.option("--principal", default="User:herold-{role}", show_default=True, help="The principal of a role.")
@click.option("--role", "roles", multiple=True, type=click.Choice([*ROLES, GATEWAY, ADMIN]), help="Only these roles.")
@json_option
def acls(is_applied: bool, principal: str, roles: tuple[str, ...], as_json: bool) -> None:
    """Print or create the ACLs that each role needs: which topics and groups it reads and writes.

    \b
    herold topics acls
    herold topics acls --apply
    """
    kafka = load_connection_profile().kafka
    rules = [rule for rule in build_acl_rules(kafka) if not roles or rule.role in roles]
    principals = {rule.role: principal.replace("{role}", rule.role) for rule in rules}
    count = run_async(create_acls(kafka, rules, principals), "Kafka", kafka.bootstrap_servers) if is_applied else 0
    entries = [{**rule._asdict(), "principal": principals[rule.role]} for rule in rules]
    text = f"{count} ACLs of {len(principals)} roles exist" if is_applied else "\n".join(build_commands(kafka, rules, principals))
    print_result(entries, as_json, lambda _: text)


def _build_spec_entry(spec: TopicSpec) -> dict[str, Any]:
    return {"name": spec.name, "partitions": spec.partitions, "replication_factor": spec.replication_factor, "configs": dict(spec.configs)}


def _build_change_entry(change: TopicChange) -> dict[str, str]:
    return _build_entry(change, change.new_value, change.old_value)


def _build_mismatch_entry(mismatch: TopicMismatch) -> dict[str, str]:
    return _build_entry(mismatch, mismatch.expected, mismatch.actual)


def _build_entry(source: TopicChange | TopicMismatch, expected: str, actual: str) -> dict[str, str]:
    return {"topic": source.topic, "setting": source.setting, "expected": expected, "actual": actual, "text": str(source)}


def _format_entries(entries: list[JsonObject]) -> str:
    return "\n".join(entry["text"] for entry in entries)


def _format_specs(entries: list[JsonObject]) -> RenderableType:
    table = formatting.build_table("topic", "partitions", "replication factor", "configs")
    for entry in entries:
        table.add_row(entry["name"], str(entry["partitions"]), str(entry["replication_factor"]), formatting.format_fields(entry["configs"]))
    return table
