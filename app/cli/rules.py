"""`herold rules`: applies, tries, lists and compares rules and rate limits, and rolls rules back."""

from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import RenderableType

from app.admin import rules as admin
from app.admin.policy import apply_document, format_document, parse_document
from app.admin.rule_problems import find_rule_notices
from app.cli.connection_profile import load_connection_profile
from app.cli.errors import CommandError, run_query
from app.cli.formatting import build_table, format_datetime
from app.cli.origin import add_origin_options, build_origin
from app.cli.output import JsonObject, json_option, print_result
from app.cli.policy import INVALID_ADVICE
from app.cli.rule_simulation import simulate
from schemas.errors import PolicyDocumentError
from schemas.policy import MAX_VERSION
from schemas.policy_document import PolicyDocument, build_rule_entry
from schemas.rule_versions import list_field_changes

DRY_RUN_NOTE = "nothing was changed: this was a dry run"
version_type = click.IntRange(1, MAX_VERSION)
type_argument = click.argument("type_", metavar="TYPE")


@click.group()
def rules() -> None:
    """Change and show rules, with all their versions.

    \b
    herold rules apply rules.yml --dry-run
    """


rules.add_command(simulate)


@rules.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Validate the file and show the differences.")
@add_origin_options
@json_option
def apply(file: Path, dry_run: bool, comment: str, actor: str, as_json: bool) -> None:
    """Add and change the rules and rate limits of FILE, and show each field that differs; those that it does not name stay.

    Nothing is changed if anything in the file is invalid. FILE is one as `herold policy show` prints it. Routers and gateways use the
    change after router.policy_refresh_interval.

    \b
    herold rules apply rules.yml --comment "gold customers first"
    """
    url = load_connection_profile().postgres.url
    try:
        document = parse_document(file.read_bytes())
        differences = run_query(url, apply_document(url, document, build_origin(actor, comment), dry_run))
    except PolicyDocumentError as error:
        raise CommandError(f"{file}: {error}", INVALID_ADVICE) from None
    print_result(msgspec.to_builtins(differences), as_json, _format_differences)
    for rule in document.rules:
        for field, text in find_rule_notices(rule):
            click.echo(f"note: rule {rule.type}: {field}: {text}", err=True)
    if dry_run:
        click.echo(DRY_RUN_NOTE, err=True)


@rules.command("list")
@click.option("--search", default="", help="Only rules whose type or category contains this text.")
@json_option
def list_rules(search: str, as_json: bool) -> None:
    """List rules.

    \b
    herold rules list --search order
    """
    url = load_connection_profile().postgres.url
    found = run_query(url, admin.list_rules(url, search))
    print_result(msgspec.to_builtins(found), as_json, _format_rules)


@rules.command()
@type_argument
@click.option("--version", type=version_type, help="This version instead of the current one.")
@json_option
def show(type_: str, version: int | None, as_json: bool) -> None:
    """Print the rule for TYPE as a file for `herold rules apply`.

    \b
    herold rules show order.shipped
    """
    url = load_connection_profile().postgres.url
    if version is None:
        entry = build_rule_entry(run_query(url, admin.get_rule(url, type_)))
    else:
        found = run_query(url, admin.get_versions(url, type_, [version]))[0].rule
        if found is None:
            raise CommandError(f"version {version} deleted the rule for {type_}")
        entry = found
    print_result(msgspec.to_builtins(entry), as_json, lambda _: format_document(PolicyDocument([entry])).rstrip())


@rules.command()
@type_argument
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="Versions to show.")
@json_option
def history(type_: str, limit: int, as_json: bool) -> None:
    """List the versions of the rule for TYPE, newest first: who changed it, when and why.

    \b
    herold rules history order.shipped
    """
    url = load_connection_profile().postgres.url
    versions = run_query(url, admin.list_versions(url, type_, limit))
    print_result(msgspec.to_builtins(versions), as_json, _format_versions)


