"""`herold audiences`: lists, shows, sets and deletes audiences, and changes the members of lists."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from rich.console import RenderableType
from rich.text import Text

from app.cli import formatting
from app.cli.api_client import load_gateway_client, load_operator_client
from app.cli.bulk import detect_format
from app.cli.json_input import parse_json
from app.cli.lists import add_page_options, format_page, select_given
from app.cli.member_import import import_members
from app.cli.output import JsonObject, add_gateway_options, json_option, print_result
from app.cli.users import find_or_none, parse_attribute
from schemas.channels import CHANNEL_NAMES

AUDIENCES_PATH = "/v1/audiences"


@click.group()
def audiences() -> None:
    """List, show and change audiences: the users of a broadcast or a schedule.

    \b
    herold audiences set gold-in-german --tier gold --locale de --description "pay, and read German"
    herold audiences preview gold-in-german
    herold audiences set testers
    herold audiences add testers u-42 u-43
    """


@audiences.command("list")
@click.option("--search", help="Part of a name.")
@add_page_options
@add_gateway_options
@json_option
def list_audiences(url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """List audiences by name.

    \b
    herold audiences list --search gold
    """
    print_result(load_gateway_client(url, api_key).get(AUDIENCES_PATH, **select_given(**options)), as_json, _format_audiences)


@audiences.command()
@click.argument("name")
@add_gateway_options
@json_option
def show(name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Show an audience with its filter.

    \b
    herold audiences show gold-in-german
    """
    print_result(load_gateway_client(url, api_key).get(build_path(name)), as_json, format_audience)


@audiences.command("set")
@click.argument("name")
@click.option("--tier", multiple=True, help="One of these tiers; empty: none. Repeatable.")
@click.option("--locale", multiple=True, help="One of these locales; de takes de-AT, too. Repeatable.")
@click.option("--time-zone", multiple=True, help="One of these time zones. Repeatable.")
@click.option("--attribute", multiple=True, metavar="K=V|K:=JSON", help="The user has this attribute. Repeatable.")
@click.option("--has-channel", multiple=True, type=click.Choice(CHANNEL_NAMES), help="The user has an address on it. Repeatable.")
@click.option("--filter", "filter_text", metavar="JSON", help="More conditions, such as any and not; {} takes all users.")
@click.option("--description", help="For whom it is.")
@add_gateway_options
@json_option
def set_audience(name: str, description: str | None, url: str | None, api_key: str | None, as_json: bool, **options: Any) -> None:
    """Create an audience, or replace the filter of one. Without a condition a new one is a list.

    \b
    herold audiences set active --attribute plan=pro --filter '{"not": {"tier": ["trial"]}}'
    """
    api, path = load_operator_client(url, api_key), build_path(name)
    stored = find_or_none(lambda: api.get(path))
    given = build_filter(**options)
    body = {
        "filter": given if given is not None else stored and stored["filter"],
        "description": description if description is not None else (stored or {}).get("description", ""),
    }
    print_result(api.change("PUT", path, body, stored["version"] if stored else None), as_json, format_audience)


