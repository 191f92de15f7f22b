"""`herold rules simulate`: what recorded notifications would become under other rules."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

import click
import msgspec
from rich.console import Group, RenderableType
from rich.text import Text

from app.admin.policy import parse_document
from app.admin.rule_simulation import RuleSimulation, judge_with_stored_profiles, load_policies
from app.cli.api_client import load_operator_client
from app.cli.connection_profile import ConnectionProfile, load_connection_profile
from app.cli.durations import DurationType
from app.cli.errors import CommandError, run_async, run_query
from app.cli.formatting import build_table, format_datetime
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.policy import INVALID_ADVICE
from app.encryption.recorded_notifications import open_recorded
from app.encryption.sealers import build_column_sealing, open_sealers
from app.kafka.recorded_notifications import read_newest
from schemas.errors import PolicyDocumentError
from schemas.lifetimes import NOTIFICATION_RECORDS
from schemas.policy_document import PolicyDocument
from schemas.ports import RecordedNotification
from schemas.simulation import build_simulation_report
from tables.postgres.database import open_database

MAX_NOTIFICATIONS = 200_000
DEFAULT_NOTIFICATIONS = 10_000
LIMIT_HELP = "At most so many, the newest: by default 10000; with --type 500, and 2000 at most."
NOTES = (
    "Each is judged at the time of its record, with the profile and preferences that its user has now.",
    "Rate windows and idempotency keys begin empty. What was held is not followed: how it was resumed is left out.",
    "What joins a digest is counted as merged, without the digest's own delivery; of an escalation, the first channel is counted.",
)
SKIPPED = {
    "resumed": "resumed after a hold",
    "repartitioned": "on another partition than the user's, and judged as repartitioned",
    "replayed": "with the id of an earlier one",
}


@click.command()
@click.option("--rules", "file", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The new rules.")
@click.option("--last", default="24h", show_default=True, type=DurationType(NOTIFICATION_RECORDS), help="How far back, such as 90m or 7d.")
@click.option("--limit", type=click.IntRange(1, MAX_NOTIFICATIONS), help=LIMIT_HELP)
@click.option("--type", "type_", help="Try this rule of the file only, on the newest notifications of its type. The gateway does it.")
@add_gateway_options
@json_option
def simulate(file: Path, last: float, limit: int | None, type_: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Run recorded notifications through the current rules and those of a file, and show what would change; nothing is sent.

    The file is one for `herold rules apply`: rules, rate limits and templates that it does not name stay as they are. Without --type it is
    tried on notifications of all types, for which the command itself reads Kafka and PostgreSQL.

    \b
    herold rules simulate --rules rules.yml --last 24h
    herold rules simulate --rules rules.yml --type promo.sale --limit 500
    """
    try:
        document = parse_document(file.read_bytes())
        report = _simulate_file(document, last, limit or DEFAULT_NOTIFICATIONS) if type_ is None else None
    except PolicyDocumentError as error:
        raise CommandError(f"{file}: {error}", INVALID_ADVICE) from None
    if type_ is not None:
        body = {"rule": _get_rule(document, type_), **({} if limit is None else {"count": limit})}
        client = load_operator_client(url, api_key)
        report = cast(JsonObject, client.post(f"/v1/rules/{quote(type_, safe='')}/simulate", body))
    print_result(report, as_json, _format_report)


def _simulate_file(document: PolicyDocument, last: float, limit: int) -> JsonObject:
    """The report about a whole file. Raises PolicyDocumentError and CommandError."""
    profile, now = load_connection_profile(), time.time()
    kafka, url = profile.kafka, profile.postgres.url
    before, after = run_query(url, load_policies(url, document))
    since, records = run_async(read_newest(kafka, now, last, limit), "Kafka", kafka.bootstrap_servers)
    simulation = RuleSimulation(before, after, kafka.topic_partitions, kafka.topic_prefix)
    run_query(url, _judge(profile, simulation, records))
    report: JsonObject = msgspec.to_builtins(build_simulation_report(simulation.judged, simulation.skipped, since, now))
    return report


def _get_rule(document: PolicyDocument, type_: str) -> JsonObject:
    """The rule of a file for this type. Raises CommandError."""
    rules: dict[str, JsonObject] = {entry.type: msgspec.to_builtins(entry) for entry in document.rules}
    if type_ not in rules:
        raise CommandError(f"the file has no rule for {type_}", f"it has rules for {', '.join(rules) or 'no type'}")
    return rules[type_]


async def _judge(profile: ConnectionProfile, simulation: RuleSimulation, records: Sequence[RecordedNotification]) -> None:
    async with (
        open_database(profile.postgres.url) as database,
        open_sealers(profile.encryption, profile.redis, profile.kafka.topic_prefix, database) as sealers,
    ):
        opened = await open_recorded(records, sealers)
    await judge_with_stored_profiles(profile.postgres.url, simulation, opened, build_column_sealing(profile.encryption))


def _format_report(report: JsonObject) -> RenderableType:
    lines = [f"{report['simulated']} notifications since {format_datetime(report['since'])}, of which {report['changed']} would change"]
    lines += [f"left out: {count} {SKIPPED[reason]}" for reason, count in report["skipped"].items()]
    parts: list[RenderableType] = [Text("\n".join(lines))]
    if report["changes"]:
        changes = build_table("count", "now", "new", "examples", title="Changes")
        for one in report["changes"]:
            changes.add_row(str(one["count"]), _format_result(one["before"]), _format_result(one["after"]), ", ".join(one["examples"]))
        parts += [Text(), changes]
    if report["other_changes"]:
        parts.append(Text(f"and {report['other_changes']} notifications with rarer changes"))
    if report["stops"]:
        stops = [(one["gate"], one["reason"], one["before"], one["after"]) for one in report["stops"]]
        parts += [Text(), _build_count_table("Not sent, or later", ("gate", "reason"), stops)]
    if report["channels"]:
        channels = [(name, one["before"], one["after"]) for name, one in report["channels"].items()]
        parts += [Text(), _build_count_table("Deliveries", ("channel",), channels)]
    return Group(*parts, Text(), Text("\n".join(NOTES), "dim"))


def _build_count_table(title: str, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> RenderableType:
    table = build_table(*names, "now", "new", title=title)
    for row in rows:
        table.add_row(*map(str, row))
    return table


def _format_result(result: JsonObject) -> str:
    if result.get("gate"):
        return f"{result['state']} by {result['gate']}: {result['reason']}"
    if not result.get("channels"):
        return str(result["state"])
    channels = (f"{name} {template}" for name, template in zip(result["channels"], result["templates"], strict=True))
    return f"{result['state']}, {result['priority']}: {', '.join(channels)}"