@rules.command()
@type_argument
@click.argument("old", type=version_type)
@click.argument("new", type=version_type)
@json_option
def diff(type_: str, old: int, new: int, as_json: bool) -> None:
    """Show the fields that differ between the versions OLD and NEW of the rule for TYPE.

    \b
    herold rules diff order.shipped 1 2
    """
    url = load_connection_profile().postgres.url
    versions = run_query(url, admin.get_versions(url, type_, [old, new]))
    changes = msgspec.to_builtins(list_field_changes(versions[0].rule, versions[1].rule))
    print_result(changes, as_json, lambda fields: "\n".join(map(_format_field, fields)) or "no changes")


@rules.command()
@type_argument
@click.argument("version", type=version_type)
@add_origin_options
@json_option
def rollback(type_: str, version: int, comment: str, actor: str, as_json: bool) -> None:
    """Make the contents of VERSION the newest version of the rule for TYPE, also if the rule was deleted.

    \b
    herold rules rollback order.shipped 1 --comment "too many SMS"
    """
    url = load_connection_profile().postgres.url
    origin = build_origin(actor, comment or f"back to version {version}")
    try:
        rule = run_query(url, admin.roll_back_rule(url, type_, version, origin))
    except PolicyDocumentError as error:
        raise CommandError(f"version {version} cannot be used any more: {error}", "nothing was changed") from None
    print_result(msgspec.to_builtins(rule), as_json, lambda body: f"rule {type_} is as in version {version}, version {body['version']}")


@rules.command()
@type_argument
@add_origin_options
@json_option
def delete(type_: str, comment: str, actor: str, as_json: bool) -> None:
    """Delete the rule for TYPE; notifications of this type become dead letters. Its versions stay.

    \b
    herold rules delete order.shipped --comment "the shop is closed"
    """
    url = load_connection_profile().postgres.url
    run_query(url, admin.delete_rule(url, type_, build_origin(actor, comment)))
    print_result({"type": type_}, as_json, lambda _: f"rule {type_}: deleted; `herold rules history {type_}` has its versions")


def _format_differences(differences: list[JsonObject]) -> str:
    lines = []
    for one in differences:
        version = f", version {one['version']}" if one["version"] else ""
        lines += [f"{one['kind'].replace('_', ' ')} {one['name']}: {one['change']}{version}", *map(_format_field, one["fields"])]
    return "\n".join(lines) or "no changes"


def _format_field(field: JsonObject) -> str:
    return f"  {field['field']}: {_format_value(field['old'])} -> {_format_value(field['new'])}"


def _format_value(value: Any) -> str:
    return "not set" if value is None else msgspec.json.encode(value).decode()


def _format_rules(found: list[JsonObject]) -> RenderableType:
    table = build_table("type", "version", "category", "priority", "channels", "condition")
    for rule in found:
        priority = (rule["priority"] or "of the topic") + (f", {len(rule['priorities'])} choices" if rule["priorities"] else "")
        channels = f"{rule['strategy']} of {', '.join(rule['channels'])}"
        table.add_row(rule["type"], str(rule["version"]), rule["category"], priority, channels, rule["condition"])
    return table


def _format_versions(versions: list[JsonObject]) -> RenderableType:
    table = build_table("version", "at", "by", "changes", "comment")
    for version, older in zip(versions, [*versions[1:], None], strict=True):
        number, changes = str(version["version"]), _summarize(version, older)
        table.add_row(number, format_datetime(version["changed_at"]), version["actor"], changes, version["comment"])
    return table


def _summarize(version: JsonObject, older: JsonObject | None) -> str:
    """What a version changed, by the names of its fields."""
    old, new = older["rule"] if older else None, version["rule"]
    if new is None:
        return "deleted"
    if old is None:
        return "created" if older or version["version"] == 1 else ""
    return ", ".join(name for name in {**old, **new} if old.get(name) != new.get(name))