@audiences.command()
@click.argument("name")
@click.confirmation_option(prompt="Delete the audience?")
@add_gateway_options
@json_option
def delete(name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Delete an audience; its users stay.

    \b
    herold audiences delete testers --yes
    """
    api = load_operator_client(url, api_key)
    stored = api.get(build_path(name))
    api.delete(build_path(name), stored["version"])
    print_result({"name": name}, as_json, lambda result: f"{result['name']} is deleted")


@audiences.command()
@click.argument("name")
@add_gateway_options
@json_option
def preview(name: str, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Count the users of an audience, and show the first of them.

    \b
    herold audiences preview gold-in-german
    """
    print_result(load_gateway_client(url, api_key).get(build_path(name, "preview")), as_json, format_preview)


@audiences.command()
@click.argument("name")
@add_page_options
@add_gateway_options
@json_option
def members(name: str, limit: int, cursor: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """List the users of an audience.

    \b
    herold audiences members testers
    """
    page = load_gateway_client(url, api_key).get(build_path(name, "members"), **select_given(limit=limit, cursor=cursor))
    print_result(page, as_json, _format_members)


@audiences.command()
@click.argument("name")
@click.argument("user_ids", metavar="USER...", nargs=-1, required=True)
@add_gateway_options
@json_option
def add(name: str, user_ids: Sequence[str], url: str | None, api_key: str | None, as_json: bool) -> None:
    """Add users to a list.

    \b
    herold audiences add testers u-42 u-43
    """
    body = {"add": list(user_ids)}
    print_result(load_operator_client(url, api_key).change("PATCH", build_path(name, "members"), body), as_json, format_counts)


@audiences.command()
@click.argument("name")
@click.argument("user_ids", metavar="USER...", nargs=-1, required=True)
@add_gateway_options
@json_option
def remove(name: str, user_ids: Sequence[str], url: str | None, api_key: str | None, as_json: bool) -> None:
    """Remove users from a list.

    \b
    herold audiences remove testers u-42
    """
    body = {"remove": list(user_ids)}
    print_result(load_operator_client(url, api_key).change("PATCH", build_path(name, "members"), body), as_json, format_counts)


@audiences.command("import")
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "file_format", type=click.Choice(["csv", "jsonl"]), help="Default: by the ending of the name.")
@add_gateway_options
@json_option
def import_file(name: str, file: Path, file_format: str | None, url: str | None, api_key: str | None, as_json: bool) -> None:
    """Add the users of FILE (CSV with a column id, or JSONL with a field id) to a list. If a line is not valid, nothing is changed.

    The files of `herold users import` and `herold users export` can be used: the other columns are ignored.

    \b
    herold audiences import testers testers.csv
    """
    api, path = load_operator_client(url, api_key), build_path(name, "members")
    counts = import_members(lambda body: api.change("PATCH", path, body), file, file_format or detect_format(file), as_json)
    print_result(counts, as_json, format_counts)


def build_path(name: str, *parts: str) -> str:
    """The path of an audience or of what belongs to it."""
    return "/".join([AUDIENCES_PATH, quote(name, safe=""), *parts])


def build_filter(filter_text: str | None, attribute: Sequence[str], **conditions: Sequence[str]) -> JsonObject | None:
    """The filter that the options give; None if none of them does. Raises click.UsageError for an invalid one."""
    given: JsonObject = {name: list(values) for name, values in conditions.items() if values}
    if attribute:
        given["attributes"] = dict(map(parse_attribute, attribute))
    if filter_text is None:
        return given or None
    try:
        more = parse_json(filter_text.encode("utf-8", "surrogateescape"))
    except ValueError as error:
        raise click.UsageError(f"--filter: {error}") from None
    if not isinstance(more, dict):
        raise click.UsageError('--filter: must be a JSON object, such as {"not": {"tier": ["trial"]}}')
    return {**more, **given}


def format_preview(preview: JsonObject) -> RenderableType:
    """How many users there are, and the first of them."""
    users = ", ".join(preview["first_users"])
    return formatting.build_key_value_table(
        {
            "users": Text(f"{preview['count']:,}", "bold"),
            "unknown": f"{preview['unknown_users']:,}, who get nothing" if preview["unknown_users"] else "",
            "first": f"{users}, ..." if preview["count"] > len(preview["first_users"]) else users,
        }
    )


def format_counts(counts: JsonObject) -> str:
    """How many members were added and removed."""
    return f"{counts['added']:,} added, {counts['removed']:,} removed"


def format_audience(audience: JsonObject) -> RenderableType:
    """An audience."""
    return formatting.build_key_value_table(
        {
            "audience": Text(audience["name"], "bold"),
            "kind": audience["kind"],
            "filter": _format_filter(audience),
            "description": audience["description"],
            "created": formatting.format_datetime(audience["created_at"]),
            "updated": formatting.format_datetime(audience["updated_at"]),
            "version": str(audience["version"]),
        }
    )


def _format_audiences(page: JsonObject) -> RenderableType:
    table = formatting.build_table("audience", "kind", "filter", "description", "updated")
    for one in page["items"]:
        updated = formatting.format_datetime(one["updated_at"])
        table.add_row(one["name"], one["kind"], _format_filter(one), one["description"], updated)
    return format_page(table, page)


def _format_members(page: JsonObject) -> RenderableType:
    table = formatting.build_table("user")
    for user_id in page["items"]:
        table.add_row(user_id)
    return format_page(table, page)


def _format_filter(audience: JsonObject) -> str:
    if audience["kind"] == "list":
        return ""
    return formatting.format_fields(audience["filter"]) or "all users"
